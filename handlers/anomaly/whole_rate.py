"""Does everything together run far less often than usual? Then no unit can be told by the others.

The streaming detector looks at the executions of each minute. Its alarm is momentary, and what is new to it
need not be wrong: it becomes a verdict only where the rate of the last minutes is below the limit for this
time of day, and that state, not the alarm, holds it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.anomaly.streaming import ALARM, DetectorState, update
from handlers.anomaly.usual import HOUR_LEARNED_MS, HOUR_MS, MEMORY_MS, Usual, hour_of

MINUTE_MS: Final = 60_000
SPAN_MINUTES: Final = 10
LEAST_EXPECTED: Final = 40
"""Executions expected in the span; with fewer, chance empties it."""


class WholeRate(msgspec.Struct):
    """The rate of all units together; of bounded size."""

    minute_ms: int = 0
    """Start of the minute that fills."""
    executions: int = 0
    recent: list[int] = []
    """Executions of the last `SPAN_MINUTES` minutes."""
    hours: dict[int, Usual] = {}
    detector: DetectorState = msgspec.field(default_factory=DetectorState)
    alarmed_ms: int = 0
    reason: str = ""
    """What the detector said."""
    low_since_ms: int = 0
    """0 while the rate is as usual."""
    expected: float = 0.0
    """Executions expected in the last span."""


def take_executions(whole: WholeRate, start_ms: int, executions: int, drop: float) -> None:
    """Adds those of one window. Minutes without any are zeros, but not hours in which a program is off."""
    minute_ms = start_ms - start_ms % MINUTE_MS
    if minute_ms - whole.minute_ms > HOUR_MS:
        whole.minute_ms, whole.executions = minute_ms, 0
        whole.recent.clear()
    while whole.minute_ms < minute_ms:
        _close_minute(whole, drop)
    whole.executions += executions


def _close_minute(whole: WholeRate, drop: float) -> None:
    at_ms, executions = whole.minute_ms, whole.executions
    whole.minute_ms, whole.executions = at_ms + MINUTE_MS, 0
    usual = whole.hours.setdefault(hour_of(at_ms), Usual())
    whole.recent = [*whole.recent, executions][-SPAN_MINUTES:]
    known = usual.executions * MINUTE_MS / usual.time_ms if usual.time_ms >= HOUR_LEARNED_MS else 0.0
    whole.expected = known * len(whole.recent)
    usual.add(executions, 0, MINUTE_MS, MEMORY_MS // 24)
    score = update(whole.detector, at_ms, executions)
    if score.score >= ALARM:
        whole.alarmed_ms, whole.reason = at_ms, score.reason()
    is_low = whole.expected >= LEAST_EXPECTED and sum(whole.recent) < (1 - drop) * whole.expected
    if not is_low:
        whole.low_since_ms = 0
    elif not whole.low_since_ms and at_ms - whole.alarmed_ms <= 2 * SPAN_MINUTES * MINUTE_MS:
        whole.low_since_ms = at_ms - (len(whole.recent) - 1) * MINUTE_MS
