"""The figure of an incident over time, for charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from handlers.anomaly.conformance import deviations
from handlers.metrics import OTHER_VARIANT, add_window
from handlers.model import (
    AnyAnomaly,
    BehavioralAnomaly,
    ErrorAnomaly,
    PerformanceAnomaly,
    Window,
)
from handlers.sketch import quantile_us


class Point(msgspec.Struct, frozen=True):
    at_ms: int
    value: float
    """In the unit of the anomaly."""
    samples: int


def series_of(anomaly: AnyAnomaly, windows: Iterable[Window], step_ms: int) -> tuple[Point, ...]:
    """The figure that the anomaly is about in each `step_ms`, where it was seen; lossy windows are left out.

    Empty for what has no figure over time, as a missing test.
    """
    figure = _figure_of(anomaly)
    if figure is None:
        return ()
    steps: dict[int, Window] = {}
    for window in windows:
        if not window.lossy:
            start_ms = window.start_ms - window.start_ms % step_ms
            add_window(steps.setdefault(start_ms, Window(start_ms)), window)
    points = ((start_ms, figure(window)) for start_ms, window in sorted(steps.items()))
    return tuple(Point(start_ms, *found) for start_ms, found in points if found is not None)


def _figure_of(anomaly: AnyAnomaly) -> Callable[[Window], tuple[float, int] | None] | None:
    match anomaly:
        case PerformanceAnomaly():
            return lambda window: _median_ms(window, anomaly)
        case ErrorAnomaly():
            return lambda window: _error_rate(window, anomaly)
        case BehavioralAnomaly():
            return lambda window: _deviating(window, anomaly)
        case _:
            return None


def _median_ms(window: Window, anomaly: PerformanceAnomaly) -> tuple[float, int] | None:
    beat = window.beats.get((anomaly.sequence, anomaly.event))
    if beat is None or not beat.bins:
        return None
    return quantile_us(beat.bins, 0.5) / 1000, sum(beat.bins.values())


def _error_rate(window: Window, anomaly: ErrorAnomaly) -> tuple[float, int] | None:
    key = anomaly.sequence, anomaly.event
    errors = sum(
        stats.count
        for error, stats in window.errors.items()
        if error[:4] == (*key, anomaly.error_type, anomaly.template)
    )
    beat = window.beats.get(key)
    executions = max(beat.completed if beat is not None else 0, errors)
    return (errors / executions, executions) if executions else None


def _deviating(window: Window, anomaly: BehavioralAnomaly) -> tuple[float, int] | None:
    runs = window.runs.get(anomaly.sequence)
    if runs is None or not runs.completed:
        return None
    deviating = sum(
        variant.runs
        for path, variant in runs.variants.items()
        if path != OTHER_VARIANT and _deviates(tuple(path.split("\t")) if path else (), anomaly)
    )
    return deviating / runs.completed, runs.completed


def _deviates(path: tuple[str, ...], anomaly: BehavioralAnomaly) -> bool:
    return any(each.kind == anomaly.kind for each in deviations(anomaly.declared, path))
