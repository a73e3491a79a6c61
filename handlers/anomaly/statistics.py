"""Intervals and tests, all exact or distribution-free, in the standard library's terms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from statistics import NormalDist
from typing import Final

from handlers.sketch import ALPHA, quantiles_us

_MANY: Final = 100
"""From so many expected above a quantile on, the binomial distribution is taken as normal."""


def z_of(confidence: float) -> float:
    """The one-sided standard normal quantile of a confidence in (0.5, 1)."""
    return NormalDist().inv_cdf(confidence)


def log_median(bins: dict[int, int], z: float) -> tuple[float, float]:
    """Median in microseconds and the standard error of its logarithm.

    From the order statistics around the median (Conover, Practical Nonparametric Statistics, 3.2), so that
    no distribution is assumed; as many lie below the lower one as above the upper one. The sketch adds what
    it can be off by itself, up to ALPHA in either direction, each as likely.
    """
    count = sum(bins.values())
    below = max(0, math.floor((count - 1) * (0.5 - z / (2 * math.sqrt(count)))))
    last = max(1, count - 1)
    # Half a rank more than the one that is meant, so that rounding cannot lead to the one before.
    quantiles = ((below + 0.5) / last, 0.5, (count - below - 0.5) / last)
    low_us, median_us, high_us = quantiles_us(bins, quantiles)
    spread = math.log(max(high_us, 1.0) / max(low_us, 1.0)) / (2 * z)
    return median_us, math.hypot(spread, ALPHA / math.sqrt(3))


def quantile_bounds(bins: dict[int, int], quantile: float, error: float) -> tuple[float, float, float]:
    """Lower bound, value and upper bound of a quantile in the upper half, in microseconds.

    Each bound is wrong with a probability of at most `error`. From the order statistics whose ranks the
    binomial distribution gives (Conover, Practical Nonparametric Statistics, 3.2), so that no distribution
    of the durations is assumed. The upper bound is infinite where even the longest duration may lie below
    the quantile; the lower one is 0 where even the shortest may lie above it.
    """
    count = sum(bins.values())
    fewest, most = _binomial_range(count, 1 - quantile, error)
    last = max(1, count - 1)
    low, value, high = quantiles_us(
        bins, ((count - 0.5 - most) / last, quantile, min(1.0, (count + 0.5 - fewest) / last))
    )
    return (low if most < count else 0.0, value, high if fewest else math.inf)


def _binomial_range(count: int, share: float, error: float) -> tuple[int, int]:
    """(least, most): fewer than the one, or more than the other, are found with at most `error` each."""
    mean = count * share
    if mean >= _MANY:
        margin = z_of(1 - error) * math.sqrt(mean * (1 - share))
        return math.floor(mean - margin), min(count, math.ceil(mean + margin))
    at_most, fewest, most = 0.0, 0, 0
    for hits in range(count + 1):
        log = _log_choose(count, hits) + hits * math.log(share) + (count - hits) * math.log1p(-share)
        at_most += math.exp(log)
        fewest += at_most <= error
        most = hits
        if 1 - at_most <= error:
            break
    return fewest, most


def clumps(hits: int, of: int, base_of: int) -> float:
    """How many spans like this one were looked at in the time of the reference, with each hit anew.

    By so much a chance grows when it is asked of every span, all day (Poisson clumping, Aldous 1989).
    """
    return 1 + max(0.0, base_of / max(1, of) - 1) * max(1, hits)


def fisher_greater(hits: int, of: int, base_hits: int, base_of: int) -> float:
    """Probability of at least `hits` of `of`, were both rates equal (Fisher's exact test, one-sided)."""
    total, marked = of + base_of, hits + base_hits
    most = min(of, marked)
    logs = [_log_choose(of, k) + _log_choose(base_of, marked - k) for k in range(hits, most + 1)]
    return min(1.0, sum(math.exp(log - _log_choose(total, marked)) for log in logs))


def binomial_greater(hits: int, of: int, share: float) -> float:
    """Probability of at least `hits` of `of`, each with the probability `share` in (0, 1)."""
    if hits <= 0:
        return 1.0
    total, log_odds = 0.0, (math.log(share), math.log1p(-share))
    for k in range(hits, of + 1):
        term = math.exp(_log_choose(of, k) + k * log_odds[0] + (of - k) * log_odds[1])
        total += term
        if k > of * share and term < total * 1e-17:  # they only become smaller
            break
    return min(1.0, total)


def poisson_less(count: int, mean: float) -> float:
    """Probability of at most `count`, where `mean` are expected."""
    term = total = math.exp(-mean)
    for k in range(1, count + 1):
        term *= mean / k
        total += term
    return min(1.0, total)


def mann_kendall_greater(values: Sequence[float]) -> float:
    """Probability of a trend upwards as clear as this one, were the order chance (Mann-Kendall, one-sided).

    Exact, from the number of orders with so many rising pairs. Equal values are taken as falling.
    """
    rising = sum(later > value for i, value in enumerate(values) for later in values[i + 1 :])
    orders = [1]
    for size in range(2, len(values) + 1):
        sums = [0, *accumulate(orders)]
        last = len(orders)
        orders = [sums[min(k + 1, last)] - sums[max(0, k - size + 1)] for k in range(last + size - 1)]
    return sum(orders[rising:]) / math.factorial(len(values))


def _log_choose(n: int, k: int) -> float:
    if not 0 <= k <= n:
        return -math.inf
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def wilson_interval(hits: int, of: int, z: float) -> tuple[float, float]:
    """Confidence interval of a share (Wilson 1927); (0, 1) where nothing was seen."""
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    centre = share + z * z / (2 * of)
    margin = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return max(0.0, (centre - margin) / scale), min(1.0, (centre + margin) / scale)


def poisson_interval(count: int, confidence: float) -> tuple[float, float]:
    """Confidence interval of the mean of a count (Byar's approximation: Breslow, Day 1987, 2.3)."""
    z = z_of((1 + confidence) / 2)

    def bound(hits: int, z: float) -> float:
        return hits * (1 - 1 / (9 * hits) + z / (3 * math.sqrt(hits))) ** 3 if hits else 0.0

    return max(0.0, bound(count, -z)), bound(count + 1, z)
