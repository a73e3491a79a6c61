"""Paths held against what was learned from healthy runs."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from config.settings import Detect
from handlers.anomaly.behavior import Behavior, BehaviorKind, news_confidence
from handlers.anomaly.conformance import DeviationKind, deviations
from handlers.anomaly.declared_paths import ERRORS_EXPLAIN, by_frequency, said
from handlers.anomaly.sequence_verdict import SequenceJudge, Verdict, VerdictKind
from handlers.metrics import events_of, first_of
from handlers.model import RunStats, SequenceModel
from handlers.sequence_model import learn, merge

Path = tuple[str, ...]

_KINDS: Final[dict[VerdictKind, DeviationKind]] = {
    "unknown": "extra",
    "extra": "extra",
    "missing": "missing",
    "repeated": "repeated",
    "out-of-order": "out-of-order",
}
_USUAL_SHARE: Final = 0.2
"""A path that this share of the healthy runs took is normal however many take it; of a rarer one a higher
frequency is a deviation."""
_CANDIDATES: Final = 8
"""Normal paths, the most frequent ones: the nearest of them is what a deviating run should have done."""
_SHOWN_IN: Final = 3
"""A transition that is new shows in as many triples of neighbours."""


class _Told(msgspec.Struct, frozen=True):
    """What a path that is not usual does."""

    kind: DeviationKind
    events: tuple[str, ...]
    expected: Path
    verdict: Verdict
    is_explained: bool
    """By an error, if there was one."""


def learned_deviations(current: RunStats, reference: RunStats, limits: Detect) -> tuple[Behavior, ...]:
    """Judges the paths that are not usual by the model learned from all runs of the reference.

    Those that the model takes for no part of the process are held against how often healthy runs were such,
    or showed anything for the first and only time (Good-Turing: as often the next runs show something new).
    Of those that it knows as rare, only a higher frequency is a deviation.
    """
    usual = _usual(reference, limits.behavioral_min_runs)
    if not usual or all(path in usual for path, _ in by_frequency(current)):
        return ()
    model = model_of(reference)
    if model.dropped:
        return ()  # the reference is too varied to be known
    teller = _Teller(SequenceJudge(model), reference, usual)
    novel = -(-sum(1 for times in model.trigrams.values() if times == 1) // _SHOWN_IN)
    tests = 1 if reference.rest is None else len(model.counts)
    found: dict[BehaviorKind, Behavior] = {}
    for is_rare in (False, True):
        now, before = teller.by_kind(current, is_rare), teller.by_kind(reference, is_rare)
        for kind, (counted, learned) in sorted(now.items(), key=lambda item: item[0]):
            known = before[kind][0].runs if kind in before else 0
            behavior = msgspec.structs.replace(
                counted,
                base_runs=min(max(known, learned, 0 if is_rare else novel), reference.completed),
                base_of=reference.completed,
            )
            confidence = news_confidence(behavior, limits, tests if is_rare else 1)
            if confidence is not None:
                sure = min(confidence, behavior.confidence)
                if kind not in found or found[kind].runs < behavior.runs:
                    found[kind] = msgspec.structs.replace(behavior, confidence=sure)
    return tuple(found.values())


def model_of(stats: RunStats) -> SequenceModel:
    """Of all runs that completed, whatever path they took."""
    model = SequenceModel()
    for path, variant in sorted(stats.variants.items()):
        learn(model, events_of(path), variant.runs)
    if stats.rest is not None:
        merge(model, stats.rest)
    return model


def _usual(reference: RunStats, min_runs: int) -> set[Path]:
    if reference.completed < min_runs:
        return set()
    most = max((variant.runs for variant in reference.variants.values()), default=0)
    least = min(most, reference.completed * _USUAL_SHARE)
    return {path for path, variant in by_frequency(reference) if variant.runs >= least}


class _Teller:
    """Tells what paths do, by a learned model."""

    def __init__(self, judge: SequenceJudge, reference: RunStats, usual: set[Path]) -> None:
        self._judge = judge
        self._usual = usual
        self._learned = set(map(events_of, reference.variants))
        self._is_varied = reference.rest is not None
        self._runs = reference.completed
        paths = (path for path, _ in by_frequency(reference))
        normal = [path for path in paths if path in usual or judge.judge(path).score < 1]
        self._candidates = [(path, Counter(path)) for path in normal[:_CANDIDATES]]

    def by_kind(self, stats: RunStats, is_rare: bool) -> dict[BehaviorKind, tuple[Behavior, int]]:
        """Counts the runs that deviate, and how many of the runs learned did the very same.

        `is_rare`: those that took a path that the model knows as a rare one, else those that took none.
        """
        found: dict[BehaviorKind, tuple[Behavior, int]] = {}
        seen: dict[BehaviorKind, set[str]] = {}
        for path, variant in by_frequency(stats):
            told = self._tell(path, is_rare) if path not in self._usual else None
            if told is None:
                continue
            runs = variant.runs - variant.disturbed if told.is_explained else variant.runs
            if not runs:
                continue
            shown, learned = found.get(told.kind) or (self._behavior(told, path, stats, is_rare), 0)
            if told.verdict.why not in seen.setdefault(told.kind, set()):
                seen[told.kind].add(told.verdict.why)
                learned += told.verdict.learned
            origins = first_of(shown.origins + variant.examples)
            found[told.kind] = (
                msgspec.structs.replace(shown, runs=shown.runs + runs, origins=origins),
                learned,
            )
        return found

    def _tell(self, path: Path, is_rare: bool) -> _Told | None:
        judged = self._judge.judge(path)
        verdict = self._rare(path) if is_rare and judged.score < 1 else judged
        if verdict is None or is_rare != (judged.score < 1):
            return None
        expected = self._nearest(path, is_rare)
        found = deviations(expected, path)
        if is_rare and not found:
            return None
        kind: DeviationKind = found[0].kind if verdict.kind == "none" else _KINDS[verdict.kind]
        worst = (verdict.event,) if verdict.event else path[-1:] or expected[-1:]
        events = next((each.events for each in found if each.kind == kind), worst)
        explained = {kind} <= ERRORS_EXPLAIN or (
            bool(found) and {each.kind for each in found} <= ERRORS_EXPLAIN
        )
        return _Told(kind, events, expected, verdict, explained)

    def _rare(self, path: Path) -> Verdict | None:
        """A rare path that was learned; where paths are too many to be kept, a rare count of an event."""
        if not self._is_varied:
            return self._judge.judge(path) if path in self._learned else None
        rarest = self._judge.rarest(path)
        return rarest if rarest is not None and rarest.learned < _USUAL_SHARE * self._runs else None

    def _nearest(self, path: Path, is_rare: bool) -> Path:
        """The normal path that differs least: in how often events occur, then in their places."""
        counts = Counter(path)

        def difference(candidate: tuple[Path, Counter[str]]) -> tuple[int, int]:
            expected, wanted = candidate
            moved = sum(1 for a, b in zip(expected, path, strict=False) if a != b)
            return (wanted - counts).total() + (counts - wanted).total(), moved

        able = [each for each in self._candidates if not is_rare or each[0] in self._usual]
        return min(able, key=difference)[0]

    def _behavior(self, told: _Told, path: Path, stats: RunStats, is_rare: bool) -> Behavior:
        why = "" if is_rare else f" ({told.verdict.why})"
        variants = stats.variants.values()
        return Behavior(
            kind=told.kind,
            says=f"{said(told.kind, told.events, told.expected, path)}, "
            f"against what was learned from healthy runs{why}",
            events=told.events,
            expected=told.expected,
            observed=path,
            runs=0,
            of=sum(each.runs - each.disturbed if told.is_explained else each.runs for each in variants),
            confidence=told.verdict.confidence,
            origins=(),
        )
