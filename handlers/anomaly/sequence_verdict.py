"""How far a run is from what the runs of its sequence look like, and why."""

from __future__ import annotations

from math import inf, log
from typing import Final, Literal

import msgspec

from handlers.anomaly.contexts import contexts_of
from handlers.anomaly.count_range import ODD_RUNS, count_ranges
from handlers.anomaly.transitions import Transition, Triple, probability, separated
from handlers.model import SequenceModel
from handlers.sequence_model import END, START, padded_of, profile_of

VerdictKind = Literal["none", "unknown", "extra", "missing", "repeated", "out-of-order"]

_SCALE: Final = 10.0
"""Decimal orders of magnitude between a score of 1 and one of 2."""
_EXPECTED: Final = 3
_RARE: Final = 0.05
"""A count of an event that so few runs have explains a wrong order."""


class Verdict(msgspec.Struct, frozen=True):
    """What is known of one run."""

    score: float
    """1 + log10(error : process) / 10, at least 0; from 1.0 on the run is rather an anomaly."""
    kind: VerdictKind
    """`none` below 1.0."""
    position: int
    """Of the worst event among the events of the run; their number if it is the end."""
    event: str
    """The worst event, or the one that is missing; empty for the end."""
    expected: tuple[str, ...]
    """What the process shows there, likeliest first; empty text for the end."""
    why: str
    confidence: float
    """Probability of the verdict given what was learned."""
    learned: int = 0
    """How often the runs learned did the very same."""


class _Worst(msgspec.Struct, frozen=True):
    odds: float
    position: int
    count_of: str = ""
    """The event that occurs too often or too rarely; empty if it is the order."""
    why: str = ""
    learned: int = 0


