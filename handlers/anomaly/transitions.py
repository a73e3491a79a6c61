"""Which transitions between events are the process, and which are errors that happened to be learned with it.

The training holds both. A transition of the process has a probability of its own, large or small; errors
(skipped, inserted, moved, repeated steps) jump from anywhere to anywhere at a rate that is about the same
everywhere. How often a transition was seen, given how often its two ends were, has one of two distributions:

- process: beta-binomial with Jeffreys' prior, Beta(1/2, 1/2), among the occurrences of the rarer end;
- error: Gamma-Poisson (negative binomial) whose mean is the number of jumps between two such ends by chance.

The rate of jumps and the share of transitions that are errors are learned by expectation-maximization. That
puts the boundary right for a clean training as well as for one in which a third of the runs are wrong.
"""

from __future__ import annotations

from math import exp, expm1, lgamma, log, log1p, pi
from typing import Final

import msgspec

End = str | tuple[str, str]
"""An event, or two that are neighbours."""
Transition = tuple[End, End]

NEW_RATE: Final = 1e-4
"""Errors per transition that are possible even after a training without one."""
_SHAPE: Final = 0.35
"""Of the Gamma: how uneven the rates of errors are. Skipping the next step is likelier than a far jump."""
_FIRST_RATES: Final = (3.0, 1.0, 0.4)
MOST_ERRORS: Final = 1.25
"""Per run: half of the runs with two or three each. More is no minority but the process taken for errors."""
_USUAL_RUNS: Final = 0.01
_USUAL_END: Final = 0.25
"""What is seen once in a hundred runs and is a quarter of all that happens at one of its ends is no error."""
_NO_ERROR: Final = 20.0
_ROUNDS: Final = 25


class Transitions(msgspec.Struct, frozen=True):
    """What is known of the transitions between two kinds of ends."""

    odds: dict[Transition, float]
    """Natural log of error : process for each transition seen; above 0 it is rather an error."""
    seen: dict[Transition, int]
    ends: tuple[dict[End, int], dict[End, int]]
    """How often each end was left, and reached."""
    unused: tuple[dict[End, float], dict[End, float]]
    """Probability that a transition of the process that leaves, or reaches, an end is new (Good-Turing)."""
    rate: float
    """Errors per transition."""
    errors: float
    """Errors per run."""

    def odds_of(self, source: End, target: End) -> float:
        """As `odds`; also for one never seen, by how often the process shows new ones at its ends."""
        known = self.odds.get((source, target))
        if known is not None:
            return known
        new = max(self.unused[0].get(source, 0.0), self.unused[1].get(target, 0.0))
        return log(max(self.rate, NEW_RATE) / new) if new else 0.0


class _Split(msgspec.Struct, frozen=True):
    odds: dict[Transition, float]
    rate: float
    """Errors per run."""
    likelihood: float
    """Natural log."""


