"""Beat 4 of the diagnosis: self-healing:diagnosis:analyze:performance."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from handlers.diagnosis.added_time import AddedTime, added_times
from handlers.diagnosis.changes import Changes, changes_of, with_changes
from handlers.diagnosis.growth import growth_of
from handlers.diagnosis.hazards import hazard_at_fault
from handlers.diagnosis.known import Known
from handlers.diagnosis.performance_causes import (
    Cause,
    changed_sequence,
    common_cause,
    errors_or_retries,
    more_load,
    own_work,
    queueing,
)
from handlers.diagnosis.performance_rates import RATE_UNIT, diagnose_rate
from handlers.diagnosis.subject import find_handler, place
from handlers.diagnosis.wording import count, percent, quantile_name, span, utc
from handlers.model import (
    AnyAnomaly,
    BeatKey,
    Handler,
    Past,
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
    known: Known | None = None,
) -> PerformanceDiagnoses:
    """Asks of each slow beat what could make it slow besides its own work, the widest cause first.

    `all_anomalies`: what the same detection found, of every type. `metrics`: the telemetry that it judged;
    without it the share of the run is unknown and a common cause stays inconclusive. `usual_ms`: learned
    medians of beats, which tell how much of the time added to a sequence is in the slow beat. `min_common`:
    how many handlers must be slow by a similar factor before a common cause is considered. `known`: source,
    commits and past, which tell when it began and what changed then.
    """
    known = known or Known()
    added = (
        (AddedTime(),) * len(anomalies)
        if metrics is None
        else added_times(anomalies, metrics, usual_ms or {})
    )
    return PerformanceDiagnoses(
        tuple(
            _diagnose(each, anomalies, handlers, all_anomalies, metrics, added_time, min_common, known)
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
    known: Known,
) -> PerformanceDiagnosis:
    handler = find_handler(handlers, anomaly)
    changes = changes_of(anomaly, place(handler), known)
    if anomaly.unit == RATE_UNIT:
        return with_changes(diagnose_rate(anomaly, place(handler)), changes, known, explains=False)
    slow = tuple(each for each in slow if each.unit != RATE_UNIT)
    share = None if metrics is None else _share_of_run(metrics, anomaly)
    growth = growth_of(anomaly, known.pasts.get(anomaly.id, Past()), _since_ms(anomaly, changes))
    hazard = hazard_at_fault(
        anomaly,
        known,
        place(handler),
        changes.culprit,
        changes.commits.brought,
        grows=growth is not None or anomaly.kind == "drift",
    )
    queued = queueing(anomaly, added, changes.load)
    checked = (
        common_cause(anomaly, slow, metrics, min_common),
        errors_or_retries(anomaly, everything),
        changed_sequence(anomaly, everything),
        queued,
        more_load(changes.load) if isinstance(queued, str) else "",
    )
    own = own_work(anomaly, handler, hazard, growth)
    chosen, *possible = _in_order([each for each in checked if isinstance(each, Cause)], own, changes)
    whole = () if share is None else (f"takes {percent(share)} of the time of its sequence",)
    diagnosis = PerformanceDiagnosis(
        anomaly=anomaly,
        cause=chosen.sentence,
        cause_kind=chosen.kind,
        verdict=chosen.verdict,
        evidence=_measured(anomaly, changes) + whole + added.evidence + chosen.evidence,
        evidence_against=added.evidence_against
        + tuple(f"also possible: {each.sentence}" for each in possible),
        ruled_out=tuple(each for each in checked if isinstance(each, str) and each),
        location=place(handler),
        share_of_run=share,
        hazard=hazard.hazard if hazard and chosen is own else None,
        hazard_file=hazard.function.file if hazard and chosen is own else "",
    )
    is_proved = hazard is not None and hazard.is_new
    return with_changes(diagnosis, changes, known, explains=chosen is own, is_proved=is_proved)


def _since_ms(anomaly: PerformanceAnomaly, changes: Changes) -> int:
    """From when on it may grow: a drift shows before it is told."""
    if changes.began:
        return changes.began.until_ms
    return 0 if anomaly.kind == "drift" else anomaly.first_seen_ms


def _measured(anomaly: PerformanceAnomaly, changes: Changes) -> tuple[str, ...]:
    figures = (
        f"{quantile_name(anomaly)} {span(anomaly.actual)} instead of {span(anomaly.expected)} "
        f"({anomaly.ratio:.2f} times), 95th percentile {span(anomaly.p95)}, "
        f"{count(anomaly.samples, 'execution')}"
    )
    return (figures,) if changes.began else (figures, f"slow since {utc(anomaly.first_seen_ms)}")


def _in_order(causes: list[Cause], own: Cause, changes: Changes) -> list[Cause]:
    """The widest cause first; but where a commit changed the very function, only what is common to many
    handlers goes before that."""
    if changes.culprit is None:
        return [*causes, own]
    common = [each for each in causes if each.kind == "common-cause"]
    return [*common, own, *(each for each in causes if each not in common)]


def _share_of_run(metrics: TelemetryMetrics, anomaly: PerformanceAnomaly) -> float | None:
    beat_us = run_us = 0
    for window in metrics.windows.values():
        if beat := window.beats.get((anomaly.sequence, anomaly.event)):
            beat_us += beat.total_us
        if run := window.runs.get(anomaly.sequence):
            run_us += run.total_us
    return min(1.0, beat_us / run_us) if beat_us and run_us else None
