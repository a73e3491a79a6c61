"""Where else an error occurs, and where the same handler works without it."""

from __future__ import annotations

from collections import Counter
from typing import Final

from handlers.diagnosis.common_attributes import Attribute, Cohort
from handlers.model import BeatKey, BeatStats, ErrorAnomaly, ErrorKey, TelemetryMetrics

_OF_CODE: Final = frozenset({"handler", "event"})
"""Attributes that make beats comparable."""


def failing_beats(
    anomalies: tuple[ErrorAnomaly, ...], metrics: TelemetryMetrics
) -> tuple[tuple[Cohort, ...], ...]:
    """For each error the executions of the beats that have it, and of those that share handler or event.

    The error of another beat is the same if type and message are. Of fewer than two beats there is nothing
    to compare.
    """
    errors: Counter[ErrorKey] = Counter()
    executions: Counter[BeatKey] = Counter()
    names: dict[BeatKey, BeatStats] = {}
    for start_ms in sorted(metrics.windows):
        window = metrics.windows[start_ms]
        for error, failed in window.errors.items():
            errors[error] += failed.count
        for key, beat in window.beats.items():
            executions[key] += beat.completed
            if beat.handler or key not in names:
                names[key] = beat
    beats = {key: _attributes(key, names[key]) for key in sorted(names) if executions[key]}
    return tuple(_cohorts(_same_errors(each, errors), executions, beats) for each in anomalies)


def _cohorts(
    failed: Counter[BeatKey], executions: Counter[BeatKey], beats: dict[BeatKey, tuple[Attribute, ...]]
) -> tuple[Cohort, ...]:
    shared = {each for key in failed for each in beats.get(key, ()) if each[0] in _OF_CODE}
    cohorts = tuple(
        Cohort(attributes, executions[key], failed[key])
        for key, attributes in beats.items()
        if not shared.isdisjoint(attributes)
    )
    return cohorts if len(cohorts) > 1 else ()


def _same_errors(anomaly: ErrorAnomaly, errors: Counter[ErrorKey]) -> Counter[BeatKey]:
    """Errors by beat. The windows may count the message under another name than the anomaly shows."""
    own = anomaly.sequence, anomaly.event, anomaly.error_type
    names = {key[3] for key in errors if key[:3] == own}
    if anomaly.template in names:
        names = {anomaly.template}
    failed: Counter[BeatKey] = Counter()
    for key, count in errors.items():
        if key[2] == anomaly.error_type and key[3] in names:
            failed[key[0], key[1]] += count
    return failed


def _attributes(key: BeatKey, beat: BeatStats) -> tuple[Attribute, ...]:
    sequence, event = key
    handler = f"{beat.plugin}.{beat.handler}" if beat.plugin and beat.handler else beat.handler
    values = (("sequence", sequence), ("event", event), ("plug-in", beat.plugin), ("handler", handler))
    return tuple((name, value) for name, value in values if value)
