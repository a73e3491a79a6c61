"""Where else an error occurs, and where the same handler works without it."""

from __future__ import annotations

from collections import Counter
from typing import Final

from handlers.diagnosis.common_attributes import Attribute, Cohort
from handlers.model import BeatKey, BeatStats, ErrorAnomaly, TelemetryMetrics

_OF_CODE: Final = frozenset({"handler", "event"})
"""Attributes that make beats comparable."""


def failing_beats(anomaly: ErrorAnomaly, metrics: TelemetryMetrics) -> tuple[Cohort, ...]:
    """The executions of each beat that has the error, and of those that share its handler or its event.

    The error of another beat is the same if type and message are. Of fewer than two beats there is nothing
    to compare.
    """
    errors: Counter[BeatKey] = Counter()
    executions: Counter[BeatKey] = Counter()
    names: dict[BeatKey, BeatStats] = {}
    templates = _templates(anomaly, metrics)
    for start_ms in sorted(metrics.windows):
        window = metrics.windows[start_ms]
        for error, failed in window.errors.items():
            if error[2] == anomaly.error_type and error[3] in templates:
                errors[error[0], error[1]] += failed.count
        for key, beat in window.beats.items():
            executions[key] += beat.completed
            if beat.handler or key not in names:
                names[key] = beat
    attributes = {key: _attributes(key, names[key]) for key in sorted(names)}
    shared = {each for key in errors if key in attributes for each in attributes[key] if each[0] in _OF_CODE}
    cohorts = tuple(
        Cohort(each, executions[key], errors[key])
        for key, each in attributes.items()
        if executions[key] and not shared.isdisjoint(each)
    )
    return cohorts if len(cohorts) > 1 else ()


def _templates(anomaly: ErrorAnomaly, metrics: TelemetryMetrics) -> set[str]:
    """The names under which the windows count the message."""
    own = anomaly.sequence, anomaly.event, anomaly.error_type
    names = {key[3] for window in metrics.windows.values() for key in window.errors if key[:3] == own}
    return {anomaly.template} if anomaly.template in names else names


def _attributes(key: BeatKey, beat: BeatStats) -> tuple[Attribute, ...]:
    sequence, event = key
    handler = f"{beat.plugin}.{beat.handler}" if beat.plugin and beat.handler else beat.handler
    values = (("sequence", sequence), ("event", event), ("plug-in", beat.plugin), ("handler", handler))
    return tuple((name, value) for name, value in values if value)
