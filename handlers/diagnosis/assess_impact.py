"""Beat 8 of the diagnosis: self-healing:diagnosis:assess:impact."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from handlers.diagnosis.burnt import says_of_budget, severity_of_budgets
from handlers.diagnosis.performance_rates import RATE_UNIT
from handlers.diagnosis.trend import share_of_traffic, trend_of
from handlers.diagnosis.wording import count, percent, sentence, span
from handlers.model import (
    SEVERITIES,
    AnyAnomaly,
    AnyDiagnosis,
    AssessedDiagnosis,
    BehavioralAnomaly,
    CoverageAnomaly,
    ErrorAnomaly,
    Impact,
    Past,
    PerformanceAnomaly,
    SelfAnomaly,
    TelemetryMetrics,
)


class AssessedImpact(msgspec.Struct, frozen=True):
    assessed_diagnosis: tuple[AssessedDiagnosis, ...]


def assess_impact(
    diagnosis: tuple[AnyDiagnosis, ...],
    *,
    metrics: TelemetryMetrics | None = None,
    pasts: Mapping[str, Past] | None = None,
) -> AssessedImpact:
    """Counts from the judged span whom each issue hurts.

    The severity is the one that the limits gave it, or a graver one where the error budget of a declared
    objective burns too fast. `metrics`: the telemetry that was judged. `pasts`: by id of the anomaly.
    """
    return AssessedImpact(
        tuple(_assessed(each, metrics, (pasts or {}).get(each.anomaly.id)) for each in diagnosis)
    )


def _assessed(
    diagnosis: AnyDiagnosis, metrics: TelemetryMetrics | None, past: Past | None
) -> AssessedDiagnosis:
    anomaly = diagnosis.anomaly
    past = past or Past()
    counted = _impact(anomaly)
    burning = severity_of_budgets(past.budgets)
    severity = max(anomaly.severity, burning or anomaly.severity, key=SEVERITIES.index)
    traffic = share_of_traffic(anomaly, metrics) if metrics else None
    began_ms = diagnosis.began_ms[1] if diagnosis.began_ms else anomaly.first_seen_ms
    trend = trend_of(anomaly, past, began_ms)
    noun = "runs" if isinstance(anomaly, BehavioralAnomaly) else "executions"
    more = (
        f"These are {percent(traffic)} of all {noun}." if traffic else "",
        f"It is {trend}." if trend else "",
        *(sentence(says_of_budget(each)) for each in past.budgets),
        f"So it is {severity} instead of {anomaly.severity}." if severity != anomaly.severity else "",
    )
    impact = replace(
        counted,
        sentence=" ".join(part for part in (counted.sentence, *more) if part),
        traffic=traffic,
        trend=trend,
        budgets=past.budgets,
    )
    return AssessedDiagnosis(diagnosis, impact, severity)


def _impact(anomaly: AnyAnomaly) -> Impact:
    match anomaly:
        case PerformanceAnomaly():
            impact = _slow(anomaly)
        case BehavioralAnomaly():
            impact = _gone_wrong(anomaly)
        case CoverageAnomaly():
            what = f"ran untested code; {anomaly.failures:,} failed"
            impact = _counted(anomaly.executions, anomaly.executions, "execution", what)
        case ErrorAnomaly():
            impact = _failed(anomaly)
        case SelfAnomaly():
            impact = Impact(0, 0, 0.0, 0.0, anomaly.harm)
    why = sentence(f"{anomaly.severity}: {anomaly.severity_reason}") if anomaly.severity_reason else ""
    also = f"Affected: {', '.join(anomaly.affected)}." if anomaly.affected else ""
    return replace(impact, sentence=" ".join(part for part in (sentence(impact.sentence), also, why) if part))


_WENT = {
    "unfinished": "never ended",
    "too-late": "or more waited too long for a beat",
    "unknown-sequence": "were of a sequence that is not known",
}
"""By kind of behavioral anomaly."""


def _gone_wrong(anomaly: BehavioralAnomaly) -> Impact:
    """A median wait over the limit proves half of the runs late."""
    is_late = anomaly.kind == "too-late"
    runs = (anomaly.samples + 1) // 2 if is_late else round(anomaly.actual * anomaly.samples)
    return _counted(runs, anomaly.samples, "run", _WENT.get(anomaly.kind, "took another path"))


def _counted(affected: int, executions: int, noun: str, what: str, added_ms: float = 0.0) -> Impact:
    share = affected / executions if executions else 0.0
    text = f"{affected:,} of {count(executions, noun)} ({percent(share)}) {what}"
    return Impact(executions, affected, share, added_ms, text)


def _slow(anomaly: PerformanceAnomaly) -> Impact:
    """A median over the limit proves half of the executions slow, and so on; the anomaly says no more."""
    if anomaly.unit == RATE_UNIT:
        text = f"{anomaly.actual:.3g} executions a minute in place of {anomaly.expected:.3g}"
        return Impact(anomaly.samples, 0, 0.0, 0.0, text)
    proven = anomaly.samples * (1 - anomaly.quantile)
    affected = math.ceil(round(proven, 6)) if anomaly.actual > anomaly.limit else 0
    added_ms = anomaly.added_us_per_execution * anomaly.samples / 1000
    what = f"took longer than the limit of {span(anomaly.limit)}; {span(added_ms)} added in the judged span"
    impact = _counted(affected, anomaly.samples, "execution", what, added_ms)
    return replace(impact, sentence=f"at least {impact.sentence}")


def _failed(anomaly: ErrorAnomaly) -> Impact:
    if not anomaly.event or not anomaly.executions:
        text = f"{count(anomaly.count, 'error')}; how many executions succeeded the log does not tell"
        return Impact(anomaly.count, anomaly.count, 1.0, 0.0, text)
    return _counted(min(anomaly.count, anomaly.executions), anomaly.executions, "execution", "failed")
