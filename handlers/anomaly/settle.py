"""What an operator's word on an anomaly does to what was learned of its subjects."""

from __future__ import annotations

from msgspec.structs import replace

from handlers.anomaly.baseline import BEATS, ERRORS, RUNS, Baseline, Learned, S
from handlers.anomaly.baseline_operations import accepted
from handlers.anomaly.identity import anomaly_id
from handlers.anomaly.long_term import without
from handlers.model import AnyAnomaly, BeatKey, type_of


def forget_evidence(baseline: Baseline, anomaly: AnyAnomaly) -> Baseline:
    """The windows on which a verdict fell are dropped: only what comes from now on can bring it back.

    Returns the subjects of the anomaly alone.
    """
    subjects = _subjects(baseline, anomaly)
    return Baseline(
        baseline.judged_until_ms,
        {key: _without_evidence(learned) for key, learned in subjects.beats.items()},
        {key: _without_evidence(learned) for key, learned in subjects.runs.items()},
        {key: _without_evidence(learned) for key, learned in subjects.errors.items()},
        without(baseline.performance, _beats(anomaly)),
    )


def take_as_normal(baseline: Baseline, anomaly: AnyAnomaly) -> Baseline:
    """The reference begins anew with what the verdict fell on: as it is now is how it is meant to be.

    Returns the subjects of the anomaly alone.
    """
    subjects = _subjects(baseline, anomaly)
    return Baseline(
        baseline.judged_until_ms,
        {key: accepted(learned, BEATS) for key, learned in subjects.beats.items()},
        {key: accepted(learned, RUNS) for key, learned in subjects.runs.items()},
        {key: accepted(learned, ERRORS) for key, learned in subjects.errors.items()},
        without(baseline.performance, _beats(anomaly)),
    )


def _without_evidence(learned: Learned[S]) -> Learned[S]:
    healthy = [recent for recent in learned.recent if not recent.tainted]
    return replace(learned, recent=healthy, stands=False)


def _subjects(baseline: Baseline, anomaly: AnyAnomaly) -> Baseline:
    """What is known of the subjects that the anomaly, or a member of it, is about, and that a verdict hit."""
    beats = _beats(anomaly)
    runs: set[str] = set()
    errors: set[str] = set()
    for part_id, kind, sequence, _ in _parts(anomaly):
        if kind == "behavioral":
            runs.add(sequence)
        elif kind == "error":
            errors.add(part_id)
    return Baseline(
        baseline.judged_until_ms,
        {key: each for key, each in baseline.beats.items() if key in beats and _is_hit(each)},
        {key: each for key, each in baseline.runs.items() if key in runs and _is_hit(each)},
        {
            key: each
            for key, each in baseline.errors.items()
            if anomaly_id("error", *key) in errors and _is_hit(each)
        },
    )


def _parts(anomaly: AnyAnomaly) -> list[tuple[str, str, str, str]]:
    """(id, type, sequence, event) of the anomaly and its members."""
    parts = [(anomaly.id, type_of(anomaly), anomaly.sequence, anomaly.event)]
    return [*parts, *((each.id, each.type, each.sequence, each.event) for each in anomaly.members)]


def _beats(anomaly: AnyAnomaly) -> set[BeatKey]:
    beats: set[BeatKey] = set()
    for _, kind, sequence, event in _parts(anomaly):
        if kind == "performance":
            # A handler that is slow in several sequences is one anomaly that affects them all.
            beats |= {(sequence, event), *((affected, event) for affected in anomaly.affected)}
    return beats


def _is_hit(learned: Learned[S]) -> bool:
    return any(recent.tainted for recent in learned.recent)
