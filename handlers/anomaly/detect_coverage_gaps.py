"""Beat 5: handlers that production runs and no test covers."""

from __future__ import annotations

import msgspec

from config.settings import Detect
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.identity import anomaly_id
from handlers.metrics import add_beats
from handlers.model import BeatKey, BeatStats, Codebase, CoverageAnomaly, Severity, TelemetryMetrics


class DetectedGaps(msgspec.Struct, frozen=True):
    anomalies: tuple[CoverageAnomaly, ...]


def detect_coverage_gaps(
    metrics: TelemetryMetrics, *, baseline: Baseline, codebase: Codebase, limits: Detect
) -> DetectedGaps:
    """Looks each handler that ran up in the coverage reports and in the tests that definitions declare.

    A report that lists the handler's function decides, since it was measured; else a declared test counts.
    Without any report or definition nothing is known and nothing is claimed.
    """
    if not limits.coverage or not (codebase.handlers or codebase.functions):
        return DetectedGaps(())
    use: dict[BeatKey, BeatStats] = {}
    for key, learned in baseline.beats.items():
        total = use.setdefault(key, BeatStats())
        for stats in (learned.reference, *(recent.stats for recent in learned.recent)):
            add_beats(total, stats)
    for window in metrics.windows.values():
        for key, stats in window.beats.items():
            add_beats(use.setdefault(key, BeatStats()), stats)
    # Without new windows what was found stands at the end of those that were judged.
    starts = sorted(metrics.windows)
    first_ms = starts[0] if starts else baseline.judged_until_ms
    last_ms = starts[-1] + metrics.window_ms if starts else baseline.judged_until_ms
    gaps = [
        _gap(key, stats, codebase, first_ms, last_ms) for key, stats in sorted(use.items()) if stats.completed
    ]
    return DetectedGaps(tuple(gap for gap in gaps if gap is not None))


def _gap(
    key: BeatKey, stats: BeatStats, codebase: Codebase, first_ms: int, last_ms: int
) -> CoverageAnomaly | None:
    sequence, event = key
    declared = [
        handler for handler in codebase.handlers if handler.event == event and handler.sequence == sequence
    ]
    name = stats.handler or (declared[0].name if declared else "")
    # Reports qualify methods: "Cart.add" is the handler add.
    measured = [each for each in codebase.functions if name and each.name.rpartition(".")[2] == name]
    if any(function.executed for function in measured):
        return None
    tests = sorted({handler.test_file for handler in declared if handler.test_file})
    if measured:
        evidence = (
            f"{measured[0].source} lists {name} at {measured[0].file}:{measured[0].line} as never executed"
        )
        if tests:
            evidence += f", although {tests[0]} is declared to test it"
    elif tests:
        return None
    elif declared:
        evidence = f"{declared[0].definition_file or sequence} declares {name or event} without a test"
    else:
        evidence = "no definition declares it and no coverage report lists it"
    severity: Severity = "medium" if stats.failed else "low"
    return CoverageAnomaly(
        id=anomaly_id("coverage", sequence, event),
        kind="unreached" if measured else "untested",
        severity=severity,
        severity_reason=f"{stats.failed} of {stats.completed} executions failed (medium from 1)",
        sequence=sequence,
        event=event,
        plugin=stats.plugin or (declared[0].plugin if declared else ""),
        handler=name,
        description=f"{name or event} ran {stats.completed} times in production and no test covers it",
        actual=0.0,
        expected=1.0,
        limit=1.0,
        unit="tests",
        interval=(0.0, 0.0),
        confidence=1.0 if measured else 0.8,
        samples=stats.completed,
        baseline_samples=0,
        first_seen_ms=first_ms,
        last_seen_ms=last_ms,
        origins=tuple(origin for _, origin in stats.slowest),
        affected=(sequence,) if sequence else (),
        executions=stats.completed,
        failures=stats.failed,
        evidence=evidence,
    )
