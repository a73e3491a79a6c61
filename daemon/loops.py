"""What the daemon does over and over: reads what is new, judges what is complete, obeys and alerts."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import TaskGroup
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from config.settings import Settings
from daemon.alerts.dispatch import dispatch
from daemon.checked import slow_patterns
from daemon.clock import now_ms
from daemon.cycle import judge, read_to_end
from daemon.database import StoreDamagedError, StoreError, StoreFullError
from daemon.engine import Engine
from daemon.judge import HandlerError
from daemon.logs import tell
from daemon.outage import Outage
from daemon.watch import Watcher

RETRY_S: Final = 5.0
"""Pause before a batch is tried again that the store could not take."""
FORGET_EVERY_S: Final = 60.0
ORDERS_EVERY_S: Final = 1.0
"""How often it is looked whether operators ask for something: who asks waits for the answer."""
ALERTS_EVERY_S: Final = 1.0
BUSY_LOOKS_CPU_SHARE: Final = 0.02
"""What looks at all files may take of a core while some are written: no events tell of the others."""
LOOKS_CPU_SHARE: Final = 0.005
"""The same while none is written: such a look only finds what events missed."""
MAX_LOOK_PAUSE_S: Final = 30.0
STUCK_S: Final = 60.0
"""A loop that did not come round for so long is taken for dead, and the service manager restarts us."""
JUDGING_STUCK_S: Final = 600.0
"""A detection takes seconds, and minutes on a machine that does everything at once."""


class Loops:
    """Drives the engine. Each loop is a task; `troubles` says which of them is alive."""

    def __init__(self, engine: Engine, live_settings: Callable[[], Settings]) -> None:
        self._engine = engine
        self._settings = live_settings
        self._watcher = _watcher(live_settings())
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._tick_in, self._tick_out = anyio.create_memory_object_stream[None](1)
        self._fed_at = self._ticked_at = self._refresh_at = time.monotonic()
        self._judging_since: float | None = None
        self._looks = self._hot = False
        self._look_due_at = 0.0
        """When it is time to look at all files, whatever those do that were read lately."""
        self._looked_ms = 0
        """When the last look at the files began: all that had been written by then is read."""
        self._said: set[str] = set()
        self._reading = Outage("reading", "nothing is lost")
        self._judging = Outage("detection", "the windows wait for it")
        self._orders = Outage("taking orders", "they wait")
        self.caught_up = False
        """Whether all that is there was read."""
        self.failure: StoreError | None = None
        """Why the daemon has to end."""
        self._end: Callable[[], None] = lambda: None

    async def open(self) -> None:
        """Watches the directories and starts the clockwork. To be called before `start`."""
        await self._watcher.start()
        self._schedule()
        self._scheduler.start()

    def start(self, tasks: TaskGroup) -> None:
        self._end = tasks.cancel_scope.cancel
        for loop in (self._feed, self._detect, self._follow_orders, self._send_alerts):
            tasks.start_soon(loop)

    async def close(self) -> None:
        self._scheduler.shutdown(wait=False)
        await self._watcher.stop()

    async def adopt(self, before: Settings) -> None:
        """Goes on with the settings that are in force now."""
        settings = self._settings()
        if settings.logs != before.logs:
            await self._watcher.stop()
            self._watcher = _watcher(settings)
            await self._watcher.start()
        await self._engine.adopt(settings)
        if settings.detect.interval_s != before.detect.interval_s:
            self._schedule()

    def stop(self, error: StoreError) -> None:
        """Ends the daemon: what the store says can no longer be trusted. Several loops may find that."""
        self.failure = self.failure or error
        self._end()

    def troubles(self) -> dict[str, tuple[str, ...]]:
        """What a restart would help, by component; nothing of a component that is alive."""
        settings, now = self._settings(), time.monotonic()
        reader_s, scheduler_s = now - self._fed_at, now - self._ticked_at
        judging_s = 0.0 if self._judging_since is None else now - self._judging_since
        stuck = reader_s > STUCK_S + settings.logs.rescan_s
        still = scheduler_s > STUCK_S + settings.detect.interval_s
        hangs = judging_s > JUDGING_STUCK_S
        return {
            "watcher": self._watcher.alive(),
            "reader": (f"the reader has not come round for {reader_s:.0f} s",) if stuck else (),
            "scheduler": (f"the scheduler has not ticked for {scheduler_s:.0f} s",) if still else (),
            "detection": (f"a detection has taken {judging_s:.0f} s so far",) if hangs else (),
        }

    @property
    def deaths(self) -> int:
        """How many threads of the file watcher died and were started again."""
        return self._watcher.deaths

    def _schedule(self) -> None:
        self._scheduler.add_job(
            self._tick,
            IntervalTrigger(seconds=self._settings().detect.interval_s, timezone="UTC"),
            id="detect",
            replace_existing=True,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    async def _tick(self) -> None:
        """Does no work itself: what a scheduler's job raises is swallowed, what a task raises is not."""
        self._ticked_at = time.monotonic()
        try:
            self._tick_in.send_nowait(None)
        except anyio.WouldBlock:
            return  # the last detection is still at work

    async def _feed(self) -> None:
        while True:
            self._fed_at = began = time.monotonic()
            self._looks, look_ms = True, now_ms()
            try:
                problems = await read_to_end(self._engine, self._pulse, hot=self._hot)
            except StoreDamagedError as error:
                self.stop(error)
                return
            except StoreError as error:
                self.caught_up = self._hot = False
                self._reading.failed(error)
                if isinstance(error, StoreFullError):
                    await self._make_room()
                await anyio.sleep(RETRY_S)
                continue
            self._reading.over()
            self._looks = False
            if not self._hot:
                self._look_due_at = time.monotonic() + self._busy_rescan_s()
            if not self._hot or self._engine.tail.sees_all:
                self._looked_ms = look_ms
            self._tell_problems(problems)
            if not self.caught_up:
                self.caught_up = True
                await self._tick()  # what was read is judged at once, not one interval later
            await self._wait(began)

    async def _make_room(self) -> None:
        """Detection, after which old windows are dropped, waits for the reader; the reader waits for room."""
        with suppress(StoreError):
            count = await self._engine.forget_old(make_room=True)
            if count:
                tell("INFO", "made-room", f"the {count} oldest documents are rolled up or dropped")

    def _pulse(self, more: bool) -> None:
        self._fed_at = time.monotonic()
        if more:
            self.caught_up = False

    def _rescan_s(self) -> float:
        """Time to the next look if no event asks for one: longer than is set where there are many files."""
        long_s = min(MAX_LOOK_PAUSE_S, self._engine.tail.scan_cpu_s / LOOKS_CPU_SHARE)
        return max(self._settings().logs.rescan_s, long_s)

    def _busy_rescan_s(self) -> float:
        """The same while some files are written: those that are not open grow unseen."""
        tail = self._engine.tail
        return (
            self._rescan_s()
            if tail.sees_all
            else min(self._settings().logs.rescan_s, tail.scan_cpu_s / BUSY_LOOKS_CPU_SHARE)
        )

    async def _wait(self, began: float) -> None:
        """Returns when it is time to read again: something grew, something changed, or the timer says so."""
        self._hot = False
        logs, ingest = self._settings().logs, self._settings().ingest
        if time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + logs.rescan_s
            await self._watcher.refresh()
        until = time.monotonic() + self._rescan_s()
        # To look less often than is committed would make a line wait for longer than that.
        poll_s = min(logs.hot_poll_ms, ingest.commit_interval_ms) / 1000
        while time.monotonic() < until:
            hot = self._engine.tail.is_hot
            # When it gets quiet, watching writes again is a hint by itself: for those that nobody watched.
            await self._watcher.follow_writes(wanted=not hot)
            pause_s = poll_s if hot else until - time.monotonic()
            with anyio.move_on_after(max(pause_s, 0.001)):
                await self._watcher.wait()
                break
            is_due = time.monotonic() >= self._look_due_at
            if hot and (is_due or await self._engine.has_grown()):
                self._hot = not is_due
                break
        await anyio.sleep(max(0.0, began + ingest.commit_interval_ms / 1000 - time.monotonic()))

    async def _detect(self) -> None:
        forgot_at = 0.0
        async for _ in self._tick_out:
            if not self.caught_up and not self._reading.lasts:
                continue  # windows still fill; judging them now would call what is unread missing
            try:
                await self._judge()
                if time.monotonic() - forgot_at > FORGET_EVERY_S:
                    forgot_at = time.monotonic()
                    await self._engine.forget_old()
            except StoreDamagedError as error:
                self.stop(error)
                return
            except StoreError as error:
                self._judging.failed(error)
            except HandlerError as error:
                tell("ERROR", "detection-failed", "a defect; it is tried again", exception=error)
            else:
                self._judging.over()

    async def _judge(self) -> None:
        lateness_ms = round(self._settings().ingest.allowed_lateness_s * 1000)
        self._judges_on()
        try:
            until_ms = await self._read_until_ms()
            if await self._engine.has_news(until_ms - lateness_ms):
                await judge(self._engine, until_ms - lateness_ms, after_piece=self._judges_on)
        finally:
            self._judging_since = None

    async def _read_until_ms(self) -> int:
        """Until when all that was written is read: now, unless something stands unread or is just read."""
        if not self.caught_up:
            return await self._engine.complete_until_ms()
        if not self._engine.tail.sees_all and self._engine.tail.is_hot:
            return self._looked_ms  # files that are not open are looked at now and then
        asked_ms = now_ms()
        return self._looked_ms if self._looks or await self._engine.has_grown() else asked_ms

    def _judges_on(self) -> None:
        self._judging_since = time.monotonic()

    async def _follow_orders(self) -> None:
        while True:
            try:
                await self._engine.carry_out_orders()
            except StoreDamagedError as error:
                self.stop(error)
                return
            except StoreError as error:
                self._orders.failed(error)
            else:
                self._orders.over()
            await anyio.sleep(ORDERS_EVERY_S)

    async def _send_alerts(self) -> None:
        while True:
            if self._settings().alerts:
                with suppress(StoreError):  # the reader and the detection tell it; the alerts wait
                    await dispatch(self._engine, now_ms())
            await anyio.sleep(ALERTS_EVERY_S)

    def _tell_problems(self, problems: list[str]) -> None:
        """Each problem once, for as long as it lasts."""
        slow = slow_patterns(self._settings())
        current = dict.fromkeys([*problems, *slow, *self._watcher.problems, *self._engine.codebase_problems])
        for problem in current:
            if problem not in self._said:
                tell("WARNING", "source-problem", problem)
        self._said = set(current)


def _watcher(settings: Settings) -> Watcher:
    logs = settings.logs
    return Watcher(logs.directories, recursive=logs.recursive, follow_symlinks=logs.follow_symlinks)
