"""The daemon: starts and stops the watcher, the timers and the engine, and follows the settings."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Final

import anyio
import anyio.to_thread
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from config.load import LoadedSettings
from config.settings import Settings
from daemon.alerts.dispatch import dispatch
from daemon.beat_times import OwnBeats
from daemon.checked import slow_patterns
from daemon.clock import now_ms
from daemon.cycle import judge, open_store, read_to_end
from daemon.database import StoreDamagedError, StoreError, StoreFullError, StoreMovedError
from daemon.engine import Engine
from daemon.logs import configure_logging, tell
from daemon.narrate import tell_beat, tell_standing
from daemon.outage import Outage
from daemon.reload import LiveSettings
from daemon.sdnotify import notify, watchdog_interval_s
from daemon.self_metrics import Figures
from daemon.self_report import SelfReport
from daemon.signals import SIGNALS, release_signals
from daemon.watch import Watcher
from handlers.stage import BeatReport

RETRY_S: Final = 5.0
"""Pause before a batch is tried again that the store could not take."""
FORGET_EVERY_S: Final = 60.0
ORDERS_EVERY_S: Final = 1.0
ALERTS_EVERY_S: Final = 1.0
"""How often it is looked whether operators ask for something: who asks waits for the answer."""
STUCK_S: Final = 60.0
"""A loop that did not come round for so long is taken for dead, and the service manager restarts us."""


def run_daemon(loaded: LoadedSettings, environ: Mapping[str, str]) -> int:
    """Runs until SIGINT or SIGTERM; returns the exit code. Raises StoreError if the store is unusable."""
    configure_logging(loaded.settings.log, environ)
    return anyio.run(_Daemon(loaded, environ).run)


class _Daemon:
    def __init__(self, loaded: LoadedSettings, environ: Mapping[str, str]) -> None:
        self._live = LiveSettings(loaded, environ)
        self._environ = environ
        self._path = loaded.path
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._tick_in, self._tick_out = anyio.create_memory_object_stream[None](1)
        self._fed_at = self._ticked_at = self._refresh_at = time.monotonic()
        self._caught_up = False
        self._said: set[str] = set()
        self._beats = OwnBeats()
        self._report = SelfReport()
        self._started_s = time.time()
        self._failure: StoreError | None = None
        self._reading = Outage("reading", "nothing is lost")
        self._judging = Outage("detection", "the windows wait for it")
        self._orders = Outage("taking orders", "they wait")

    @property
    def _settings(self) -> Settings:
        return self._live.settings

    async def run(self) -> int:
        """The life of the daemon, from opening the store to closing it."""
        with open_store(self._settings) as store:
            self._engine = Engine(self._settings, store, self._hear_beat)
            self._watcher = self._watch(self._settings)
            await self._watcher.start()
            self._schedule()
            self._scheduler.start()
            directories = ", ".join(str(path) for path in self._settings.logs.directories)
            tell(
                "INFO",
                "started",
                f"selfheald {version('selfheald')} watches {directories}",
                settings=self._path or "defaults",
                store=self._settings.store.path,
            )
            tell_standing(self._engine.anomalies.incidents())
            notify("READY=1", self._environ)
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._feed)
                    tasks.start_soon(self._detect)
                    tasks.start_soon(self._follow_settings)
                    tasks.start_soon(self._follow_orders)
                    tasks.start_soon(self._send_alerts)
                    tasks.start_soon(self._ping)
                    tasks.start_soon(self._publish)
                    await self._signals()
                    tasks.cancel_scope.cancel()
            finally:
                notify("STOPPING=1", self._environ)
                with anyio.CancelScope(shield=True):
                    self._scheduler.shutdown(wait=False)
                    await self._watcher.stop()
                    self._engine.tail.close()
                    self._report.close()
            if self._failure is not None:
                tell("CRITICAL", "stopped", f"stopped: {self._failure}")
                return 1
            events = self._engine.telemetry.totals().events
            tell("INFO", "stopped", "stopped; everything read is stored", events=events)
            return 0

    async def _signals(self) -> None:
        with anyio.open_signal_receiver(*SIGNALS) as received:
            release_signals()
            async for number in received:
                if number != signal.SIGHUP:
                    tell("INFO", "stopping", f"{signal.Signals(number).name}: stopping")
                    return
                tell("INFO", "reload-asked", "SIGHUP: reading the settings")
                if (settings := await self._live.reload()) is not None:
                    await self._adopt(settings)

    async def _follow_settings(self) -> None:
        async for settings in self._live.changes():
            await self._adopt(settings)

    async def _follow_orders(self) -> None:
        while True:
            try:
                await self._engine.carry_out_orders()
            except StoreDamagedError as error:
                self._stop(error)
                return
            except StoreError as error:
                self._orders.failed(error)
            else:
                self._orders.over()
            await anyio.sleep(ORDERS_EVERY_S)

    async def _send_alerts(self) -> None:
        while True:
            if self._settings.alerts:
                with suppress(StoreError):  # the reader and the detection tell it; the alerts wait
                    await dispatch(self._engine, now_ms())
            await anyio.sleep(ALERTS_EVERY_S)

    async def _adopt(self, settings: Settings) -> None:
        before = self._engine.settings
        if settings.log != before.log:
            self._reopen_log(settings)
        if settings.logs != before.logs:
            await self._watcher.stop()
            self._watcher = self._watch(settings)
            await self._watcher.start()
        await self._engine.adopt(settings)
        if settings.detect.interval_s != before.detect.interval_s:
            self._schedule()

    def _reopen_log(self, settings: Settings) -> None:
        try:
            configure_logging(settings.log, self._environ)
        except OSError as error:
            tell("ERROR", "log-unusable", f"{settings.log.file}: {error.strerror}; logging goes on as before")

    def _watch(self, settings: Settings) -> Watcher:
        logs = settings.logs
        return Watcher(logs.directories, recursive=logs.recursive, follow_symlinks=logs.follow_symlinks)

    def _schedule(self) -> None:
        self._scheduler.add_job(
            self._tick,
            IntervalTrigger(seconds=self._settings.detect.interval_s, timezone="UTC"),
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
            try:
                problems = await read_to_end(self._engine, self._pulse)
            except StoreDamagedError as error:
                self._stop(error)
                return
            except StoreError as error:
                self._caught_up = False
                self._reading.failed(error)
                if isinstance(error, StoreFullError):
                    await self._make_room()
                await anyio.sleep(RETRY_S)
                continue
            self._reading.over()
            self._tell_problems(problems)
            if not self._caught_up:
                self._caught_up = True
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
            self._caught_up = False

    async def _wait(self, began: float) -> None:
        """Returns when it is time to read again: something grew, something changed, or the timer says so."""
        logs, ingest = self._settings.logs, self._settings.ingest
        if time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + logs.rescan_s
            await self._watcher.refresh()
        until = time.monotonic() + logs.rescan_s
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
            if hot and (not self._engine.tail.sees_all or await self._engine.has_grown()):
                break
        await anyio.sleep(max(0.0, began + ingest.commit_interval_ms / 1000 - time.monotonic()))

    async def _detect(self) -> None:
        forgot_at = 0.0
        async for _ in self._tick_out:
            if not self._caught_up and not self._reading.lasts:
                continue  # windows still fill; judging them now would call what is unread missing
            lateness_ms = round(self._settings.ingest.allowed_lateness_s * 1000)
            try:
                until_ms = now_ms() if self._caught_up else await self._engine.complete_until_ms()
                if await self._engine.has_news(until_ms - lateness_ms):
                    await judge(self._engine, until_ms - lateness_ms)
                if time.monotonic() - forgot_at > FORGET_EVERY_S:
                    forgot_at = time.monotonic()
                    await self._engine.forget_old()
            except StoreDamagedError as error:
                self._stop(error)
                return
            except StoreError as error:
                self._judging.failed(error)
            else:
                self._judging.over()

    def _stop(self, error: StoreError) -> None:
        """Ends the daemon: what the store says can no longer be trusted."""
        self._failure = error
        signal.raise_signal(signal.SIGTERM)

    def _tell_problems(self, problems: list[str]) -> None:
        """Each problem once, for as long as it lasts."""
        slow = slow_patterns(self._settings)
        current = dict.fromkeys([*problems, *slow, *self._watcher.problems, *self._engine.codebase_problems])
        for problem in current:
            if problem not in self._said:
                tell("WARNING", "source-problem", problem)
        self._said = set(current)

    def _troubles(self) -> dict[str, tuple[str, ...]]:
        """What a restart would help, by component; nothing of a component that is alive."""
        now = time.monotonic()
        reader_s, scheduler_s = now - self._fed_at, now - self._ticked_at
        stuck = reader_s > STUCK_S + self._settings.logs.rescan_s
        still = scheduler_s > STUCK_S + self._settings.detect.interval_s
        return {
            "watcher": self._watcher.alive(),
            "reader": (f"the reader has not come round for {reader_s:.0f} s",) if stuck else (),
            "scheduler": (f"the scheduler has not ticked for {scheduler_s:.0f} s",) if still else (),
        }

    def _hear_beat(self, report: BeatReport) -> None:
        self._beats.hear(report)
        tell_beat(report)

    async def _publish(self) -> None:
        """Renews the metrics, where the settings want any."""
        while True:
            metrics = self._settings.metrics
            self._report.follow(metrics)
            if metrics.file is not None or metrics.port is not None:
                with suppress(StoreError):  # the reader and the detection tell it; the figures grow old
                    figures = Figures(
                        version=version("selfheald"),
                        started_s=self._started_s,
                        stored=await self._engine.stored_figures(),
                        store_max_bytes=self._settings.store.max_bytes,
                        beats=self._beats.by_handler,
                        alive={name: not troubles for name, troubles in self._troubles().items()},
                        settings_valid=not self._live.rejected,
                    )
                    await anyio.to_thread.run_sync(self._report.publish, metrics, figures)
            await anyio.sleep(metrics.interval_s)

    async def _ping(self) -> None:
        """Feeds the service manager's watchdog while all is alive, and tells it the state in a line."""
        interval_s = watchdog_interval_s(self._environ)
        told: list[str] = []
        status = "starting"
        while True:
            troubles = [each for part in self._troubles().values() for each in part]
            if troubles != told:
                for trouble in troubles:
                    tell("ERROR", "not-alive", f"{trouble}; the watchdog is not fed until it is")
                told = troubles
            try:
                await self._engine.check_store()
                status = await self._engine.status_line(caught_up=self._caught_up)
                if self._live.rejected:
                    status += f", settings from before: {self._live.rejected[0]}"
            except StoreMovedError as error:  # of a quiet log nobody else would notice it
                self._stop(error)
                return
            except StoreError:
                pass  # the reader and the detection tell it, and stop if they must
            notify(("" if troubles else "WATCHDOG=1\n") + f"STATUS={status}", self._environ)
            await anyio.sleep(min(interval_s / 2 if interval_s else 10.0, 10.0))
