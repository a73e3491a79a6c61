"""Whether an anomaly gets worse, and how much of all that runs it concerns."""

from __future__ import annotations

from math import fsum
from typing import Final, Literal

from handlers.model import AnyAnomaly, BehavioralAnomaly, CoverageAnomaly, Past, TelemetryMetrics

Trend = Literal["", "growing", "steady", "falling"]

_LEAST_STEPS: Final = 6
"""Fewer steps show no trend."""
_CHANGED: Final = 1.25
"""The mean of the later half of the steps over that of the earlier one."""


def trend_of(anomaly: AnyAnomaly, past: Past, began_ms: int) -> Trend:
    """Compares what the figure is beyond the expected one in the two halves of the time since it began."""
    points = [each for each in past.recent if each.at_ms >= began_ms and each.samples]
    if isinstance(anomaly, CoverageAnomaly) or len(points) < _LEAST_STEPS:
        return ""
    half = len(points) // 2
    sign = -1 if anomaly.actual < anomaly.expected else 1
    earlier, later = (
        fsum(sign * (each.value - anomaly.expected) * each.samples for each in part)
        / sum(each.samples for each in part)
        for part in (points[:half], points[half:])
    )
    if earlier <= 0:
        return "growing" if later > 0 else ""
    if later >= _CHANGED * earlier:
        return "growing"
    return "falling" if later * _CHANGED <= earlier else "steady"


def share_of_traffic(anomaly: AnyAnomaly, metrics: TelemetryMetrics) -> float | None:
    """The part of all executions, or runs, in the judged windows that is of its subject; None where none is
    of it."""
    own = everything = 0
    key = (anomaly.sequence, anomaly.event)
    for window in metrics.windows.values():
        if isinstance(anomaly, BehavioralAnomaly):
            counts = {name: runs.completed for name, runs in window.runs.items()}
            own += counts.get(anomaly.sequence, 0)
            everything += sum(counts.values())
        else:
            own += window.beats[key].completed if key in window.beats else 0
            everything += sum(beat.completed for beat in window.beats.values())
    return own / everything if own else None
