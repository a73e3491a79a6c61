"""DDSketch of durations: quantiles with a relative error of at most 2 %, exactly mergeable.

Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees",
VLDB 2019. A sketch is a dict bin -> count; merging adds. Values are microseconds; 0 has a bin of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

ALPHA: Final = 0.02
_GAMMA: Final = (1 + ALPHA) / (1 - ALPHA)
_PER_LOG: Final = 1 / math.log(_GAMMA)
ZERO_BIN: Final = -1


def bin_of(value_us: int) -> int:
    """The bin of a duration of at least 0 microseconds."""
    return math.ceil(math.log(value_us) * _PER_LOG) if value_us > 0 else ZERO_BIN


def add_bins(into: dict[int, int], other: Mapping[int, int]) -> None:
    """Adds the counts of `other` to `into`."""
    for index, count in other.items():
        into[index] = into.get(index, 0) + count


def quantile_us(bins: Mapping[int, int], quantile: float) -> float:
    """The value below which `quantile` (0..1) of the durations lie, in microseconds.

    Raises ValueError for an empty sketch.
    """
    return quantiles_us(bins, (quantile,))[0]


def quantiles_us(bins: Mapping[int, int], quantiles: tuple[float, ...]) -> list[float]:
    """Several quantiles in one pass; `quantiles` in ascending order, each clamped to 0..1."""
    count = sum(bins.values())
    if not count:
        raise ValueError("an empty sketch has no quantiles")
    found: list[float] = []
    seen = 0
    ordered = iter(sorted(bins.items()))
    index = ZERO_BIN
    for quantile in quantiles:
        rank = min(max(quantile, 0.0), 1.0) * (count - 1)
        while seen <= rank:
            index, more = next(ordered)
            seen += more
        found.append(0.0 if index == ZERO_BIN else 2 * _GAMMA**index / (_GAMMA + 1))
    return found