class SequenceJudge:
    """Judges runs by a model. What follows from the model alone is worked out once."""

    def __init__(self, model: SequenceModel) -> None:
        triples = {_triple(text): times for text, times in model.trigrams.items()}
        shares = {_triple(text): part for text, part in model.shares.items()}
        self._runs = model.runs
        self._pairs = separated(triples, shares, model.runs)
        self._contexts = contexts_of(triples, shares, self._pairs, model.runs)
        used = sorted(
            (-self._pairs.seen[a, b], a, b) for (a, b), odds in self._pairs.odds.items() if odds <= 0
        )
        self._followers: dict[str, list[str]] = {}
        for _, source, target in used:
            self._followers.setdefault(source, []).append(target)
        self._reached = {target for _, _, target in used}
        self._ranges = count_ranges(model, self._pairs.errors)
        self._absent = sorted(
            ((known.odds_of(0), event) for event, known in self._ranges.items()), reverse=True
        )
        once = sum(1 for steps in model.counts.values() if sum(steps.values()) == 1)
        self._new_event = (once + 0.5) / (model.runs + 1)

    @property
    def errors(self) -> float:
        """Errors of order per run among those that were learned."""
        return self._pairs.errors

    def judge(self, path: tuple[str, ...]) -> Verdict:
        """Judges a run, its events in order of start, by the worst that it shows."""
        if not self._runs:
            return Verdict(0.0, "none", 0, "", (), "no run was learned", 0.0)
        profile = profile_of(path)
        order, times = self._order(path), self._times(path, profile)
        worst = max(order, times, key=lambda each: each.odds)
        score = max(0.0, 1 + worst.odds / log(10) / _SCALE)
        sure = probability(abs(worst.odds))
        if worst.odds < 0:
            return Verdict(score, "none", 0, "", (), f"as the {self._runs} runs learned", sure)
        if not worst.count_of:
            kind, position, event, expected = self._wrong_order(path, profile, worst.position)
            # A beat too few or too many disturbs the order, too: one cause.
            rare = self.rarest(path) if kind == "out-of-order" and times.odds < 0 else None
            if rare is not None and rare.learned <= _RARE * self._runs:
                return msgspec.structs.replace(rare, score=score, confidence=sure)
            if kind != "out-of-order" or times.odds < 0:
                return Verdict(score, kind, position, event, expected, worst.why, sure, worst.learned)
        kind, expected, why = self._wrong_count(times.count_of, profile)
        known = self._ranges.get(times.count_of)
        learned = known.runs.get(profile.get(times.count_of, 0), 0) if known is not None else 0
        return Verdict(score, kind, times.position, times.count_of, expected, why, sure, learned)

    def rarest(self, path: tuple[str, ...]) -> Verdict | None:
        """What is rare in a run though it is normal: the count of an event that fewest runs show, or None."""
        profile = profile_of(path)
        odd = [
            (known.runs.get(profile.get(event, 0), 0), event)
            for event, known in self._ranges.items()
            if profile.get(event, 0) != known.usual
        ]
        if not odd:
            return None
        runs, event = min(odd)
        kind, expected, why = self._wrong_count(event, profile)
        if profile.get(event, 0) < self._ranges[event].usual:
            kind = "missing"
        position = path.index(event) if event in profile else len(path)
        return Verdict(0.0, kind, position, event, expected, why, 1.0, runs)

    def _order(self, path: tuple[str, ...]) -> _Worst:
        padded = padded_of(path)
        worst = _Worst(-inf, 0)
        for at in range(len(path) + 1):
            source, target, after = padded[at + 1 : at + 4]
            if any(event not in self._ranges for event in path[max(at - 1, 0) : at + 1]):
                continue  # an unknown event is told by its count
            odds = self._pairs.odds_of(source, target)
            if odds > worst.odds:
                times, of = self._pairs.seen.get((source, target), 0), self._pairs.ends[0].get(source, 0)
                why = f"{_named(target)} follows {_named(source)} in {times} of {of} cases"
                worst = _Worst(odds, at, why=why, learned=times)
            first, second = (source, target), (target, after)
            if target == END or not (self._is_process(first) and self._is_process(second)):
                continue  # its transitions tell it
            odds = self._contexts.odds_of(first, second)
            if odds > worst.odds:
                times, of = self._contexts.seen.get((first, second), 0), self._contexts.ends[0][first]
                why = f"{_named(after)} follows {_named(source, target)} in {times} of {of} cases"
                worst = _Worst(odds, at + (after != END), why=why, learned=times)
        return worst

    def _is_process(self, transition: Transition) -> bool:
        return self._pairs.odds.get(transition, 1.0) <= 0

    def _times(self, path: tuple[str, ...], profile: dict[str, int]) -> _Worst:
        worst = _Worst(-inf, 0)
        for event, step in profile.items():
            known = self._ranges.get(event)
            odds = known.odds_of(step) if known is not None else max(log(ODD_RUNS / self._new_event), 0.0)
            if odds > worst.odds:
                worst = _Worst(odds, path.index(event), event)
        for odds, event in self._absent:
            if odds <= worst.odds:
                break
            if event not in profile:
                return _Worst(odds, len(path), event)
        return worst

    def _wrong_count(self, event: str, profile: dict[str, int]) -> tuple[VerdictKind, tuple[str, ...], str]:
        known, times = self._ranges.get(event), profile.get(event, 0)
        if known is None:
            return "unknown", (), f"{event} occurs in none of the {self._runs} runs learned"
        share = known.runs.get(times, 0) / self._runs
        why = f"{event} occurs {times} times, usually {known.usual}; so in {share:.2%} of the runs learned"
        if times < known.least:
            return "missing", (event,), why
        return ("repeated" if known.usual else "extra"), (), why

    def _wrong_order(
        self, path: tuple[str, ...], profile: dict[str, int], at: int
    ) -> tuple[VerdictKind, int, str, tuple[str, ...]]:
        source, target = padded_of(path)[at + 1 : at + 3]
        followers = self._followers.get(source, [])
        expected = tuple("" if event == END else event for event in followers[:_EXPECTED])
        strange = next((each for each in path if each not in self._reached), None)
        if strange is not None:
            return "extra", path.index(strange), strange, ()
        for each in (target, source):
            if each in profile and profile[each] > max(self._ranges[each].usual, 1):
                return "repeated", at, each, expected
        awaited = [each for each in followers if each != END]
        if awaited and not any(each in profile for each in awaited):
            return "missing", at, awaited[0], expected
        return "out-of-order", at, "" if target == END else target, expected


def _triple(text: str) -> Triple:
    first, second, third = text.split("\t")
    return first, second, third


def _named(*events: str) -> str:
    return ", ".join({START: "the start", END: "the end"}.get(event, event) for event in events)
