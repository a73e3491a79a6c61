"""How far a run is from what the runs of its sequence look like, and why."""

from __future__ import annotations

from math import inf, log
from typing import Final, Literal

import msgspec

from handlers.anomaly.count_range import ODD_RUNS, count_ranges
from handlers.anomaly.transitions import End, Transition, Transitions, probability, separated
from handlers.model import SequenceModel
from handlers.sequence_model import END, START, padded_of, profile_of

VerdictKind = Literal["none", "unknown", "extra", "missing", "repeated", "out-of-order"]

_SCALE: Final = 10.0
"""Decimal orders of magnitude between a score of 1 and one of 2."""
_TWICE: Final = 2.0
"""A wrong transition between two events shows in two longer contexts; contexts that are wrong more often than
that are not errors but events that run at the same time and come in many orders."""
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
        pairs: dict[Transition, int] = {}
        after_two: dict[Transition, int] = {}
        before_two: dict[Transition, int] = {}
        parts: tuple[dict[Transition, int], ...] = ({}, {}, {})
        for text, times in model.trigrams.items():
            first, second, third = text.split("\t")
            if second != END:
                pairs[second, third] = pairs.get((second, third), 0) + times
                after_two[(first, second), third] = times
                parts[0][second, third] = parts[0].get((second, third), 0) + model.shares[text]
                parts[1][(first, second), third] = model.shares[text]
            if second != START:
                before_two[first, (second, third)] = times
                parts[2][first, (second, third)] = model.shares[text]
        self._runs = model.runs
        self._pairs = separated(pairs, parts[0], model.runs)
        most = _TWICE * self._pairs.errors
        self._after_two = separated(after_two, parts[1], model.runs, most)
        self._before_two = separated(before_two, parts[2], model.runs, most)
        used = sorted(
            (-pairs[a, b], str(a), str(b)) for (a, b), odds in self._pairs.odds.items() if odds <= 0
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
        worst: tuple[float, int, Transitions, Transition] | None = None
        for at in range(len(path) + 1):
            first, source, target = padded[at : at + 3]
            if any(event not in self._ranges for event in path[max(at - 1, 0) : at + 1]):
                continue  # an unknown event is told by its count
            judged: list[tuple[Transitions, Transition]] = [(self._pairs, (source, target))]
            # A context never seen says nothing: how it came about was judged a step before.
            if (first, source) in self._after_two.ends[0]:
                judged.append((self._after_two, ((first, source), target)))
            if target != END and (target, padded[at + 3]) in self._before_two.ends[1]:
                judged.append((self._before_two, (source, (target, padded[at + 3]))))
            for known, transition in judged:
                odds = known.odds_of(*transition)
                if worst is None or odds > worst[0]:
                    worst = odds, at, known, transition
        if worst is None:
            return _Worst(-inf, 0)
        if worst[0] < 0:
            return _Worst(worst[0], worst[1])
        known, transition = worst[2], worst[3]
        return _Worst(*worst[:2], why=_seldom(known, transition), learned=known.seen.get(transition, 0))

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


def _seldom(known: Transitions, transition: Transition) -> str:
    source, target = transition
    seen = known.seen.get(transition, 0)
    if isinstance(target, tuple):
        return f"{_named(source)} precedes {_named(target)} in {seen} of {known.ends[1].get(target, 0)} cases"
    return f"{_named(target)} follows {_named(source)} in {seen} of {known.ends[0].get(source, 0)} cases"


def _named(end: End) -> str:
    events = end if isinstance(end, tuple) else (end,)
    return ", ".join({START: "the start", END: "the end"}.get(event, event) for event in events)
