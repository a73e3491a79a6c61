"""Beat 8 of the diagnosis: self-healing:diagnosis:assess:impact."""

from __future__ import annotations

import math

import msgspec

from handlers.diagnosis.performance_rates import RATE_UNIT
from handlers.diagnosis.wording import count, percent, sentence, span
from handlers.model import (
    AnyAnomaly,
    AnyDiagnosis,
    AssessedDiagnosis,
    BehavioralAnomaly,
    CoverageAnomaly,
    ErrorAnomaly,
    Impact,
    PerformanceAnomaly,
    SelfAnomaly,
)


class AssessedImpact(msgspec.Struct, frozen=True):
    assessed_diagnosis: tuple[AssessedDiagnosis, ...]


def assess_impact(diagnosis: tuple[AnyDiagnosis, ...]) -> AssessedImpact:
    """Counts from the judged span whom each issue hurts. The severity is the one that the limits gave it."""
    return AssessedImpact(
        tuple(AssessedDiagnosis(each, _impact(each.anomaly), each.anomaly.severity) for each in diagnosis)
    )


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
    return msgspec.structs.replace(
        impact, sentence=" ".join(part for part in (sentence(impact.sentence), also, why) if part)
    )


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
    return msgspec.structs.replace(impact, sentence=f"at least {impact.sentence}")


def _failed(anomaly: ErrorAnomaly) -> Impact:
    if not anomaly.event or not anomaly.executions:
        text = f"{count(anomaly.count, 'error')}; how many executions succeeded the log does not tell"
        return Impact(anomaly.count, anomaly.count, 1.0, 0.0, text)
    return _counted(min(anomaly.count, anomaly.executions), anomaly.executions, "execution", "failed")
