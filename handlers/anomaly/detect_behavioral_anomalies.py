"""Beat 4: runs whose beats are missing, extra, repeated or out of order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from config.settings import Detect
from handlers.anomaly.baseline import RUNS, Baseline, Judgement, Learned, judge_subject
from handlers.anomaly.conformance import deviations
from handlers.anomaly.identity import anomaly_id, severity_of
from handlers.anomaly.statistics import fisher_greater, wilson_interval, z_of
from handlers.metrics import OTHER_VARIANT, first_of
from handlers.model import BehavioralAnomaly, Origin, RunStats, TelemetryMetrics
from handlers.model import Sequence as DeclaredSequence

_USUAL_SHARE: Final = 0.2
"""Without a declaration a path that this share of the healthy runs took is normal however many take it; of a
rarer one a higher frequency is a deviation."""


class DetectedBehavior(msgspec.Struct, frozen=True):
    anomalies: tuple[BehavioralAnomaly, ...]
    runs: dict[str, Learned[RunStats]]
    """What was learned."""


class _Found(msgspec.Struct, frozen=True):
    """One kind of deviation among the runs of a sequence."""

    kind: str
    events: tuple[str, ...]
    expected: tuple[str, ...]
    observed: tuple[str, ...]
    runs: int
    of: int
    origins: tuple[Origin, ...]
    base_runs: int = 0
    """Runs of the reference with the same kind of deviation."""
    base_of: int = 0


def detect_behavioral_anomalies(
    metrics: TelemetryMetrics,
    *,
    baseline: Baseline,
    limits: Detect,
    sequences: Sequence[DeclaredSequence] = (),
) -> DetectedBehavior:
    """Compares the paths of completed runs with the declared sequence, else with the paths learned.

    Runs that an error or a restart ended, or that have not ended, are no evidence. A deviation that the
    reference holds too is reported only when it became more frequent (Fisher's exact test).
    """
    declared = {sequence.id: sequence for sequence in sequences}
    arrivals: dict[str, list[tuple[int, RunStats]]] = {key: [] for key in baseline.runs}
    for start_ms, window in sorted(metrics.windows.items()):
        for name, stats in window.runs.items():
            arrivals.setdefault(name, []).append((start_ms, stats))
    anomalies: list[BehavioralAnomaly] = []
    runs: dict[str, Learned[RunStats]] = {}
    for name, windows in sorted(arrivals.items()):
        known = baseline.runs.get(name) or Learned(RunStats())
        events = declared[name].events if name in declared else None

        def judge(
            current: RunStats,
            reference: RunStats,
            events: tuple[str, ...] | None = events,
        ) -> tuple[_Found, ...] | None:
            return _judge(current, reference, events, limits) or None

        runs[name], judgement = judge_subject(known, windows, RUNS, limits.min_samples, judge)
        if judgement is not None and limits.behavioral:
            anomalies += _anomalies(name, declared.get(name), judgement, metrics.window_ms, limits)
    return DetectedBehavior(tuple(anomalies), runs)


def _judge(
    current: RunStats, reference: RunStats, declared: tuple[str, ...] | None, limits: Detect
) -> tuple[_Found, ...]:
    if declared is not None:
        expected, normal = declared, {declared}
    else:
        normal = _learned_paths(reference, limits.behavioral_min_runs)
        if not normal:
            return ()
        expected = max(normal, key=lambda path: (reference.variants["\t".join(path)].runs, path))
    now, before = _by_kind(current, expected, normal), _by_kind(reference, expected, normal)
    compared = (
        msgspec.structs.replace(
            found, base_runs=before[kind].runs if kind in before else 0, base_of=reference.completed
        )
        for kind, found in sorted(now.items())
    )
    return tuple(found for found in compared if _is_news(found, declared is not None, limits))


def _is_news(found: _Found, is_declared: bool, limits: Detect) -> bool:
    """A break of a declaration is news at once; one that healthy runs had too must have become frequent."""
    if found.runs < limits.behavioral_min_runs:
        return False
    if is_declared and not found.base_runs:
        return True
    chance = fisher_greater(found.runs, found.of, found.base_runs, found.base_of)
    return chance <= 1 - limits.confidence


def _learned_paths(reference: RunStats, min_runs: int) -> set[tuple[str, ...]]:
    if reference.completed < min_runs:
        return set()
    taken = {path: each.runs for path, each in reference.variants.items() if path != OTHER_VARIANT}
    most = max(taken.values(), default=0)
    least = min(most, reference.completed * _USUAL_SHARE)
    return {_events(path) for path, runs in taken.items() if runs >= least}


def _events(path: str) -> tuple[str, ...]:
    return tuple(path.split("\t")) if path else ()


def _by_kind(stats: RunStats, expected: tuple[str, ...], normal: set[tuple[str, ...]]) -> dict[str, _Found]:
    """Counts the runs that deviate, by kind of deviation; each kind shows its most frequent path."""
    found: dict[str, _Found] = {}
    by_frequency = sorted(stats.variants.items(), key=lambda item: (-item[1].runs, item[0]))
    for text, variant in by_frequency:
        path = _events(text)
        if path in normal or text == OTHER_VARIANT:
            continue
        for deviation in deviations(expected, path):
            shown = found.get(deviation.kind) or _Found(
                deviation.kind, deviation.events, expected, path, 0, stats.completed, ()
            )
            found[deviation.kind] = msgspec.structs.replace(
                shown,
                runs=shown.runs + variant.runs,
                origins=first_of(shown.origins + variant.examples),
            )
    return found


_SAYS = {
    "missing": "left out {beats}",
    "extra": "played {beats}, which does not belong to it",
    "repeated": "played {beats} more often than it should",
    "out-of-order": "played {beats} out of order",
}


def _anomalies(
    sequence: str,
    declared: DeclaredSequence | None,
    judgement: Judgement[tuple[_Found, ...]],
    window_ms: int,
    limits: Detect,
) -> list[BehavioralAnomaly]:
    made: list[BehavioralAnomaly] = []
    for found in judgement.verdict:
        share = found.runs / found.of
        severity, reason = severity_of(share, "of the runs deviate")
        beats = ", ".join(found.events)
        said = _SAYS[found.kind].format(beats=beats)
        source = "its definition" if declared is not None else "what was learned from healthy runs"
        made.append(
            BehavioralAnomaly(
                id=anomaly_id("behavioral", sequence, found.kind),
                kind=found.kind,
                severity=severity,
                severity_reason=reason,
                sequence=sequence,
                event=found.events[0],
                plugin=declared.plugin if declared is not None else "",
                handler="",
                description=f"{found.runs} of {found.of} runs of {sequence} {said}, against {source}",
                actual=share,
                expected=found.base_runs / found.base_of if found.base_of else 0.0,
                limit=limits.behavioral_min_runs / found.of,
                unit="runs/run",
                interval=wilson_interval(found.runs, found.of, z_of(limits.confidence)),
                confidence=limits.confidence,
                samples=found.of,
                baseline_samples=found.base_of,
                first_seen_ms=judgement.first_ms,
                last_seen_ms=judgement.last_ms + window_ms,
                origins=found.origins,
                affected=(sequence,),
                declared=found.expected,
                observed=found.observed,
                beats=found.events,
                expected_from="definition" if declared is not None else "baseline",
            )
        )
    return made
