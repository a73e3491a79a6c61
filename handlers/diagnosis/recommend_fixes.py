"""Beat 9 of the diagnosis: self-healing:diagnosis:recommend:fixes."""

from __future__ import annotations

import msgspec

from handlers.diagnosis.behavioral_fixes import behavioral_fixes
from handlers.diagnosis.coverage_fixes import coverage_fixes
from handlers.diagnosis.error_fixes import error_fixes
from handlers.diagnosis.fix import Fix
from handlers.diagnosis.performance_fixes import performance_fixes
from handlers.diagnosis.self_fix import self_fix
from handlers.diagnosis.subject import subject
from handlers.model import (
    SEVERITIES,
    AssessedDiagnosis,
    BehavioralAnomaly,
    BehavioralDiagnosis,
    CoverageAnomaly,
    CoverageDiagnosis,
    ErrorAnomaly,
    ErrorDiagnosis,
    FixRecommendation,
    PerformanceAnomaly,
    PerformanceDiagnosis,
    SelfAnomaly,
    SelfDiagnosis,
)


class FixRecommendations(msgspec.Struct, frozen=True):
    recommendations: tuple[FixRecommendation, ...]


def recommend_fixes(assessed_diagnosis: tuple[AssessedDiagnosis, ...]) -> FixRecommendations:
    """At least one recommendation for each anomaly, first ones first: by severity, then by executions
    affected, then by time added, then by id, so that equal input gives equal order.

    The same fix of the same function for several anomalies is one recommendation.
    """
    ranked = sorted(
        assessed_diagnosis,
        key=lambda each: (
            -SEVERITIES.index(each.severity),
            -each.impact.affected,
            -each.impact.added_ms,
            each.diagnosis.anomaly.id,
        ),
    )
    same: dict[_Key, list[tuple[AssessedDiagnosis, Fix]]] = {}
    for assessed in ranked:
        for fix in _fixes(assessed):
            same.setdefault(_key(assessed, fix), []).append((assessed, fix))
    return FixRecommendations(
        tuple(_recommendation(fixes, priority) for priority, fixes in enumerate(same.values(), 1))
    )


_Key = tuple[str, ...]


def _key(assessed: AssessedDiagnosis, fix: Fix) -> _Key:
    """Equal for the same fix: of one kind, in one function of one file, against one type of error. What
    changes settings or names a sequence is about its anomaly alone."""
    anomaly = assessed.diagnosis.anomaly
    file, _, line = fix.location.rpartition(":")
    if fix.type not in {"code", "test"} or not (anomaly.handler and line.isdecimal()):
        return fix.slug, anomaly.id
    error = anomaly.error_type if isinstance(anomaly, ErrorAnomaly) else ""
    return fix.slug, subject(anomaly), file, error


def _fixes(assessed: AssessedDiagnosis) -> tuple[Fix, ...]:
    match assessed.diagnosis, assessed.diagnosis.anomaly:
        case PerformanceDiagnosis() as diagnosis, PerformanceAnomaly() as anomaly:
            return performance_fixes(assessed, diagnosis, anomaly)
        case BehavioralDiagnosis() as diagnosis, BehavioralAnomaly() as anomaly:
            return behavioral_fixes(assessed, diagnosis, anomaly)
        case CoverageDiagnosis() as diagnosis, CoverageAnomaly() as anomaly:
            return coverage_fixes(diagnosis, anomaly)
        case ErrorDiagnosis() as diagnosis, ErrorAnomaly() as anomaly:
            return error_fixes(assessed, diagnosis, anomaly)
        case SelfDiagnosis(), SelfAnomaly() as anomaly:
            return (self_fix(anomaly),)
    raise TypeError(f"{type(assessed.diagnosis).__name__} of a {type(assessed.diagnosis.anomaly).__name__}")


def _recommendation(fixes: list[tuple[AssessedDiagnosis, Fix]], priority: int) -> FixRecommendation:
    assessed, fix = fixes[0]
    ids = list(dict.fromkeys(each.diagnosis.anomaly.id for each, _ in fixes))
    return FixRecommendation(
        id=f"{ids[0]}/{fix.slug}",
        anomaly_id=ids[0],
        also=tuple(ids[1:]),
        type=fix.type,
        title=fix.title,
        action=fix.action,
        location=fix.location,
        steps=fix.steps,
        effort=fix.effort,
        benefit="; ".join(dict.fromkeys(each.benefit for _, each in fixes)),
        priority=priority,
        assessed=assessed,
    )
