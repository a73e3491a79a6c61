"""How often the errors of a group are: among the executions of their beat, and in time.

Where the log tells no executions (the handler never completes, or there are no beats at all), errors are
counted against the time that was looked at. Errors that belong to no beat are counted against the executions
of all beats of their sequence, or of all there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from handlers.anomaly.error_trend import Trend
from handlers.metrics import add_errors
from handlers.model import BeatKey, ErrorKey, ErrorStats, TelemetryMetrics, Window

MAX_GAP_MS: Final = 600_000
"""A log that is silent for longer may be that of a program that does not run: it counts as this long."""
_MILLION: Final = 1_000_000


class Told(msgspec.Struct, frozen=True):
    """What was told of a group before. It is new only once."""

    times: int = 0
    """How often it came, each time after it had been gone."""
    last_ms: int = 0
    """Start of the last window with an error that was told."""
    gone_ms: int = 0
    """How long it had been gone when it came back last."""
    windows: int = 0
    """Healthy windows that were known when it was told last."""
    most: int = 0
    """The most errors that were told at once."""


class ErrorRate(msgspec.Struct):
    """Errors of one group in a span of time. All sums are exact."""

    errors: ErrorStats = msgspec.field(default_factory=ErrorStats)
    executions: int = 0
    span_ms: int = 0
    windows: int = 0
    spread: int = 0
    """Sum of count² / executions over the windows (per window length where there are no executions), in
    millionths: it tells how unevenly the errors are spread."""
    first_ms: int | None = None
    """Start of the first window with an error."""
    last_ms: int | None = None
    """Start of the last one."""
    until_ms: int = 0
    """Start of the last window of all."""
    told: Told = Told()
    """Of a reference only."""
    trend: Trend = ()
    """Of a reference only."""


def add_rates(into: ErrorRate, other: ErrorRate) -> None:
    """Adds `other` to `into`."""
    add_errors(into.errors, other.errors)
    into.executions += other.executions
    into.span_ms += other.span_ms
    into.windows += other.windows
    into.spread += other.spread
    into.first_ms = min((at for at in (into.first_ms, other.first_ms) if at is not None), default=None)
    into.last_ms = max((at for at in (into.last_ms, other.last_ms) if at is not None), default=None)
    into.until_ms = max(into.until_ms, other.until_ms)
    into.told = max(into.told, other.told, key=lambda told: (told.times, told.last_ms))
    into.trend = into.trend or other.trend


def rate_of(errors: ErrorStats | None, executions: int, start_ms: int, span_ms: int) -> ErrorRate:
    """That of one window."""
    if errors is None or not errors.count:
        return ErrorRate(executions=executions, span_ms=span_ms, windows=1, until_ms=start_ms)
    exposure = max(executions, errors.count) if executions else 1
    spread = errors.count * errors.count * _MILLION // exposure
    return ErrorRate(errors, executions, span_ms, 1, spread, start_ms, start_ms, start_ms)


def executions_by_beat(window: Window) -> dict[BeatKey, int]:
    """Executions of each beat, of each sequence as (sequence, ""), and of all as ("", "")."""
    executions: dict[BeatKey, int] = {}
    for (sequence, event), beat in window.beats.items():
        count = beat.completed or beat.started
        for key in dict.fromkeys(((sequence, event), (sequence, ""), ("", ""))):
            executions[key] = executions.get(key, 0) + count
    return executions


def spans_ms(metrics: TelemetryMetrics, until_ms: int) -> Iterator[tuple[int, int]]:
    """(start, how much time it stands for) of the windows in order: with the silence before each."""
    for start_ms in sorted(metrics.windows):
        silent_ms = start_ms - until_ms if until_ms else 0
        yield start_ms, metrics.window_ms + max(0, min(silent_ms, MAX_GAP_MS))
        until_ms = max(until_ms, start_ms + metrics.window_ms)


def healthy_rates(metrics: TelemetryMetrics) -> dict[ErrorKey, ErrorRate]:
    """The rate of each group, all windows taken together."""
    rates: dict[ErrorKey, ErrorRate] = {}
    executions: dict[BeatKey, int] = {}
    windows: dict[BeatKey, int] = {}
    total_ms = 0
    for start_ms, span_ms in spans_ms(metrics, 0):
        total_ms += span_ms
        window = metrics.windows[start_ms]
        by_beat = executions_by_beat(window)
        for beat, count in by_beat.items():
            executions[beat] = executions.get(beat, 0) + count
            windows[beat] = windows.get(beat, 0) + 1
        for key, errors in window.errors.items():
            rate = rate_of(errors, by_beat.get(key[:2], 0), start_ms, span_ms)
            add_rates(rates.setdefault(key, ErrorRate()), rate)
    for key, total in rates.items():
        total.executions = executions.get(key[:2], 0)
        total.windows = max(
            total.windows, windows.get(key[:2], 0 if total.executions else len(metrics.windows))
        )
        total.span_ms = total_ms
    return rates


def exposures(current: ErrorRate, reference: ErrorRate) -> tuple[int, int, bool]:
    """What the errors of both are counted against, and whether that is time in ms."""
    if current.executions or reference.executions:
        of = max(current.executions, current.errors.count)
        return of, max(reference.executions, reference.errors.count), False
    return current.span_ms, reference.span_ms, True
