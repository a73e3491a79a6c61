"""How far a run is from what the runs of its sequence look like, and why."""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import Final, Literal

import msgspec

from handlers.anomaly.count_range import ODD_RUNS, count_ranges
from handlers.anomaly.sequence_model import END, START, SequenceModel, padded_of, profile_of
from handlers.anomaly.transitions import MAX_RATE, End, Transition, probability, separated

VerdictKind = Literal["none", "unknown", "extra", "missing", "repeated", "out-of-order"]

_SCALE: Final = 10.0
"""Decimal orders of magnitude between a score of 1 and one of 2."""
_TWICE: Final = 2.0
"""A wrong transition between two events shows in two longer contexts; contexts that are wrong more often than
that are not errors but events that run at the same time and come in many orders."""
_EXPECTED: Final = 3


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


class _Worst(msgspec.Struct, frozen=True):
    odds: float
    position: int
    count_of: str = ""
    """The event that occurs too often or too rarely; else the order is what is wrong."""


class SequenceJudge:
    """Judges runs by a model. What follows from the model alone is worked out once."""

    def __init__(self, model: SequenceModel) -> None:
        pairs: dict[Transition, int] = {}
        after_two: dict[Transition, int] = {}
        before_two: dict[Transition, int] = {}
        for text, times in model.trigrams.items():
            first, second, third = text.split("\t")
            if second != END:
                pairs[second, third] = pairs.get((second, third), 0) + times
                after_two[(first, second), third] = times
            if second != START:
                before_two[first, (second, third)] = times
        self._runs = model.runs
        self._pairs = separated(pairs)
        most = min(_TWICE * self._pairs.rate, MAX_RATE)
        self._after_two, self._before_two = separated(after_two, most), separated(before_two, most)
        self._ranges = count_ranges(model)
        self._absent = sorted(
            ((known.odds_of(0), event) for event, known in self._ranges.items()), reverse=True
        )
        once = sum(1 for steps in model.counts.values() if sum(steps.values()) == 1)
        self._new_event = (once + 0.5) / (model.runs + 1)

    @property
    def error_rate(self) -> float:
        """Errors per transition among the runs that were learned."""
        return self._pairs.rate

    def judge(self, path: tuple[str, ...]) -> Verdict:
        """Judges a run, its events in order of start, by the worst that it shows."""
        if not self._runs:
            return Verdict(0.0, "none", 0, "", (), "no run was learned", 0.0)
        profile = profile_of(path)
        worst = max(self._order(path), self._times(path, profile), key=lambda each: each.odds)
        score = max(0.0, 1 + worst.odds / log(10) / _SCALE)
        sure = probability(abs(worst.odds))
        if worst.odds < 0:
            return Verdict(score, "none", 0, "", (), f"as the {self._runs} runs learned", sure)
        if worst.count_of:
            kind, event, expected, why = self._wrong_count(worst.count_of, profile)
        else:
            kind, event, expected, why = self._wrong_order(path, profile, worst.position)
        return Verdict(score, kind, worst.position, event, expected, why, sure)

    def _order(self, path: tuple[str, ...]) -> _Worst:
        padded = padded_of(path)
        worst = _Worst(-1e9, 0)
        for at in range(len(path) + 1):
            first, source, target = padded[at : at + 3]
            if any(event not in self._ranges for event in path[max(at - 1, 0) : at + 1]):
                continue  # an unknown event is found by its count
            odds = self._pairs.odds_of(source, target)
            # A context never seen says nothing: how it came about was judged one step before.
            if (first, source) in self._after_two.ends[0]:
                odds = max(odds, self._after_two.odds_of((first, source), target))
            if target != END and (target, padded[at + 3]) in self._before_two.ends[1]:
                odds = max(odds, self._before_two.odds_of(source, (target, padded[at + 3])))
            if odds > worst.odds:
                worst = _Worst(odds, at)
        return worst

    def _times(self, path: tuple[str, ...], profile: dict[str, int]) -> _Worst:
        worst = _Worst(-1e9, 0)
        for event, step in profile.items():
            known = self._ranges.get(event)
            if known is None:
                odds = log(ODD_RUNS / self._new_event)
            else:
                odds = known.odds_of(step)
            if odds > worst.odds:
                worst = _Worst(odds, path.index(event), event)
        for odds, event in self._absent:
            if odds <= worst.odds:
                break
            if event not in profile:
                return _Worst(odds, len(path), event)
        return worst

    def _wrong_count(
        self, event: str, profile: dict[str, int]
    ) -> tuple[VerdictKind, str, tuple[str, ...], str]:
        known, times = self._ranges.get(event), profile.get(event, 0)
        if known is None:
            return "unknown", event, (), f"{event} occurs in none of the {self._runs} runs learned"
        usual = f"in the runs learned {known.least} to {known.most} times" if known.most else "rarely at all"
        why = f"{event} occurs {times} times, {usual}"
        if times < known.least:
            return "missing", event, (event,), why
        return ("repeated" if known.usual else "extra"), event, (), why

    def _wrong_order(
        self, path: tuple[str, ...], profile: dict[str, int], at: int
    ) -> tuple[VerdictKind, str, tuple[str, ...], str]:
        padded = padded_of(path)
        source, target = padded[at + 1], padded[at + 2]
        followers = self._followers(source)
        expected = tuple("" if event == END else event for event in followers[:_EXPECTED])
        seen = self._pairs.seen.get((source, target), 0)
        why = (
            f"{_named(target)} follows {_named(source)} in {seen} of {self._pairs.ends[0].get(source, 0)} cases,"
            f" expected {' or '.join(map(_named, followers[:_EXPECTED])) or 'nothing'}"
        )
        event = "" if target == END else target
        if not followers or not self._leads_to(target):
            return "extra", (source if not followers else event), expected, why
        known = self._ranges.get(event)
        if known is not None and event in path[:at] and profile[event] > max(known.usual, 1):
            return "repeated", event, expected, why
        lacking = [each for each in followers if each != END and each not in profile]
        if lacking and len(lacking) == len([each for each in followers if each != END]):
            return "missing", lacking[0], expected, why
        return "out-of-order", event, expected, why

    def _followers(self, source: str) -> list[str]:
        found = [
            (-self._pairs.seen[source, target], target)
            for (a, target), odds in self._pairs.odds.items()
            if a == source and odds <= 0 and isinstance(target, str)
        ]
        return [target for _, target in sorted(found)]

    def _leads_to(self, target: str) -> bool:
        return any(b == target and odds <= 0 for (_, b), odds in self._pairs.odds.items())


def _named(event: str) -> str:
    return {START: "the start", END: "the end"}.get(event, event)
