"""Beat 4: sequences whose runs do not go as they should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

import msgspec

from config.limits import LimitsOf, limits_for, subject_names
from config.settings import Detect
from handlers.anomaly.baseline import RUNS, Baseline, Judgement, Learned, judge_subject
from handlers.anomaly.behavior import Behavior, Expectation
from handlers.anomaly.identity import anomaly_id, severity_of
from handlers.anomaly.judge_runs import judge_runs
from handlers.anomaly.redefined import under_definition
from handlers.anomaly.statistics import wilson_interval, z_of
from handlers.model import BehavioralAnomaly, RunStats, Severity, TelemetryMetrics
from handlers.model import Sequence as DeclaredSequence

_LONG: Final = 1000
"""Windows after which a baseline should have met every sequence: about three hours of 10 s each."""


class DetectedBehavior(msgspec.Struct, frozen=True):
    anomalies: tuple[BehavioralAnomaly, ...]
    runs: dict[str, Learned[RunStats]]
    """What was learned."""


def detect_behavioral_anomalies(
    metrics: TelemetryMetrics,
    *,
    baseline: Baseline,
    limits: Detect,
    detect_of: LimitsOf = MappingProxyType({}),
    sequences: Sequence[DeclaredSequence] = (),
) -> DetectedBehavior:
    """Compares the runs of each sequence with its declaration, else with what was learned from its runs.

    Runs that an error or a restart ended, or that have not ended, say nothing about beats. What the
    reference did as well is reported only when it became more frequent (Fisher's exact test).
    `detect_of`: limits of sequences that have their own.
    """
    declared = {name: each for each in sequences for name in (each.name, each.id)}
    learned_windows = max((known.windows for known in baseline.runs.values()), default=0)
    arrivals: dict[str, list[tuple[int, RunStats]]] = {key: [] for key in baseline.runs}
    for start_ms, window in sorted(metrics.windows.items()):
        for name, stats in window.runs.items():
            arrivals.setdefault(name, []).append((start_ms, stats))
    anomalies: list[BehavioralAnomaly] = []
    runs: dict[str, Learned[RunStats]] = {}
    for name, windows in sorted(arrivals.items()):
        expectation = _expectation(name, declared, learned_windows)
        own = limits_for(limits, detect_of, subject_names(name))
        known = under_definition(baseline.runs.get(name) or Learned(RunStats()), expectation.events, own)
        judge = partial(_judge, expectation=expectation, limits=own)
        runs[name], judgement = judge_subject(known, windows, RUNS, own.min_samples, judge)
        if judgement is not None and own.behavioral:
            plugin = declared[name].plugin if name in declared else ""
            anomalies += (
                _anomaly(name, plugin, behavior, judgement, metrics.window_ms, own)
                for behavior in judgement.verdict
            )
    return DetectedBehavior(tuple(anomalies), runs)


def _judge(
    current: RunStats, reference: RunStats, expectation: Expectation, limits: Detect
) -> tuple[Behavior, ...] | None:
    return judge_runs(current, reference, expectation, limits) or None


def _expectation(name: str, declared: Mapping[str, DeclaredSequence], learned_windows: int) -> Expectation:
    if name in declared:
        return Expectation(declared[name].events)
    if declared and learned_windows:
        return Expectation(strange="which no definition declares and the baseline does not know")
    if learned_windows >= _LONG:
        return Expectation(strange=f"which the baseline of {learned_windows:,} windows does not know")
    return Expectation()


def _anomaly(
    sequence: str,
    plugin: str,
    found: Behavior,
    judgement: Judgement[tuple[Behavior, ...]],
    window_ms: int,
    limits: Detect,
) -> BehavioralAnomaly:
    share = found.runs / found.of
    severity, reason = _severity(found, share)
    wait = found.wait
    said = f"{found.runs} of {found.of} runs of {sequence} {found.says}"
    expected = found.base_runs / found.base_of if found.base_of else 0.0
    return BehavioralAnomaly(
        id=anomaly_id("behavioral", sequence, found.kind, *(found.events if wait else ())),
        kind=found.kind,
        severity=severity,
        severity_reason=reason,
        sequence=sequence,
        event=found.events[0] if found.events else "",
        plugin=plugin,
        handler="",
        description=f"in {sequence} {found.says}" if wait else said,
        actual=wait.actual_ms if wait else share,
        expected=wait.expected_ms if wait else expected,
        limit=wait.limit_ms if wait else limits.behavioral_min_runs / found.of,
        unit="ms" if wait else "runs/run",
        interval=wait.interval_ms if wait else wilson_interval(found.runs, found.of, z_of(limits.confidence)),
        confidence=found.confidence,
        samples=found.of,
        baseline_samples=found.base_of,
        first_seen_ms=judgement.first_ms,
        last_seen_ms=judgement.last_ms + window_ms,
        origins=found.origins,
        affected=(sequence,),
        declared=found.expected,
        observed=found.observed,
        beats=found.events,
        expected_from="definition" if found.is_declared else "baseline",
    )


def _severity(found: Behavior, share: float) -> tuple[Severity, str]:
    if found.kind == "unknown-sequence":
        return "low", "nothing fails (low: a sequence that is not known)"
    reasons = {"unfinished": "of the runs never end", "too-late": "of the runs wait longer than the limit"}
    return severity_of(share, reasons.get(found.kind, "of the runs deviate"))
