"""The frozen records that travel between handlers.

Units are in the names: `_ms` epoch or span in milliseconds, `_us` microseconds, `_bytes` bytes.
Times and durations are integers, so that sums do not depend on the order in which they were added:
a read in one piece, in blocks or after a restart gives bit-identical metrics.
"""

from handlers.model.anomalies import (
    SEVERITIES,
    Anomaly,
    AnomalyType,
    AnyAnomaly,
    BehavioralAnomaly,
    CoverageAnomaly,
    ErrorAnomaly,
    PerformanceAnomaly,
    Severity,
)
from handlers.model.codebase import Codebase, CoveredFunction, Handler, Sequence, Test
from handlers.model.diagnoses import (
    AnyDiagnosis,
    AssessedDiagnosis,
    BehavioralDiagnosis,
    CoverageDiagnosis,
    Diagnosis,
    ErrorDiagnosis,
    FixRecommendation,
    Impact,
    PerformanceDiagnosis,
    RecommendationType,
    Verdict,
)
from handlers.model.events import (
    Block,
    EventKind,
    FileIdentity,
    LogFile,
    NormalizedEvent,
    Origin,
    TelemetryEvent,
)
from handlers.model.metrics import (
    BeatKey,
    BeatStats,
    ErrorKey,
    ErrorStats,
    RunStats,
    TelemetryMetrics,
    VariantStats,
    Window,
)
from handlers.model.state import Consumed, NameBook, OpenError, OpenRun, OpenTrace, ParserState, StreamState

__all__ = [
    "SEVERITIES",
    "Anomaly",
    "AnomalyType",
    "AnyAnomaly",
    "AnyDiagnosis",
    "AssessedDiagnosis",
    "BeatKey",
    "BeatStats",
    "BehavioralAnomaly",
    "BehavioralDiagnosis",
    "Block",
    "Codebase",
    "Consumed",
    "CoverageAnomaly",
    "CoverageDiagnosis",
    "CoveredFunction",
    "Diagnosis",
    "ErrorAnomaly",
    "ErrorDiagnosis",
    "ErrorKey",
    "ErrorStats",
    "EventKind",
    "FileIdentity",
    "FixRecommendation",
    "Handler",
    "Impact",
    "LogFile",
    "NameBook",
    "NormalizedEvent",
    "OpenError",
    "OpenRun",
    "OpenTrace",
    "Origin",
    "ParserState",
    "PerformanceAnomaly",
    "PerformanceDiagnosis",
    "RecommendationType",
    "RunStats",
    "Sequence",
    "Severity",
    "StreamState",
    "TelemetryEvent",
    "TelemetryMetrics",
    "Test",
    "VariantStats",
    "Verdict",
    "Window",
]
