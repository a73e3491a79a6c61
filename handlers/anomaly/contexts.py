"""Which triples of neighbours are the process, where each two of them are.

Two steps that are in order by themselves may be wrong together: what follows b depends on what came before
it. How often a triple a, b, c was seen has one of three distributions:

- process, the third step independent of the first, as where events come in many orders since they run at the
  same time: Gamma-Poisson around the number by chance, n(a, b) n(b, c) / n(b);
- process, dependent: beta-binomial, as of transitions;
- error: Gamma-Poisson whose mean is what the errors that the transitions have told leave here unnoticed.
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p, pi
from typing import Final

import msgspec

from handlers.anomaly.transitions import (
    NEW_RATE,
    Transition,
    Transitions,
    Triple,
    log_error,
    log_process,
    probability,
    unused_of,
)
from handlers.sequence_model import END, START

_INDEPENDENT: Final = 2.0
"""Shape of the Gamma around the number by chance."""
_FIRST_SHARE: Final = 0.1
_ROUNDS: Final = 5


class Contexts(msgspec.Struct, frozen=True):
    """What is known of triples, by the two transitions that each consists of."""

    odds: dict[tuple[Transition, Transition], float]
    """Natural log of error : process for each triple seen of two transitions of the process."""
    seen: dict[tuple[Transition, Transition], int]
    ends: tuple[dict[Transition, int], dict[Transition, int]]
    middles: dict[str, int]
    """How often each event was the second of a triple."""
    unused: tuple[dict[Transition, float], dict[Transition, float]]
    rate: float
    """Errors per transition."""

    def odds_of(self, first: Transition, second: Transition) -> float:
        """As `odds`; also for a triple never seen, by how often the process shows new ones at its ends.

        Where events come in many orders, that is as often as chance has it, though none was new of late.
        """
        known = self.odds.get((first, second))
        if known is not None:
            return known
        new = max(
            self.unused[0].get(first, 0.0), self.unused[1].get(second, 0.0), self._concurrent(first, second)
        )
        return log(max(self.rate, NEW_RATE) / new) if new else 0.0

    def _concurrent(self, first: Transition, second: Transition) -> float:
        """Probability of a triple never seen at the rarer of its ends, if it was missed by chance only."""
        left, reached = self.ends[0].get(first, 0), self.ends[1].get(second, 0)
        if not left or not reached:
            return 0.0
        chance = left * reached / self.middles[first[1]]
        independent = exp(-_INDEPENDENT * log1p(chance / _INDEPENDENT))
        rarer = min(left, reached)
        dependent = exp(lgamma(rarer + 0.5) - lgamma(rarer + 1) - log(pi) / 2)
        expected = _INDEPENDENT * chance / (_INDEPENDENT + chance)
        return independent / (independent + dependent) * expected / rarer


def contexts_of(
    triples: dict[Triple, int], shares: dict[Triple, int], pairs: Transitions, runs: int
) -> Contexts:
    """Tells process from errors among triples (-> how often seen, -> as for `separated`)."""
    inner = {each: n for each, n in triples.items() if each[:2] != (START, START) and each[1:] != (END, END)}
    ends: tuple[dict[Transition, int], dict[Transition, int]] = ({}, {})
    middles: dict[str, int] = {}
    for (a, b, c), n in inner.items():
        ends[0][a, b] = ends[0].get((a, b), 0) + n
        ends[1][b, c] = ends[1].get((b, c), 0) + n
        middles[b] = middles.get(b, 0) + n
    unit = runs / max(sum(shares[each] for each in inner), 1)
    exposed = {each: shares[each] * unit for each in inner}
    means = _errors(inner, exposed, ends[0], pairs, runs)
    seen: dict[tuple[Transition, Transition], int] = {}
    process: dict[tuple[Transition, Transition], float] = {}
    for (a, b, c), n in inner.items():
        first, second = (a, b), (b, c)
        if pairs.odds[first] <= 0 and pairs.odds[second] <= 0:
            seen[first, second] = n
            dependent = log_process(n, min(ends[0][first], ends[1][second]), runs)
            chance = ends[0][first] * ends[1][second] / middles[b]
            process[first, second] = log((exp(dependent) + exp(log_error(n, chance, _INDEPENDENT))) / 2)
    odds: dict[tuple[Transition, Transition], float] = {}
    share = _FIRST_SHARE
    for _ in range(_ROUNDS):
        prior = log(share / (1 - share))
        odds = {
            each: prior + log_error(n, means[each[0][0], each[0][1], each[1][1]]) - process[each]
            for each, n in seen.items()
        }
        share = (0.5 + sum(map(probability, odds.values()))) / (1 + len(odds))
    return Contexts(odds, seen, ends, middles, unused_of(seen, odds, ends), pairs.rate)


def _errors(
    inner: dict[Triple, int],
    exposed: dict[Triple, float],
    left: dict[Transition, int],
    pairs: Transitions,
    runs: int,
) -> dict[Triple, float]:
    """How many of each triple errors make: a jump into its last step or out of its first, a skip within."""
    by_first: dict[str, float] = {}
    by_last: dict[str, float] = {}
    by_pair: tuple[dict[Transition, float], dict[Transition, float]] = ({}, {})
    after: dict[Transition, list[tuple[str, int]]] = {}
    for (a, b, c), part in exposed.items():
        by_first[a] = by_first.get(a, 0.0) + part
        by_last[c] = by_last.get(c, 0.0) + part
        by_pair[0][a, b] = by_pair[0].get((a, b), 0.0) + part
        by_pair[1][b, c] = by_pair[1].get((b, c), 0.0) + part
        after.setdefault((a, b), []).append((c, inner[a, b, c]))
    passed: dict[Triple, float] = {}
    for (a, b, x), part in exposed.items():
        if b in (START, x) or x == END:
            continue
        for c, n in after.get((b, x), ()):
            share = part * n / left[b, x]
            if c != x:  # a, b, [x,] c
                passed[a, b, c] = passed.get((a, b, c), 0.0) + share
            if a != b:  # a, [b,] x, c
                passed[a, x, c] = passed.get((a, x, c), 0.0) + share
    return {
        (a, b, c): pairs.skips * passed.get((a, b, c), 0.0)
        + pairs.jumps * (by_pair[0][a, b] * by_last[c] + by_first[a] * by_pair[1][b, c]) / runs
        for a, b, c in inner
    }
