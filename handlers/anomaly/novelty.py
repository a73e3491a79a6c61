"""How new a value is: its distance to the nearest value ever seen, in units of the spread of all of them.

The distance to the nearest neighbour is the oldest distribution-free outlier score (Knorr, Ng, Tucakov:
"Distance-based outliers", VLDB Journal 2000). In one dimension the nearest of all earlier values is found by
bisection, and a hundred representatives stand for the whole history.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Final

import msgspec

MAX_REPRESENTATIVES: Final = 128
GRAIN: Final = 0.03
"""A value nearer to a representative than this share of the spread is that representative again."""


class Seen(msgspec.Struct):
    """All values that were ever seen, in bounded size."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of squared distances from the mean (Welford, Technometrics 1962)."""
    representatives: list[float] = []
    """Ascending; the smallest and the largest value are always among them."""

    def spread(self) -> float:
        """Standard deviation, 0 of nothing."""
        return math.sqrt(self.squares / self.count) if self.count else 0.0

    def nearest(self, value: float) -> float:
        """The representative nearest to `value`; raises ValueError when nothing was seen."""
        at = bisect_left(self.representatives, value)
        return min(self.representatives[max(0, at - 1) : at + 1], key=lambda seen: abs(seen - value))

    def largest(self) -> float:
        """Raises IndexError when nothing was seen."""
        return self.representatives[-1]

    def learn(self, value: float) -> None:
        """Adds a value: amortised constant time."""
        self.count += 1
        off = value - self.mean
        self.mean += off / self.count
        self.squares += off * (value - self.mean)
        known = self.representatives
        at = bisect_left(known, value)
        inside = 0 < at < len(known)
        if inside and min(known[at] - value, value - known[at - 1]) <= GRAIN * self.spread():
            return
        if at == len(known) or known[at] != value:
            known.insert(at, value)
        if len(known) > MAX_REPRESENTATIVES:
            del known[min(range(1, len(known) - 1), key=lambda index: known[index + 1] - known[index])]
