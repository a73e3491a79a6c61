"""The diagnosis sequence: why is each anomaly there, whom does it hurt, what is to be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from handlers.diagnosis.analyze_behavioral_issues import analyze_behavioral_issues
from handlers.diagnosis.analyze_completed import AnalysisCompleted, analyze_completed
from handlers.diagnosis.analyze_coverage_issues import analyze_coverage_issues
from handlers.diagnosis.analyze_error_issues import analyze_error_issues
from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.analyze_requested import analyze_requested
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.known import Known
from handlers.diagnosis.load_anomalies import load_anomalies
from handlers.diagnosis.load_codebase_info import load_codebase_info
from handlers.diagnosis.ports import AnomalyPort, CodebasePort, DiagnosisPort
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.diagnosis.store_diagnosis import store_diagnosis
from handlers.model import (
    BeatKey,
    BehavioralAnomaly,
    CoverageAnomaly,
    ErrorAnomaly,
    PerformanceAnomaly,
    TelemetryMetrics,
)
from handlers.stage import Performance, SequenceDefinition, define_sequence

DIAGNOSIS: Final[SequenceDefinition] = define_sequence(
    "self-healing-diagnosis-sequence",
    ("self-healing:diagnosis:analyze:requested", analyze_requested),
    ("self-healing:diagnosis:load:anomalies", load_anomalies),
    ("self-healing:diagnosis:load:codebase", load_codebase_info),
    ("self-healing:diagnosis:analyze:performance", analyze_performance_issues),
    ("self-healing:diagnosis:analyze:behavioral", analyze_behavioral_issues),
    ("self-healing:diagnosis:analyze:coverage", analyze_coverage_issues),
    ("self-healing:diagnosis:analyze:error", analyze_error_issues),
    ("self-healing:diagnosis:assess:impact", assess_impact),
    ("self-healing:diagnosis:recommend:fixes", recommend_fixes),
    ("self-healing:diagnosis:store:results", store_diagnosis),
    ("self-healing:diagnosis:analyze:completed", analyze_completed),
)


async def diagnose(
    run: Performance,
    request_id: str,
    record_id: str,
    *,
    anomaly_port: AnomalyPort,
    codebase_port: CodebasePort,
    diagnosis_port: DiagnosisPort,
    metrics: TelemetryMetrics | None = None,
    usual_ms: Mapping[BeatKey, float] | None = None,
) -> AnalysisCompleted:
    """Diagnoses the anomalies of the detection `record_id`. `metrics`: the telemetry that it judged;
    `usual_ms`: the learned medians of beats."""
    await run.beat(analyze_requested, request_id)
    loaded = await run.beat(load_anomalies, record_id, port=anomaly_port)
    codebase = await run.beat(load_codebase_info, loaded.anomalies, port=codebase_port)
    anomalies = loaded.anomalies
    known = Known(codebase, loaded.pasts)
    error_anomalies = tuple(each for each in anomalies if isinstance(each, ErrorAnomaly))
    performance = await run.beat(
        analyze_performance_issues,
        tuple(each for each in anomalies if isinstance(each, PerformanceAnomaly)),
        codebase.handlers,
        all_anomalies=anomalies,
        metrics=metrics,
        usual_ms=usual_ms,
        known=known,
    )
    behavioral = await run.beat(
        analyze_behavioral_issues,
        tuple(each for each in anomalies if isinstance(each, BehavioralAnomaly)),
        codebase.sequences,
        handlers=codebase.handlers,
        errors=error_anomalies,
        metrics=metrics,
        usual_ms=usual_ms,
        known=known,
    )
    coverage = await run.beat(
        analyze_coverage_issues,
        tuple(each for each in anomalies if isinstance(each, CoverageAnomaly)),
        codebase.handlers,
        codebase.tests,
        functions=codebase.functions,
        metrics=metrics,
    )
    errors = await run.beat(
        analyze_error_issues,
        error_anomalies,
        codebase.handlers,
        metrics=metrics,
        known=known,
    )
    assessed = await run.beat(
        assess_impact,
        performance.diagnosis + behavioral.diagnosis + coverage.diagnosis + errors.diagnosis,
        metrics=metrics,
        pasts=loaded.pasts,
    )
    recommended = await run.beat(recommend_fixes, assessed.assessed_diagnosis)
    stored = await run.beat(store_diagnosis, recommended.recommendations, port=diagnosis_port)
    return await run.beat(analyze_completed, stored.record_id)
