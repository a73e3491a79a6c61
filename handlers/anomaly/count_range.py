"""How often an event occurs in a run: the learned range."""

from __future__ import annotations

from itertools import pairwise
from math import log
from typing import Final

import msgspec

from handlers.model import SequenceModel

ODD_RUNS: Final = 0.01
"""Share of runs with an event or a count never seen that is possible even after a training without one."""
_NORMAL: Final = 2 * log(ODD_RUNS)
"""Most log odds of what is in range."""
_GAP: Final = 4.0
"""So many times rarer than all else is a class of its own."""
_RARE: Final = 0.05
"""Most that a class of rarities can be of the runs."""
_VARIATION: Final = 0.015
"""Healthy runs vary that much: if fewer than this share are rare in any way, the training is not doubted."""


class CountRange(msgspec.Struct, frozen=True):
    """How often an event occurs in a run, in the steps of `profile_of`."""

    least: int
    most: int
    usual: int
    runs: dict[int, int]
    """Step -> runs of the training; 0 included."""
    new: float
    """Probability that the next run shows a step never seen (Good-Turing)."""

    def odds_of(self, step: int) -> float:
        """Natural log of error : process; above 0 only outside of the range."""
        total = sum(self.runs.values())
        further = min(
            sum(n for at, n in self.runs.items() if at <= step),
            sum(n for at, n in self.runs.items() if at >= step),
        )
        odds = log(ODD_RUNS / max(further / total, self.new))
        if self.least <= step <= self.most:
            return min(odds, 0.0) + _NORMAL  # the rarer, the nearer to an anomaly
        return max(odds, 0.1) if further else odds


def count_ranges(model: SequenceModel, errors: float) -> dict[str, CountRange]:
    """All that was seen is in range, unless a class of rarities stands out that healthy runs cannot have.

    `errors` is the number of errors per run that the order of the events has told already: as long as they
    explain the rarities, what is rare and yet in order is a rare path.
    """
    steps_of = {event: {0: model.runs - sum(n.values()), **n} for event, n in model.counts.items()}
    usual = {event: max(steps, key=lambda at: (steps[at], at)) for event, steps in steps_of.items()}
    limit = _limit(model, steps_of, usual, errors)
    ranges: dict[str, CountRange] = {}
    for event, steps in steps_of.items():
        seen, middle = [at for at, runs in steps.items() if runs], usual[event]
        fewer, more = _sides(steps, middle)
        new = (sum(1 for runs in steps.values() if runs == 1) + 0.5) / (model.runs + 1)
        ranges[event] = CountRange(
            min(seen) if fewer > limit else middle, max(seen) if more > limit else middle, middle, steps, new
        )
    return ranges


def _sides(steps: dict[int, int], middle: int) -> tuple[int, int]:
    """Runs in which the event occurs less often than usual, and more often."""
    return sum(n for at, n in steps.items() if at < middle), sum(n for at, n in steps.items() if at > middle)


def _limit(
    model: SequenceModel, steps_of: dict[str, dict[int, int]], usual: dict[str, int], errors: float
) -> int:
    """Runs up to which a deviation from the usual count is a rarity; 0 if none stands out."""
    sides = sorted(runs for event, steps in steps_of.items() for runs in _sides(steps, usual[event]) if runs)
    limit = 0
    for runs, next_runs in pairwise([*sides, model.runs]):
        if runs <= _RARE * model.runs and next_runs >= _GAP * runs:
            limit = runs
    if not limit:
        return 0
    rare = {
        (event, is_more)
        for event, steps in steps_of.items()
        for is_more, runs in enumerate(_sides(steps, usual[event]))
        if 0 < runs <= limit
    }
    hit = sum(runs for profile, runs in model.profiles.items() if _is_rare(profile, rare, usual))
    # One rarity is a path of its own, errors come in many kinds.
    return (
        limit if max(_VARIATION * model.runs, errors * model.runs, 2 * limit) <= hit <= model.runs / 2 else 0
    )


def _is_rare(profile: str, rare: set[tuple[str, int]], usual: dict[str, int]) -> bool:
    parts = profile.split("\t") if profile else []
    steps = dict(zip(parts[::2], map(int, parts[1::2]), strict=True))
    return any((steps.get(e, 0) > usual[e]) if more else (steps.get(e, 0) < usual[e]) for e, more in rare)
