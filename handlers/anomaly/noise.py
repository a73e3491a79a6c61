"""Which transitions between events are the process, and which are errors that happened to be learned with it.

The training holds both. A transition of the process has a probability of its own, large or small; errors
(skipped, inserted, moved, repeated steps) jump from anywhere to anywhere at a rate that is about the same
everywhere. So how often a transition was seen, beside how often its two ends were, has one of two distributions:

- process: beta-binomial with Jeffreys' prior, Beta(1/2, 1/2), of the rarer end's occurrences;
- error: Gamma-Poisson (negative binomial) whose mean is the jumps expected between two such ends by chance.

The rate of jumps and the share of transitions that are errors are learned by expectation-maximization, which
is what makes the boundary right for clean training as well as for one in which a third of the runs are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, expm1, lgamma, log, log1p, pi
from typing import Final, Generic, TypeVar

import msgspec

Source = TypeVar("Source")
Target = TypeVar("Target")

_SHAPE: Final = 0.35
"""Of the Gamma: how uneven the rates of errors are. Skipping the next step is likelier than a far jump."""
_FIRST_RATE: Final = 0.1
_MAX_RATE: Final = 0.25
_ROUNDS: Final = 25
NEW_RATE: Final = 1e-3
"""Errors per transition that are possible even after a training without one."""


class Transitions(msgspec.Struct, Generic[Source, Target], frozen=True):
    """What is known of the transitions from one kind of context to another."""

    log_odds: dict[tuple[Source, Target], float]
    """Error against process, for each transition seen: above 0 it is rather an error."""
    seen: dict[tuple[Source, Target], int]
    sources: dict[Source, int]
    targets: dict[Target, int]
    new_from: dict[Source, float]
    """Probability that the next transition from a source of the process is one never seen (Good-Turing)."""
    new_to: dict[Target, float]
    rate: float
    """Errors per transition."""

    def is_process(self, source: Source, target: Target) -> bool:
        """Whether the transition was seen and is no error."""
        return self.log_odds.get((source, target), 1.0) <= 0

    def new_odds(self, probability: float) -> float:
        """Log odds of a transition never seen, where the process shows a new one with `probability`."""
        return log(max(self.rate, NEW_RATE) / probability)


def separated(seen: dict[tuple[Source, Target], int]) -> Transitions[Source, Target]:
    """Tells process and errors apart among transitions that were seen (transition -> how often, at least 1)."""
    sources: dict[Source, int] = {}
    targets: dict[Target, int] = {}
    for (source, target), times in seen.items():
        sources[source] = sources.get(source, 0) + times
        targets[target] = targets.get(target, 0) + times
    total = sum(seen.values())
    process = {key: _log_jeffreys(n, min(sources[key[0]], targets[key[1]])) for key, n in seen.items()}
    rate, share = _FIRST_RATE, 0.5
    strangers: tuple[set[Source], set[Target]] = (set(), set())
    odds: dict[tuple[Source, Target], float] = {}
    for _ in range(_ROUNDS):
        out = {a: n if a in strangers[0] else n * rate for a, n in sources.items()}
        into = {b: n if b in strangers[1] else n * rate for b, n in targets.items()}
        prior = log(share / (1 - share))
        odds = {
            (a, b): _log_chance(n, out[a] * into[b] / (rate * total)) - process[a, b] + prior
            for (a, b), n in seen.items()
        }
        before, known_before = rate, strangers
        jumps = sum(_probability(odds[key]) * n for key, n in seen.items())
        rate = min((jumps + 1) / (total + 1), _MAX_RATE)
        share = (sum(map(_probability, odds.values())) + 0.5) / (len(seen) + 1)
        normal = [key for key, value in odds.items() if value <= 0]
        strangers = (set(sources) - {a for a, _ in normal}, set(targets) - {b for _, b in normal})
        if strangers == known_before and abs(log(rate / before)) < 0.01:
            break
    return Transitions(
        odds, seen, sources, targets, _new(seen, sources, 0), _new(seen, targets, 1), rate
    )


def _log_jeffreys(times: int, of: int) -> float:
    """log P(times | times ≥ 1) of the beta-binomial with Beta(1/2, 1/2)."""
    log_any = lgamma(times + 0.5) - lgamma(times + 1) + lgamma(of - times + 0.5) - lgamma(of - times + 1)
    log_none = lgamma(of + 0.5) - lgamma(of + 1) - 0.5 * log(pi)
    return log_any - log(pi) - log(-expm1(log_none))


def _log_chance(times: int, mean: float) -> float:
    """log P(times | times ≥ 1) of the Gamma-Poisson with shape `_SHAPE`."""
    mean = max(mean, 1e-12)
    log_none = -_SHAPE * log1p(mean / _SHAPE)
    log_any = lgamma(times + _SHAPE) - lgamma(_SHAPE) - lgamma(times + 1) + log_none
    return log_any + times * log(mean / (_SHAPE + mean)) - log(-expm1(log_none))


def _probability(odds: float) -> float:
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


def _new(
    seen: Mapping[tuple[Source, Target], int], ends: Mapping[Source, int] | Mapping[Target, int], side: int
) -> dict[object, float]:
    """Per end of a transition (side 0: where it starts): share of what was seen once, leaned on that of all."""
    once: dict[object, int] = {}
    for key, times in seen.items():
        if times == 1:
            once[key[side]] = once.get(key[side], 0) + 1
    overall = (sum(once.values()) + 0.5) / (sum(seen.values()) + 1)
    return {end: (once.get(end, 0) + overall) / (times + 1) for end, times in ends.items()}