def separated(
    seen: dict[Transition, int], shares: dict[Transition, int], runs: int, most: float = MOST_ERRORS
) -> Transitions:
    """Tells process from errors among transitions (-> how often seen, at least once).

    `shares` says what part of its run each was, summed, in any unit: errors are spread over runs, not steps.
    A run holds at most `most` errors on average: if more look like it, all are doubted alike.
    """
    ends: tuple[dict[End, int], dict[End, int]] = ({}, {})
    if not seen:
        return Transitions({}, seen, ends, ({}, {}), 0.0, 0.0)
    for transition, times in seen.items():
        for total, end in zip(ends, transition, strict=True):
            total[end] = total.get(end, 0) + times
    process: dict[Transition, float] = {}
    for (source, target), times in seen.items():
        rarer = min(ends[0][source], ends[1][target])
        is_usual = times >= max(_USUAL_RUNS * runs, _USUAL_END * rarer)
        process[source, target] = _log_process(times, rarer) + (_NO_ERROR if is_usual else 0.0)
    exposed: tuple[dict[End, float], dict[End, float]] = ({}, {})
    unit = runs / sum(shares.values())
    for transition, part in shares.items():
        for total_exposed, end in zip(exposed, transition, strict=True):
            total_exposed[end] = total_exposed.get(end, 0.0) + part * unit
    splits = [_split(seen, ends, exposed, process, first, runs) for first in _FIRST_RATES]
    believable = [split for split in splits if split.rate <= most]
    if believable:
        best = max(believable, key=lambda split: split.likelihood)
    else:
        best = min(splits, key=lambda split: split.rate)
    errors, doubt = min(best.rate, most), log(min(most / best.rate, 1.0))
    odds = {transition: value + doubt for transition, value in best.odds.items()}
    once = [transition for transition, n in seen.items() if n == 1 and odds[transition] <= 0]
    overall = (len(once) + 0.5) / (sum(seen.values()) + 1)
    unused = (
        _unused(ends[0], [a for a, _ in once], overall),
        _unused(ends[1], [b for _, b in once], overall),
    )
    return Transitions(odds, seen, ends, unused, errors * runs / sum(seen.values()), errors)


def _split(
    seen: dict[Transition, int],
    ends: tuple[dict[End, int], dict[End, int]],
    exposed: tuple[dict[End, float], dict[End, float]],
    process: dict[Transition, float],
    rate: float,
    runs: int,
) -> _Split:
    """Expectation-maximization from a first rate of errors; it ends in the nearest of several optima."""
    share = 0.5
    strangers: tuple[set[End], set[End]] = (set(), set())
    for _ in range(_ROUNDS):
        # An end that the process never uses is left and reached by errors only.
        left, reached = (
            {end: n if end in strange else visited[end] * rate for end, n in side.items()}
            for side, visited, strange in zip(ends, exposed, strangers, strict=True)
        )
        prior = log(share / (1 - share))
        odds = {
            (a, b): prior + _log_error(n, left[a] * reached[b] / (rate * runs)) - process[a, b]
            for (a, b), n in seen.items()
        }
        likelihood = len(seen) * log(1 - share) + sum(
            process[each] + log1p(exp(min(value, 700.0))) for each, value in odds.items()
        )
        wrong = {transition: probability(value) for transition, value in odds.items()}
        before = (rate, strangers)
        rate = (1 + sum(wrong[each] * n for each, n in seen.items())) / (1 + runs)
        share = (0.5 + sum(wrong.values())) / (1 + len(wrong))
        used = [transition for transition, value in odds.items() if value <= 0]
        strangers = (set(ends[0]) - {a for a, _ in used}, set(ends[1]) - {b for _, b in used})
        if strangers == before[1] and abs(log(rate / before[0])) < 0.01:
            break
    return _Split(odds, rate, likelihood)


def probability(odds: float) -> float:
    """Of what has these log odds."""
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


def _unused(ends: dict[End, int], once: list[End], overall: float) -> dict[End, float]:
    new = dict.fromkeys(ends, overall)
    for end in once:
        new[end] += 1
    return {end: value / (ends[end] + 1) for end, value in new.items()}


def _log_process(times: int, of: int) -> float:
    """log P(times | times ≥ 1) of the beta-binomial."""
    some = (
        lgamma(times + 0.5) - lgamma(times + 1) + lgamma(of - times + 0.5) - lgamma(of - times + 1) - log(pi)
    )
    none = lgamma(of + 0.5) - lgamma(of + 1) - 0.5 * log(pi)
    return some - log(-expm1(none))


def _log_error(times: int, mean: float) -> float:
    """log P(times | times ≥ 1) of the Gamma-Poisson."""
    mean = max(mean, 1e-12)
    none = -_SHAPE * log1p(mean / _SHAPE)
    some = lgamma(times + _SHAPE) - lgamma(_SHAPE) - lgamma(times + 1) + none
    return some + times * log(mean / (_SHAPE + mean)) - log(-expm1(none))
