"""Detection: closed windows become anomalies in the store."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from config.limits import limits_of_all
from config.settings import Detect, DetectOf
from handlers.anomaly.aggregate_anomaly_results import aggregate_anomaly_results
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.case_inputs import Given
from handlers.anomaly.detect_anomalies_completed import DetectionCompleted, detect_anomalies_completed
from handlers.anomaly.detect_anomalies_requested import detect_anomalies_requested
from handlers.anomaly.detect_behavioral_anomalies import detect_behavioral_anomalies
from handlers.anomaly.detect_coverage_gaps import detect_coverage_gaps
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.anomaly.load_telemetry_data import load_telemetry_data
from handlers.anomaly.ports import AnomalyPort, HistoryPort
from handlers.anomaly.store_anomaly_results import store_anomaly_results
from handlers.model import AnyAnomaly, Codebase
from handlers.stage import Performance, define_sequence

ANOMALY: Final = define_sequence(
    "self-healing-anomaly-detect-sequence",
    ("self-healing:anomaly:detect:requested", detect_anomalies_requested),
    ("self-healing:anomaly:load:telemetry", load_telemetry_data),
    ("self-healing:anomaly:detect:performance", detect_performance_anomalies),
    ("self-healing:anomaly:detect:behavioral", detect_behavioral_anomalies),
    ("self-healing:anomaly:detect:coverage", detect_coverage_gaps),
    ("self-healing:anomaly:detect:errors", detect_error_patterns),
    ("self-healing:anomaly:aggregate:results", aggregate_anomaly_results),
    ("self-healing:anomaly:store:results", store_anomaly_results),
    ("self-healing:anomaly:detect:completed", detect_anomalies_completed),
)


class DetectedAnomalies(msgspec.Struct, frozen=True):
    completed: DetectionCompleted
    anomalies: tuple[AnyAnomaly, ...]
    windows: int
    """How many windows were judged, the lossy ones included, which prove nothing."""


async def detect_anomalies(
    run: Performance,
    request_id: str,
    *,
    record_id: str,
    history: HistoryPort,
    store: AnomalyPort,
    codebase: Codebase,
    limits: Detect,
    expected_ms: Mapping[str, float],
    detect_of: Mapping[str, DetectOf] = MappingProxyType({}),
    detect_of_source: Mapping[str, DetectOf] = MappingProxyType({}),
    is_once: bool = False,
) -> DetectedAnomalies:
    """Judges the closed windows that were not judged yet.

    `detect_of`: limits of single subjects, by glob; `detect_of_source`: by glob on the logs that tell of
    them. `is_once`: nobody will judge these windows again.
    """
    await run.beat(detect_anomalies_requested, request_id)
    loaded = await run.beat(load_telemetry_data, record_id, port=history)
    metrics, baseline = loaded.metrics, loaded.baseline
    limits_of = limits_of_all(detect_of, detect_of_source, loaded.told_by)
    performance = await run.beat(
        detect_performance_anomalies,
        metrics,
        baseline=baseline,
        limits=limits,
        expected_ms=expected_ms,
        detect_of=limits_of,
        observed_until_ms=loaded.observed_until_ms,
        is_once=is_once,
    )
    behavior = await run.beat(
        detect_behavioral_anomalies,
        metrics,
        baseline=baseline,
        limits=limits,
        detect_of=limits_of,
        sequences=codebase.sequences,
    )
    coverage = await run.beat(
        detect_coverage_gaps,
        metrics,
        baseline=baseline,
        codebase=codebase,
        limits=limits,
        detect_of=limits_of,
    )
    errors = await run.beat(
        detect_error_patterns,
        metrics,
        baseline=baseline,
        limits=limits,
        detect_of=limits_of,
        shown=loaded.shown,
    )
    aggregated = await run.beat(
        aggregate_anomaly_results,
        performance.anomalies,
        behavior.anomalies,
        coverage.anomalies,
        errors.anomalies,
        beats=performance.beats,
        open_ids=loaded.open_ids,
        limits=limits,
    )
    stored = await run.beat(
        store_anomaly_results,
        aggregated.all_anomalies,
        port=store,
        baseline=Baseline(
            loaded.until_ms, performance.beats, behavior.runs, errors.errors, performance.memory
        ),
        given=Given(
            metrics=metrics,
            baseline=baseline,
            limits=limits,
            detect_of=detect_of,
            detect_of_source=detect_of_source,
            told_by=loaded.told_by,
            expected_ms=expected_ms,
            codebase=codebase,
            open_ids=loaded.open_ids,
            observed_until_ms=loaded.observed_until_ms,
            shown=loaded.shown,
            found=(
                *performance.anomalies,
                *behavior.anomalies,
                *coverage.anomalies,
                *errors.anomalies,
            ),
            beats=performance.beats,
        ),
    )
    completed = await run.beat(detect_anomalies_completed, stored.record_id)
    return DetectedAnomalies(completed, aggregated.all_anomalies, loaded.windows)
