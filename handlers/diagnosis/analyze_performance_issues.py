"""Beat 4 of the diagnosis: self-healing:diagnosis:analyze:performance."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from handlers.diagnosis.added_time import AddedTime, added_times
from handlers.diagnosis.performance_causes import (
    Cause,
    changed_sequence,
    common_cause,
    errors_or_retries,
    own_work,
)
from handlers.diagnosis.performance_rates import RATE_UNIT, diagnose_rate
from handlers.diagnosis.subject import find_handler, place
from handlers.diagnosis.wording import count, percent, quantile_name, span, utc
from handlers.model import (
    AnyAnomaly,
    BeatKey,
    Handler,
    PerformanceAnomaly,
    PerformanceDiagnosis,
    TelemetryMetrics,
)


class PerformanceDiagnoses(msgspec.Struct, frozen=True):
    diagnosis: tuple[PerformanceDiagnosis, ...]


def analyze_performance_issues(
    anomalies: tuple[PerformanceAnomaly, ...],
    handlers: tuple[Handler, ...],
    *,
    all_anomalies: tuple[AnyAnomaly, ...] = (),
    metrics: TelemetryMetrics | None = None,
    usual_ms: Mapping[BeatKey, float] | None = None,
    min_common: int = 4,
) -> PerformanceDiagnoses:
    """Asks of each slow beat what could make it slow besides its own work, the widest cause first.

    `all_anomalies`: what the same detection found, of every type. `metrics`: the telemetry that it judged;
    without it the share of the run is unknown and a common cause stays inconclusive. `usual_ms`: learned
    medians of beats, which tell how much of the time added to a sequence is in the slow beat. `min_common`:
    how many handlers must be slow by a similar factor before a common cause is considered.
    """
    added = (
        (AddedTime(),) * len(anomalies)
        if metrics is None
        else added_times(anomalies, metrics, usual_ms or {})
    )
    return PerformanceDiagnoses(
        tuple(
            _diagnose(each, anomalies, handlers, all_anomalies, metrics, added_time, min_common)
            for each, added_time in zip(anomalies, added, strict=True)
        )
    )


def _diagnose(
    anomaly: PerformanceAnomaly,
    slow: tuple[PerformanceAnomaly, ...],
    handlers: tuple[Handler, ...],
    everything: tuple[AnyAnomaly, ...],
    metrics: TelemetryMetrics | None,
    added: AddedTime,
    min_common: int,
) -> PerformanceDiagnosis:
    handler = find_handler(handlers, anomaly)
    if anomaly.unit == RATE_UNIT:
        return diagnose_rate(anomaly, place(handler))
    slow = tuple(each for each in slow if each.unit != RATE_UNIT)
    share = None if metrics is None else _share_of_run(metrics, anomaly)
    checked = (
        common_cause(anomaly, slow, metrics, min_common),
        errors_or_retries(anomaly, everything),
        changed_sequence(anomaly, everything),
    )
    chosen, *possible = (*(each for each in checked if isinstance(each, Cause)), own_work(anomaly, handler))
    measured = (
        (
            f"{quantile_name(anomaly)} {span(anomaly.actual)} instead of {span(anomaly.expected)} "
            f"({anomaly.ratio:.2f} times), 95th percentile {span(anomaly.p95)}, "
            f"{count(anomaly.samples, 'execution')}"
        ),
        f"slow since {utc(anomaly.first_seen_ms)}",
    )
    whole = () if share is None else (f"takes {percent(share)} of the time of its sequence",)
    return PerformanceDiagnosis(
        anomaly=anomaly,
        cause=chosen.sentence,
        cause_kind=chosen.kind,
        verdict=chosen.verdict,
        evidence=measured + whole + added.evidence + chosen.evidence,
        evidence_against=added.evidence_against
        + tuple(f"also possible: {each.sentence}" for each in possible),
        ruled_out=tuple(each for each in checked if isinstance(each, str)),
        location=place(handler),
        share_of_run=share,
    )


def _share_of_run(metrics: TelemetryMetrics, anomaly: PerformanceAnomaly) -> float | None:
    beat_us = run_us = 0
    for window in metrics.windows.values():
        if beat := window.beats.get((anomaly.sequence, anomaly.event)):
            beat_us += beat.total_us
        if run := window.runs.get(anomaly.sequence):
            run_us += run.total_us
    return min(1.0, beat_us / run_us) if beat_us and run_us else None
