"""A verdict with all that led to it, so that it can be made again, bit for bit.

The detectors are pure functions: from the same windows, baseline and limits comes the same anomaly. A case
holds them as far as they are about the subjects of one anomaly, in a form that JSON can hold.
"""

from __future__ import annotations

import msgspec

from config.limits import limits_of_all
from config.settings import Detect, DetectOf
from handlers.anomaly.activity import Activity
from handlers.anomaly.aggregate_anomaly_results import aggregate_anomaly_results
from handlers.anomaly.baseline import Baseline, Learned, Recent
from handlers.anomaly.detect_behavioral_anomalies import detect_behavioral_anomalies
from handlers.anomaly.detect_coverage_gaps import detect_coverage_gaps
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.anomaly.error_rate import ErrorRate
from handlers.anomaly.long_term import LongTerm, PerformanceMemory
from handlers.model import (
    AnyAnomaly,
    BeatKey,
    BeatStats,
    BehavioralAnomaly,
    Codebase,
    CoverageAnomaly,
    ErrorAnomaly,
    ErrorKey,
    ErrorStats,
    PerformanceAnomaly,
    RunStats,
    TelemetryMetrics,
    Window,
    type_of,
)

Executions = tuple[str, str, int]
"""(sequence, event, how often it ran) of a beat of which nothing else matters."""
RunningBeat = tuple[str, str, str, str]
"""(sequence, event, plug-in, handler)"""


class CaseWindow(msgspec.Struct, frozen=True, omit_defaults=True):
    start_ms: int
    beats: tuple[tuple[BeatKey, BeatStats], ...] = ()
    executions: tuple[Executions, ...] = ()
    runs: dict[str, RunStats] = {}
    errors: tuple[tuple[ErrorKey, ErrorStats], ...] = ()


class CaseBaseline(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was known before the detection."""

    judged_until_ms: int = 0
    beats: tuple[tuple[BeatKey, Learned[BeatStats]], ...] = ()
    executions: tuple[Executions, ...] = ()
    runs: dict[str, Learned[RunStats]] = {}
    errors: tuple[tuple[ErrorKey, Learned[ErrorRate]], ...] = ()
    long_term: tuple[tuple[BeatKey, LongTerm], ...] = ()
    activity: Activity | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One anomaly as it was told, and what the detectors were given of its subjects."""

    anomaly: AnyAnomaly
    window_ms: int
    windows: tuple[CaseWindow, ...] = ()
    """Those that were judged, in order of time."""
    baseline: CaseBaseline = CaseBaseline()
    limits: Detect
    detect_of: dict[str, DetectOf]
    detect_of_source: dict[str, DetectOf] = {}
    told_by: dict[str, tuple[str, ...]] = {}
    """The fullest names of its subjects, by the path of the log that tells of them."""
    expected_ms: dict[str, float]
    codebase: Codebase = Codebase()
    open_ids: tuple[str, ...] = ()
    observed_until_ms: int = 0
    shown: dict[str, str] = {}
    running: tuple[RunningBeat, ...] = ()
    """All that ran, where it matters how many that were."""
    cut: str = ""
    """Why there is nothing but the anomaly and the limits; "" if there is."""


def replayed(case: Case) -> AnyAnomaly | None:
    """The anomaly that the detectors find now; None if they find none of this id.

    Runs those of the kinds that the anomaly and its members are of, and what joins them.
    """
    kinds = {type_of(case.anomaly), *(member.type for member in case.anomaly.members)}
    metrics = TelemetryMetrics(case.window_ms, {each.start_ms: _window(each) for each in case.windows})
    baseline, limits = _baseline(case.baseline), case.limits
    detect_of = limits_of_all(case.detect_of, case.detect_of_source, case.told_by)
    beats = {(sequence, event): _ran(*names) for sequence, event, *names in case.running}
    slow: tuple[PerformanceAnomaly, ...] = ()
    behavior: tuple[BehavioralAnomaly, ...] = ()
    gaps: tuple[CoverageAnomaly, ...] = ()
    errors: tuple[ErrorAnomaly, ...] = ()
    if "performance" in kinds:
        performance = detect_performance_anomalies(
            metrics,
            baseline=baseline,
            limits=limits,
            detect_of=detect_of,
            expected_ms=case.expected_ms,
            observed_until_ms=case.observed_until_ms,
        )
        beats |= performance.beats
        # Without the other units, what is known of rates says nothing.
        rates = case.baseline.activity is not None
        slow = tuple(each for each in performance.anomalies if rates or each.unit == "ms")
    if "behavioral" in kinds:
        behavior = detect_behavioral_anomalies(
            metrics, baseline=baseline, limits=limits, detect_of=detect_of, sequences=case.codebase.sequences
        ).anomalies
    if "coverage" in kinds:
        gaps = detect_coverage_gaps(
            metrics, baseline=baseline, codebase=case.codebase, limits=limits, detect_of=detect_of
        ).anomalies
    if "error" in kinds:
        errors = detect_error_patterns(
            metrics, baseline=baseline, limits=limits, detect_of=detect_of, shown=case.shown
        ).anomalies
    aggregated = aggregate_anomaly_results(
        slow, behavior, gaps, errors, beats=beats, open_ids=frozenset(case.open_ids), limits=limits
    )
    return next((each for each in aggregated.all_anomalies if each.id == case.anomaly.id), None)


def differing(before: AnyAnomaly, after: AnyAnomaly) -> tuple[str, ...]:
    """The fields in which two anomalies differ; "type" if they are not even of one kind."""
    if type(before) is not type(after):
        return ("type",)
    fields = before.__struct_fields__
    return tuple(name for name in fields if getattr(before, name) != getattr(after, name))


def _window(window: CaseWindow) -> Window:
    beats = {(sequence, event): BeatStats(completed=count) for sequence, event, count in window.executions}
    return Window(window.start_ms, beats | dict(window.beats), dict(window.runs), dict(window.errors))


def _baseline(known: CaseBaseline) -> Baseline:
    ran = {(sequence, event): Learned(BeatStats(completed=n)) for sequence, event, n in known.executions}
    memory = PerformanceMemory(dict(known.long_term))
    if known.activity is not None:
        memory.activity = known.activity
    return Baseline(
        known.judged_until_ms, ran | dict(known.beats), dict(known.runs), dict(known.errors), memory
    )


def _ran(plugin: str, handler: str) -> Learned[BeatStats]:
    return Learned(BeatStats(), recent=[Recent(0, BeatStats(plugin, handler))])
