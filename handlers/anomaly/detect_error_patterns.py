"""Beat 6: error groups that are new, or more frequent than they were."""

from __future__ import annotations

import msgspec

from config.settings import Detect
from handlers.anomaly.baseline import (
    ERRORS,
    Baseline,
    ErrorRate,
    Judgement,
    Learned,
    executions_of,
    judge_subject,
)
from handlers.anomaly.closing import closing
from handlers.anomaly.identity import anomaly_id, severity_of
from handlers.anomaly.statistics import fisher_greater, wilson_interval, z_of
from handlers.model import ErrorAnomaly, ErrorKey, ErrorStats, TelemetryMetrics


class DetectedErrors(msgspec.Struct, frozen=True):
    anomalies: tuple[ErrorAnomaly, ...]
    errors: dict[ErrorKey, Learned[ErrorRate]]
    """What was learned."""


class _Frequent(msgspec.Struct, frozen=True):
    kind: str
    current: ErrorRate
    reference: ErrorRate


def detect_error_patterns(metrics: TelemetryMetrics, *, baseline: Baseline, limits: Detect) -> DetectedErrors:
    """Judges each error group (beat + type + message template) against the executions of its beat.

    A group that the reference does not hold is new from `error_min_count` errors on. A known one is
    reported when its rate is over the reference's by more than `error_over_baseline` and that is no chance
    (Fisher's exact test).
    """
    keys = set(baseline.errors)
    for window in metrics.windows.values():
        keys.update(window.errors)
    to_close = closing(limits)
    anomalies: list[ErrorAnomaly] = []
    errors: dict[ErrorKey, Learned[ErrorRate]] = {}
    for key in sorted(keys):
        known = baseline.errors.get(key) or _unknown_until_now(key, baseline)
        arrivals = [
            (start_ms, ErrorRate(window.errors.get(key, ErrorStats()), executions_of(window, key)))
            for start_ms, window in sorted(metrics.windows.items())
            if key in window.errors or key[:2] in window.beats
        ]

        def judge(current: ErrorRate, reference: ErrorRate) -> _Frequent | None:
            return _judge(current, reference, limits)

        def still(current: ErrorRate, reference: ErrorRate) -> _Frequent | None:
            return _judge(current, reference, to_close)

        errors[key], judgement = judge_subject(known, arrivals, ERRORS, limits.min_samples, judge, still)
        if judgement is not None and limits.errors:
            anomalies.append(_anomaly(key, judgement, metrics.window_ms, limits))
    return DetectedErrors(tuple(anomalies), errors)


def _unknown_until_now(key: ErrorKey, baseline: Baseline) -> Learned[ErrorRate]:
    """All that the beat did before was done without this error."""
    beat = baseline.beats.get((key[0], key[1]))
    return Learned(ErrorRate(executions=beat.reference.completed if beat is not None else 0))


def _judge(current: ErrorRate, reference: ErrorRate, limits: Detect) -> _Frequent | None:
    count = current.errors.count
    if count < limits.error_min_count:
        return None
    before = reference.errors.count
    if before == 0:
        return _Frequent("new", current, reference)
    of = max(current.executions, count)
    base_of = max(reference.executions, before)
    if count / of <= before / base_of * (1 + limits.error_over_baseline):
        return None
    if fisher_greater(count, of, before, base_of) > 1 - limits.confidence:
        return None
    return _Frequent("more-frequent", current, reference)


def _anomaly(key: ErrorKey, judgement: Judgement[_Frequent], window_ms: int, limits: Detect) -> ErrorAnomaly:
    sequence, event, error_type, template = key
    current, reference = judgement.verdict.current, judgement.verdict.reference
    count, of = current.errors.count, max(current.executions, current.errors.count)
    base_of = max(reference.executions, reference.errors.count)
    expected = reference.errors.count / base_of if base_of else 0.0
    severity, reason = severity_of(count / of, "of the executions fail")
    name = current.errors.handler or event or sequence
    was = f"{expected:.1%} before" if expected else "none in the baseline"
    return ErrorAnomaly(
        id=anomaly_id("error", *key),
        kind=judgement.verdict.kind,
        severity=severity,
        severity_reason=reason,
        sequence=sequence,
        event=event,
        plugin=current.errors.plugin,
        handler=current.errors.handler,
        description=f"{name} fails in {count} of {of} executions ({was}) with {error_type}: {template}",
        actual=count / of,
        expected=expected,
        limit=expected * (1 + limits.error_over_baseline) if expected else limits.error_min_count / of,
        unit="errors/execution",
        interval=wilson_interval(count, of, z_of(limits.confidence)),
        confidence=limits.confidence,
        samples=of,
        baseline_samples=base_of,
        first_seen_ms=judgement.first_ms,
        last_seen_ms=judgement.last_ms + window_ms,
        origins=current.errors.examples,
        affected=(sequence,) if sequence else (),
        error_type=error_type,
        template=template,
        frame=current.errors.frame,
        count=count,
        executions=of,
    )
