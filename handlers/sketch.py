"""DDSketch of durations: quantiles with a relative error of at most 2 %, exactly mergeable.

Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees",
VLDB 2019. A sketch is a dict bin -> count; merging adds. Values are microseconds; 0 has a bin of its own.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from handlers.speedups import either

ALPHA: Final = 0.02
_GAMMA: Final = (1 + ALPHA) / (1 - ALPHA)
ZERO_BIN: Final = -1
_BINS: Final = math.ceil(math.log(1 << 63) / math.log(_GAMMA)) + 1
_EDGES_US: Final = [math.floor(_GAMMA**index) for index in range(_BINS)]
"""The largest duration of each bin from 0 on."""
EDGES_US: Final = array("q", (edge_us for edge_us in _EDGES_US if edge_us < 1 << 63))
"""The same, packed."""


def bin_of(value_us: int) -> int:
    """The bin of a duration of 0 to 2^63 microseconds."""
    return bisect_left(_EDGES_US, value_us) if value_us > 0 else ZERO_BIN


def add_sorted(into: dict[int, int], ordered_us: Sequence[int]) -> None:
    """Adds durations in ascending order to a sketch, bin by bin: that is faster than one by one."""
    counted = bisect_right(ordered_us, 0)
    if counted:
        into[ZERO_BIN] = into.get(ZERO_BIN, 0) + counted
    while counted < len(ordered_us):
        index = bin_of(ordered_us[counted])
        end = bisect_right(ordered_us, _EDGES_US[index], counted)
        into[index] = into.get(index, 0) + end - counted
        counted = end


def _add_bins(into: dict[int, int], other: dict[int, int]) -> None:
    """Adds the counts of `other` to `into`."""
    for index, count in other.items():
        into[index] = into.get(index, 0) + count


def value_us(index: int) -> float:
    """The duration that stands for a bin, in microseconds."""
    return 0.0 if index == ZERO_BIN else 2 * _GAMMA**index / (_GAMMA + 1)


_VALUES_US: Final = [*map(value_us, range(_BINS)), value_us(ZERO_BIN)]
"""Of each bin; the last is that of 0."""


def factor_of(offset: int) -> float:
    """How many times as long durations are that lie so many bins higher."""
    return _GAMMA**offset


def median_bin(bins: Mapping[int, int]) -> int:
    """The bin in which the median lies. Raises ValueError for an empty sketch."""
    left = (sum(bins.values()) + 1) // 2
    for index, count in sorted(bins.items()):
        left -= count
        if left <= 0:
            return index
    raise ValueError("an empty sketch has no median")


def shifted_bins(bins: Mapping[int, int], offset: int) -> dict[int, int]:
    """The sketch of durations that are longer by `offset` bins, each a factor of about 1.04; 0 stays 0."""
    moved: dict[int, int] = {}
    for index, count in bins.items():
        to = max(0, index + offset) if index != ZERO_BIN else ZERO_BIN
        moved[to] = moved.get(to, 0) + count
    return moved


def quantile_us(bins: dict[int, int], quantile: float) -> float:
    """The value below which `quantile` (0..1) of the durations lie, in microseconds.

    Raises ValueError for an empty sketch.
    """
    return quantiles_us(bins, (quantile,))[0]


def quantiles_us(bins: dict[int, int], quantiles: Sequence[float]) -> list[float]:
    """Several quantiles in one pass, each clamped to 0..1."""
    return [
        _VALUES_US[index] if ZERO_BIN <= index < _BINS else value_us(index)
        for index in quantile_bins(bins, quantiles)
    ]


def _quantile_bins(bins: dict[int, int], quantiles: Sequence[float]) -> list[int]:
    """The bins in which the quantiles lie, each clamped to 0..1. Raises ValueError for an empty sketch."""
    ordered = sorted(bins)
    counted = [*accumulate(map(bins.__getitem__, ordered))]
    if not counted or not counted[-1]:
        raise ValueError("an empty sketch has no quantiles")
    last, last_bin = counted[-1] - 1, len(ordered) - 1
    ranks = (min(max(quantile, 0.0), 1.0) * last for quantile in quantiles)
    return [ordered[bisect_right(counted, rank, hi=last_bin)] for rank in ranks]


add_bins: Final = either(_add_bins, "add_bins")
quantile_bins: Final = either(_quantile_bins, "quantile_bins")
