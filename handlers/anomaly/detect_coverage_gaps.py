"""Beat 5: handlers that production runs and no test covers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from config.limits import LimitsOf, limits_for, subject_names
from config.settings import Detect
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.identity import anomaly_id
from handlers.history import commits_of_lines
from handlers.locate import covered_by_name, measured_functions
from handlers.metrics import add_beats
from handlers.model import (
    BeatKey,
    BeatStats,
    Codebase,
    Commit,
    CoverageAnomaly,
    CoveredFunction,
    Handler,
    Severity,
    TelemetryMetrics,
)

_DAY_MS: Final = 86_400_000
_RECENT_D: Final = 14
"""Days after a change in which its code is likelier to fail than other code."""


class DetectedGaps(msgspec.Struct, frozen=True):
    anomalies: tuple[CoverageAnomaly, ...]


def detect_coverage_gaps(
    metrics: TelemetryMetrics,
    *,
    baseline: Baseline,
    codebase: Codebase,
    limits: Detect,
    detect_of: LimitsOf = MappingProxyType({}),
) -> DetectedGaps:
    """Looks each handler that ran up in the coverage reports and in the tests that definitions declare.

    A report that lists the handler's function decides, since it was measured; else a test counts that is
    declared or that calls a function of this name. Without any report or definition nothing is known and
    nothing is claimed. What changed lately comes first, then what fails, then what runs most.
    `detect_of`: limits of handlers that have their own.
    """
    is_wanted = limits.coverage or any(given.coverage for given in detect_of.values())
    if not is_wanted or not (codebase.handlers or codebase.functions):
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
    covered = covered_by_name(codebase.functions)
    found = [
        _gap(key, stats, codebase, covered, first_ms, last_ms)
        for key, stats in sorted(use.items())
        if stats.completed
        and limits_for(limits, detect_of, subject_names(*key, stats.plugin, stats.handler)).coverage
    ]
    return DetectedGaps(tuple(sorted((gap for gap in found if gap is not None), key=_rank)))


def _rank(gap: CoverageAnomaly) -> tuple[bool, bool, int, str]:
    return not gap.changed_ms, not gap.failures, -gap.executions, gap.id


def _gap(
    key: BeatKey,
    stats: BeatStats,
    codebase: Codebase,
    covered: Mapping[str, list[CoveredFunction]],
    first_ms: int,
    last_ms: int,
) -> CoverageAnomaly | None:
    sequence, event = key
    declared = [
        handler for handler in codebase.handlers if handler.event == event and handler.sequence == sequence
    ]
    handler = declared[0] if declared else Handler(sequence, event, stats.plugin, stats.handler, 0)
    name = stats.handler or handler.name
    measured = measured_functions(covered, handler, name)
    tests = sorted({each.test_file for each in declared if each.test_file and not _never_runs(each)})
    tested = tests or name.rpartition(".")[2] in codebase.tested_names
    if any(function.executed for function in measured) or (tested and not measured):
        return None
    changes = _changes(codebase, handler, last_ms)
    severity: Severity = "medium" if stats.failed or changes else "low"
    reason = f"{stats.failed} of {stats.completed} executions failed (medium from 1)"
    return CoverageAnomaly(
        id=anomaly_id("coverage", sequence, event),
        kind="unreached" if measured else "untested",
        severity=severity,
        severity_reason=reason + (_told(changes[0]) if changes else ""),
        sequence=sequence,
        event=event,
        plugin=stats.plugin or handler.plugin,
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
        changed_ms=changes[0].at_ms if changes else 0,
        evidence=_evidence(name or event, declared, measured, tests),
    )


def _evidence(name: str, declared: list[Handler], measured: list[CoveredFunction], tests: list[str]) -> str:
    if measured:
        places = sorted({f"{each.file}:{each.line}" for each in measured})
        evidence = f"{measured[0].source} lists {name} at {places[0]} as never executed"
        if len(places) > 1:
            evidence += f", and so all {len(places)} functions of this name"
        return f"{evidence}, although {tests[0]} is declared to test it" if tests else evidence
    if declared:
        definition, skipped = declared[0].definition_file or declared[0].sequence, declared[0].test_skip
        without = f"with a test that {skipped.marker} keeps from running" if skipped else "without a test"
        return f"{definition} declares {name} {without}"
    return "no definition declares it and no coverage report lists it"


def _never_runs(handler: Handler) -> bool:
    """Whether its declared test is skipped, whatever the circumstances."""
    return handler.test_skip is not None and not handler.test_skip.is_conditional


def _changes(codebase: Codebase, handler: Handler, last_ms: int) -> tuple[Commit, ...]:
    """What changed the function lately, seen from the end of the windows."""
    if not handler.file:
        return ()
    since_ms = last_ms - _RECENT_D * _DAY_MS
    commits = commits_of_lines(codebase, handler.file, handler.line, handler.end_line, since_ms=since_ms)
    return tuple(commit for commit in commits if commit.at_ms <= last_ms)


def _told(commit: Commit) -> str:
    return f"; commit {commit.sha[:12]} changed it (medium for {_RECENT_D} days): {commit.subject}"
