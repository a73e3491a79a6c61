"""Beat 9 of the diagnosis: self-healing:diagnosis:recommend:fixes."""

from __future__ import annotations

import msgspec

from handlers.diagnosis.behavioral_fixes import behavioral_fixes
from handlers.diagnosis.coverage_fixes import coverage_fixes
from handlers.diagnosis.error_fixes import error_fixes
from handlers.diagnosis.fix import Fix
from handlers.diagnosis.performance_fixes import performance_fixes
from handlers.diagnosis.self_fix import self_fix
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
    fixes = [(assessed, fix) for assessed in ranked for fix in _fixes(assessed)]
    return FixRecommendations(
        tuple(_recommendation(assessed, fix, priority) for priority, (assessed, fix) in enumerate(fixes, 1))
    )


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


def _recommendation(assessed: AssessedDiagnosis, fix: Fix, priority: int) -> FixRecommendation:
    anomaly_id = assessed.diagnosis.anomaly.id
    return FixRecommendation(
        id=f"{anomaly_id}/{fix.slug}",
        anomaly_id=anomaly_id,
        type=fix.type,
        title=fix.title,
        action=fix.action,
        location=fix.location,
        steps=fix.steps,
        effort=fix.effort,
        benefit=fix.benefit,
        priority=priority,
        assessed=assessed,
    )
