"""Which transitions between events are the process, and which are errors that happened to be learned with it.

The training holds both. A transition of the process has a probability of its own, large or small; errors
(skipped, inserted, moved, repeated steps) jump from anywhere to anywhere, or over the next step, at rates
that are about the same everywhere. How often a transition was seen, given how often its two ends were, has
one of two distributions:

- process: beta-binomial with Jeffreys' prior, Beta(1/2, 1/2), among the occurrences of the rarer end;
- error: Gamma-Poisson (negative binomial) whose mean is the number of jumps between two such ends by chance,
  and of skips of what occurs between them.

The rates of jumps and of skips and the share of transitions that are errors are learned by
expectation-maximization. That puts the boundary right for a clean training as well as for one in which a
third of the runs are wrong. A rare event that has no place of its own, but turns up beside any other, is an
error with all its transitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, expm1, lgamma, log, log1p, pi
from typing import Final, TypeVar

import msgspec

from handlers.sequence_model import END, START

Transition = tuple[str, str]
Triple = tuple[str, str, str]
E = TypeVar("E")

NEW_RATE: Final = 1e-4
"""Errors per transition that are possible even after a training without one."""
_SHAPE: Final = 1.0
"""Of the Gamma: how uneven the rates of errors are."""
_FIRST_SKIPS: Final = 0.1
"""Share of the errors that skip one step."""
_OWN: Final = 4.0
"""An event has neighbours of its own, as if it had been seen so often with those that any event has."""
_FIRST_RATES: Final = (3.0, 1.0, 0.4)
MOST_ERRORS: Final = 1.25
"""Per run: half of the runs with two or three each. More is no minority but the process taken for errors."""
_PLAIN: Final = 1.0
"""Natural log of the Bayes factor from which an event has no place of its own."""
_DOUBT: Final = 2.0
"""Natural log of what speaks against transitions of such an event besides their number."""
_STRAY: Final = 0.05
"""An event that may occur anywhere, and does so more often than this per run, is no error."""
_COMMON: Final = 0.5
"""What occurs so often per run is a step of the process: errors are a minority."""
_USUAL_RUNS: Final = 0.01
_USUAL_END: Final = 0.25
"""What is seen once in a hundred runs and is a quarter of all that happens at one of its ends is no error."""
_NO_ERROR: Final = 20.0
"""Log odds that count as certain."""
_ROUNDS: Final = 25


class Transitions(msgspec.Struct, frozen=True):
    """What is known of the transitions between two events."""

    odds: dict[Transition, float]
    """Natural log of error : process for each transition seen; above 0 it is rather an error."""
    seen: dict[Transition, int]
    ends: tuple[dict[str, int], dict[str, int]]
    """How often each end was left, and reached."""
    unused: tuple[dict[str, float], dict[str, float]]
    """Probability that a transition of the process that leaves, or reaches, an end is new (Good-Turing)."""
    rate: float
    """Errors per transition."""
    jumps: float
    """Errors per run that jump from anywhere to anywhere."""
    skips: float
    """Errors per run that leave out one step."""

    @property
    def errors(self) -> float:
        """Errors per run."""
        return self.jumps + self.skips

    def odds_of(self, source: str, target: str) -> float:
        """As `odds`; also for one never seen, by how often the process shows new ones at its ends."""
        known = self.odds.get((source, target))
        if known is not None:
            return known
        new = max(self.unused[0].get(source, 0.0), self.unused[1].get(target, 0.0))
        return log(max(self.rate, NEW_RATE) / new) if new else 0.0


class _Split(msgspec.Struct, frozen=True):
    odds: dict[Transition, float]
    jumps: float
    skips: float
    """Errors per run, both."""
    likelihood: float
    """Natural log."""


class _Seen(msgspec.Struct, frozen=True):
    """What the training shows, for the expectation of its errors."""

    runs: int
    times: dict[Transition, int]
    ends: tuple[dict[str, int], dict[str, int]]
    exposed: tuple[dict[str, float], dict[str, float]]
    """Runs in which an error would leave, or reach, an event: together all runs."""
    passed: dict[Transition, float]
    """Runs in which an error that skips one step would show a transition."""
    placeless: set[str]
    uncommon: set[str]
    """Events of so few runs that errors may be all there is of them."""
    process: dict[Transition, float]
    """Natural log of the likelihood of each transition as one of the process."""


def separated(triples: dict[Triple, int], shares: dict[Triple, int], runs: int) -> Transitions:
    """Tells process from errors among the transitions of triples of neighbours (-> how often seen).

    `shares` says what part of its run each was, summed, in any unit: errors are spread over runs, not steps.
    A run holds at most `MOST_ERRORS` on average: if more look like it, all are doubted alike.
    """
    seen = _seen(triples, shares, runs)
    if not seen.times:
        return Transitions({}, {}, seen.ends, ({}, {}), 0.0, 0.0, 0.0)
    splits = [_split(seen, first) for first in _FIRST_RATES]
    believable = [split for split in splits if split.jumps + split.skips <= MOST_ERRORS]
    if believable:
        best = max(believable, key=lambda split: split.likelihood)
    else:
        best = min(splits, key=lambda split: split.jumps + split.skips)
    believed = min(MOST_ERRORS / (best.jumps + best.skips), 1.0)
    odds = {transition: value + log(believed) for transition, value in best.odds.items()}
    return Transitions(
        odds,
        seen.times,
        seen.ends,
        unused_of(seen.times, odds, seen.ends),
        believed * (best.jumps + best.skips) * runs / sum(seen.times.values()),
        believed * best.jumps,
        believed * best.skips,
    )


def _seen(triples: dict[Triple, int], shares: dict[Triple, int], runs: int) -> _Seen:
    times: dict[Transition, int] = {}
    ends: tuple[dict[str, int], dict[str, int]] = ({}, {})
    exposed: tuple[dict[str, float], dict[str, float]] = ({}, {})
    passed: dict[Transition, float] = {}
    unit = runs / max(sum(part for (_, second, _), part in shares.items() if second != END), 1)
    for (first, second, third), n in triples.items():
        if second == END:
            continue  # each transition once: as the last two of a triple
        part = shares[first, second, third] * unit
        times[second, third] = times.get((second, third), 0) + n
        for side, end in enumerate((second, third)):
            ends[side][end] = ends[side].get(end, 0) + n
            exposed[side][end] = exposed[side].get(end, 0.0) + part
        if second != START and second not in (first, third):
            passed[first, third] = passed.get((first, third), 0.0) + part
    placeless = _placeless(times, ends, runs)
    process: dict[Transition, float] = {}
    for (source, target), n in times.items():
        process[source, target] = log_process(n, min(ends[0][source], ends[1][target]), runs)
        if source in placeless or target in placeless:
            process[source, target] -= _DOUBT
    uncommon = {event for side in ends for event, n in side.items() if n < _COMMON * runs}
    return _Seen(runs, times, ends, exposed, passed, placeless, uncommon, process)


def _placeless(
    times: dict[Transition, int], ends: tuple[dict[str, int], dict[str, int]], runs: int
) -> set[str]:
    """Rare events with the neighbours that any event has: Bayes factor against neighbours of their own."""
    total = sum(times.values())
    factors: dict[str, float] = {}
    for side in (0, 1):
        for event, n in ends[side].items():
            factors[event] = factors.get(event, 0.0) + lgamma(_OWN + n) - lgamma(_OWN)
        for transition, n in times.items():
            usual = ends[1 - side][transition[1 - side]] / total
            own = lgamma(_OWN * usual + n) - lgamma(_OWN * usual)
            factors[transition[side]] += n * log(usual) - own
    most = _STRAY * runs
    return {
        event for event, factor in factors.items() if factor > _PLAIN and ends[0].get(event, runs) <= most
    }


def _split(seen: _Seen, rate: float) -> _Split:
    """Expectation-maximization from a first rate of errors; it ends in the nearest of several optima."""
    share, runs = 0.5, seen.runs
    skip_rate = _FIRST_SKIPS * rate
    strangers = (seen.placeless, seen.placeless)
    for _ in range(_ROUNDS):
        # An end that the process never uses is left and reached by errors only.
        left, reached = (
            {end: n if end in strange else exposed[end] * rate for end, n in side.items()}
            for side, exposed, strange in zip(seen.ends, seen.exposed, strangers, strict=True)
        )
        jumps = {(a, b): left[a] * reached[b] / (rate * runs) for a, b in seen.times}
        skips = {each: skip_rate * seen.passed.get(each, 0.0) for each in seen.times}
        prior = log(share / (1 - share))
        odds = {
            each: prior + log_error(n, jumps[each] + skips[each]) - seen.process[each]
            for each, n in seen.times.items()
        }
        likelihood = len(odds) * log(1 - share) + sum(
            seen.process[each] + log1p(exp(min(value, 700.0))) for each, value in odds.items()
        )
        wrong = {each: probability(odds[each]) * n for each, n in seen.times.items()}
        skipped = sum(wrong[each] * n / (n + jumps[each]) for each, n in skips.items() if n)
        before = (rate, strangers)
        rate, skip_rate = (1 + sum(wrong.values()) - skipped) / (1 + runs), skipped / (1 + runs)
        share = (0.5 + sum(map(probability, odds.values()))) / (1 + len(odds))
        used = [transition for transition, value in odds.items() if value <= 0]
        strangers = (
            seen.uncommon - {a for a, _ in used} | seen.placeless,
            seen.uncommon - {b for _, b in used} | seen.placeless,
        )
        if strangers == before[1] and abs(log(rate / before[0])) < 0.01:
            break
    return _Split(odds, rate, skip_rate, likelihood)


def probability(odds: float) -> float:
    """Of what has these log odds."""
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


def unused_of(
    times: Mapping[tuple[E, E], int],
    odds: Mapping[tuple[E, E], float],
    ends: tuple[dict[E, int], dict[E, int]],
) -> tuple[dict[E, float], dict[E, float]]:
    """Per end, the probability that a transition of the process is new (Good-Turing)."""
    once = [transition for transition, n in times.items() if n == 1 and odds.get(transition, 1.0) <= 0]
    overall = (len(once) + 0.5) / (sum(times.values()) + 1)
    new = (dict.fromkeys(ends[0], overall), dict.fromkeys(ends[1], overall))
    for transition in once:
        for side, end in zip(new, transition, strict=True):
            side[end] += 1
    left, reached = (
        {end: value / (seen[end] + 1) for end, value in side.items()}
        for side, seen in zip(new, ends, strict=True)
    )
    return left, reached


def log_process(times: int, of: int, runs: int) -> float:
    """log P(times | times ≥ 1) of the beta-binomial; what is usual is beyond doubt."""
    some = (
        lgamma(times + 0.5) - lgamma(times + 1) + lgamma(of - times + 0.5) - lgamma(of - times + 1) - log(pi)
    )
    none = lgamma(of + 0.5) - lgamma(of + 1) - 0.5 * log(pi)
    is_usual = times >= max(_USUAL_RUNS * runs, _USUAL_END * of)
    return some - log(-expm1(none)) + (_NO_ERROR if is_usual else 0.0)


def log_error(times: int, mean: float, shape: float = _SHAPE) -> float:
    """log P(times | times ≥ 1) of the Gamma-Poisson."""
    mean = max(mean, 1e-12)
    none = -shape * log1p(mean / shape)
    some = lgamma(times + shape) - lgamma(shape) - lgamma(times + 1) + none
    return some + times * log(mean / (shape + mean)) - log(-expm1(none))
