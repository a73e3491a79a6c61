"""The daemon watches itself: every few seconds it looks at its vitals, and every minute at its own beats.

What is wrong becomes an incident of type "self", with the life of any other. Time is measured by a clock that
nobody sets, and that goes on while the machine sleeps.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import anyio
import anyio.to_thread

from daemon.beat_times import OwnBeats
from daemon.clock import now_ms
from daemon.database import StoreError
from daemon.engine import Engine
from daemon.incident_life import Changes, Moment
from daemon.narrate import tell_changes
from handlers.model import FixRecommendation, SelfAnomaly, TelemetryMetrics
from handlers.self_check.diagnose_self import diagnose_self
from handlers.self_check.judge_own_beats import judge_own_beats
from handlers.self_check.judge_vitals import LAG_GROWS_S, judge_vitals
from handlers.self_check.learn_rhythms import learn_rhythms
from handlers.self_check.vitals import LagPoint, Vitals

LOOK_EVERY_S: Final = 10.0
WINDOW_S: Final = 60
HOLD_S: Final = 300.0
"""A trouble is over when it was gone for so long."""
REMEMBER_EVERY_S: Final = 600.0
FORGET_MS: Final = 7 * 86_400_000


def boot_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Loops(Protocol):
    """What is looked at of `daemon.loops.Loops`."""

    caught_up: bool

    @property
    def deaths(self) -> int: ...

    def troubles(self) -> dict[str, tuple[str, ...]]: ...


class SelfWatch:
    """What it learned and what stands outlasts a restart."""

    def __init__(
        self, engine: Engine, loops: Loops, beats: OwnBeats, rejected: Callable[[], tuple[str, ...]]
    ) -> None:
        """`rejected`: what is wrong with the settings as they are saved now."""
        self._engine = engine
        self._loops = loops
        self._beats = beats
        self._rejected = rejected
        memory = engine.own.load()
        self._baseline = memory.baseline
        at_s, at_ms = boot_s(), now_ms()
        # While the daemon did not run it heard nothing, which says nothing about any log.
        self._rhythms = learn_rhythms(memory.rhythms, dict.fromkeys(memory.rhythms, at_ms), at_ms)
        self._looked = (at_s, at_ms)
        self._window_at_s = self._stored_at_s = self._remembered_at_s = at_s
        self._lag: deque[LagPoint] = deque(maxlen=round(LAG_GROWS_S / LOOK_EVERY_S) + 1)
        self._deaths = 0
        self._died = engine.died
        self._of_beats: tuple[SelfAnomaly, ...] = ()
        self._stored: frozenset[str] = frozenset()
        # What stood before the start is over when it was gone for as long as at any other time.
        self._held: dict[str, tuple[SelfAnomaly, float]] = {
            each.anomaly.id: (each.anomaly, at_s)
            for each in engine.anomalies.incidents()
            if each.is_open and isinstance(each.anomaly, SelfAnomaly)
        }

    async def run(self) -> None:
        while True:
            await anyio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """One look. What cannot be stored now is at the next one."""
        at_s, at_ms = boot_s(), now_ms()
        try:
            vitals = await self._vitals(at_s, at_ms)
            await self._judge_beats(at_s, at_ms)
            found = {each.id: each for each in (*judge_vitals(vitals), *self._of_beats)}
            if "slow-disk" in {each.kind for each in found.values()}:  # of which slow beats are a part
                found = {name: each for name, each in found.items() if each.kind != "slow-beat"}
            await self._store(found, at_s, at_ms)
        except StoreError:
            pass  # the reader and the detection tell it

    async def _vitals(self, at_s: float, at_ms: int) -> Vitals:
        elapsed_ms = round((at_s - self._looked[0]) * 1000)
        step_ms = at_ms - self._looked[1] - elapsed_ms
        self._looked = at_s, at_ms
        lag, room_bytes = await self._engine.in_store(
            lambda: (self._engine.reader.lag(), self._engine.room())
        )
        self._lag.append(LagPoint(at_s, lag.bytes, lag.seconds))
        mono_s = time.monotonic()
        read_ms = {
            name: at_ms - round((mono_s - at) * 1000) for name, at in self._engine.reader.read_at.items()
        }
        self._rhythms = learn_rhythms(self._rhythms, read_ms, at_ms, step_ms)
        died, self._died = self._died, False
        return Vitals(
            now_ms=at_ms,
            died=died,
            dead=self._dead(),
            clock_step_ms=step_ms,
            commits_ms=tuple(self._beats.commits_ms),
            lag=tuple(self._lag),
            rhythms=self._rhythms if self._loops.caught_up else {},
            store_room_bytes=room_bytes,
            store_max_bytes=self._engine.settings.store.max_bytes,
            rejected=self._rejected(),
        )

    def _dead(self) -> dict[str, tuple[str, ...]]:
        dead = self._loops.troubles()
        deaths, self._deaths = self._deaths, self._loops.deaths
        if self._deaths > deaths and not dead["watcher"]:
            dead["watcher"] = ("a thread of the file watcher died and was started again",)
        return dead

    async def _judge_beats(self, at_s: float, at_ms: int) -> None:
        if at_s - self._window_at_s < WINDOW_S:
            return
        self._window_at_s = at_s
        # Windows are in order even if the clock was set back.
        start_ms = max(at_ms - WINDOW_S * 1000, self._baseline.judged_until_ms)
        window = self._beats.take_window(start_ms)
        metrics = TelemetryMetrics(WINDOW_S * 1000, {start_ms: window})
        baseline = self._baseline
        judged = await anyio.to_thread.run_sync(
            lambda: judge_own_beats(metrics, baseline=baseline, now_ms=at_ms)
        )
        self._baseline, self._of_beats = judged.baseline, judged.troubles
        if at_s - self._remembered_at_s >= REMEMBER_EVERY_S:
            self._remembered_at_s = at_s
            await self._engine.in_store(lambda: self._engine.own.put(self._baseline, self._rhythms))

    async def _store(self, found: dict[str, SelfAnomaly], at_s: float, at_ms: int) -> None:
        """Only what is news, and once a minute what goes on."""
        self._held |= {name: (each, at_s) for name, each in found.items()}
        self._held = {name: held for name, held in self._held.items() if at_s - held[1] < HOLD_S}
        standing = frozenset(self._held)
        if standing == self._stored and (not standing or at_s - self._stored_at_s < WINDOW_S):
            return
        troubles = tuple(each for each, _ in self._held.values())
        recommendations = diagnose_self(troubles)
        at = Moment(judged_until_ms=at_ms, now_ms=at_ms, hold_ms=0, forget_ms=FORGET_MS)
        changes = await self._engine.in_store(lambda: self._stored_as(troubles, recommendations, at))
        self._stored, self._stored_at_s = standing, at_s
        tell_changes(changes, recommendations)

    def _stored_as(
        self, troubles: tuple[SelfAnomaly, ...], recommendations: tuple[FixRecommendation, ...], at: Moment
    ) -> Changes:
        routes = self._engine.settings.alerts
        return self._engine.anomalies.store_own(troubles, recommendations, at, routes)
