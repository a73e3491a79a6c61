"""A few executions of one handler that take longer than any known one, by far.

Of so few, a test on the handler alone proves little: three of forty, none of sixty before, is a chance of one
in twenty. How far they stray says more. What makes single executions of a healthy program long (a collected
heap, a busy machine) makes those of all handlers long, so the others tell how rarely it comes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

from config.settings import Detect
from handlers.anomaly.latency import TAILS, Rigour, Slow, slow_tail
from handlers.anomaly.statistics import binomial_greater, fisher_greater, z_of
from handlers.model import BeatStats
from handlers.sketch import quantile_us, value_us

LEAST: Final = 3
"""Fewer are what happens once."""
OWN_ERROR: Final = 0.05
"""How probably, at most, all of them fall on the current side by chance, by the handler alone."""


def judge_rare_tail(
    current: BeatStats, reference: BeatStats, others: Iterable[BeatStats], limits: Detect, rigour: Rigour
) -> Slow | None:
    """Are some executions beyond all of the reference, by more than limit and noise, as others rarely are?

    `others`: executions of other handlers, of both sides. One of them strays as far if it is longer than its
    own median by as many milliseconds, or by as large a factor, as the nearest of those in question.
    """
    samples, known = sum(current.bins.values()), sum(reference.bins.values())
    if min(samples, known) < limits.min_samples:
        return None
    error = (1 - limits.confidence) / rigour.tails
    longest_us = quantile_us(reference.bins, 1.0)
    noise = math.exp(z_of(1 - error) * limits.run_noise)
    limit_us = max(longest_us * (1 + limits.over_expected), longest_us + limits.min_added_ms * 1000) * noise
    far = {value_us(index): count for index, count in current.bins.items() if value_us(index) > limit_us}
    hits = sum(far.values())
    if hits < LEAST or fisher_greater(hits, samples, 0, known) > OWN_ERROR:
        return None
    quantile = next((each for each in TAILS if (1 - each) * samples <= hits), None)
    if quantile is None:
        return None
    strays, of = _strays(others, min(far), max(quantile_us(reference.bins, 0.5), 1.0))
    if binomial_greater(hits, samples, (strays + 1) / (of + 2)) > error:
        return None
    expected_us = max(quantile_us(reference.bins, quantile), 1.0)
    actual_us = quantile_us(current.bins, quantile)
    limit_us = expected_us * (1 + limits.over_expected)
    return slow_tail(current, known, quantile, (actual_us, expected_us, limit_us), limits)


def _strays(others: Iterable[BeatStats], nearest_us: float, median_us: float) -> tuple[int, int]:
    """How many executions of others stray as far, of how many."""
    strays = of = 0
    for excess_us, times, count in _excesses(others):
        of += count
        strays += count if excess_us >= nearest_us - median_us or times >= nearest_us / median_us else 0
    return strays, of


def _excesses(others: Iterable[BeatStats]) -> Iterator[tuple[float, float, int]]:
    """(how much over the median in microseconds, how many times the median, of how many executions)."""
    for stats in others:
        if stats.bins:
            median_us = max(quantile_us(stats.bins, 0.5), 1.0)
            for index, count in stats.bins.items():
                yield value_us(index) - median_us, value_us(index) / median_us, count
