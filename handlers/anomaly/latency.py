"""Is a handler slower than expected: in the median, or in the tail of its durations?

Both verdicts are pure functions of two statistics and the limits, so that they can be replayed.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from config.settings import Detect
from handlers.anomaly.statistics import fisher_greater, log_median, quantile_bounds, z_of
from handlers.model import BeatStats
from handlers.sketch import quantile_us, quantiles_us, value_us

TAILS: Final = (0.95, 0.99, 0.9, 0.75)
"""Quantiles of the tail, the one that is told first in front. The lower ones need fewer samples."""
MODE_STRICTNESS: Final = 100
"""So many times as rarely as the limit allows may two modes of the durations pass for a slower median."""
TAIL_STRICTNESS: Final = 1000
"""So many times as rarely as a median may a tail be told by chance. Several are looked at, and where the
limit lies between two modes of the durations nothing else protects a verdict that is repeated all day."""


class Slow(msgspec.Struct, frozen=True):
    """A verdict, with all figures that led to it. Those of a tail are of its quantile."""

    kind: str
    quantile: float
    actual_ms: float
    expected_ms: float
    limit_ms: float
    interval_ms: tuple[float, float]
    expected_from: str
    current: BeatStats
    reference_samples: int
    since_ms: int = 0
    """When it began, where the verdict itself tells it."""


def judge_latency(
    current: BeatStats, reference: BeatStats, fixed_ms: float | None, limits: Detect
) -> Slow | None:
    """The median is judged first, by the operator's figure `fixed_ms` if there is one; then the tail.

    With an operator's figure, which says what is normal, the learned tail has no say.
    """
    samples, known = sum(current.bins.values()), sum(reference.bins.values())
    if samples < limits.min_samples or (fixed_ms is None and known < limits.min_samples):
        return None
    slow = _slow_median(current, reference, fixed_ms, limits)
    return slow if slow is not None or fixed_ms is not None else _slow_tail(current, reference, limits)


def _slow_median(
    current: BeatStats, reference: BeatStats, fixed_ms: float | None, limits: Detect
) -> Slow | None:
    z = z_of(limits.confidence)
    actual_us, error = log_median(current.bins, z)
    if fixed_ms is not None:
        expected_us, expected_error, noise = fixed_ms * 1000, 0.0, 0.0
    else:
        expected_us, expected_error = log_median(reference.bins, z)
        noise = limits.run_noise
    expected_us = max(expected_us, 1.0)
    margin = z * math.sqrt(error**2 + expected_error**2 + noise**2)
    if not beats(actual_us, expected_us, margin, limits):
        return None
    limit_us = expected_us * (1 + limits.over_expected)
    error_of_modes = (1 - limits.confidence) / MODE_STRICTNESS
    # Of durations with two modes a median in between leaps although nothing changed.
    beyond_us = limit_us * math.exp(z * noise)
    if fixed_ms is None and chance_beyond(current, reference, beyond_us) > error_of_modes:
        return None
    return Slow(
        kind="slow",
        quantile=0.5,
        actual_ms=actual_us / 1000,
        expected_ms=expected_us / 1000,
        limit_ms=limit_us / 1000,
        interval_ms=(actual_us / 1000 * math.exp(-margin), actual_us / 1000 * math.exp(margin)),
        expected_from="settings" if fixed_ms is not None else "baseline",
        current=current,
        reference_samples=sum(reference.bins.values()),
    )


def beats(actual_us: float, expected_us: float, margin: float, limits: Detect) -> bool:
    """Whether a duration is over the expected one by more than limit and noise, and by enough to matter."""
    over = math.log(max(actual_us / expected_us, 1e-9)) - margin > math.log(1 + limits.over_expected)
    return over and actual_us - expected_us >= limits.min_added_ms * 1000


def _slow_tail(current: BeatStats, reference: BeatStats, limits: Detect) -> Slow | None:
    """Do more executions than usual take longer than usual, both by more than the limit?

    Counted are the executions beyond the usual quantile, the limit and the noise, on both sides: Fisher's
    exact test assumes no distribution of the durations, and needs fewer samples than an interval for each
    of two quantiles. What a rise of the median explains is no matter of the tail.
    """
    error = (1 - limits.confidence) / TAIL_STRICTNESS
    noise = math.exp(z_of(1 - error) * limits.run_noise)
    median_us, *actuals_us = quantiles_us(current.bins, (0.5, *TAILS))
    usual_median_us, *usuals_us = (max(each, 1.0) for each in quantiles_us(reference.bins, (0.5, *TAILS)))
    growth = max(1.0, median_us / usual_median_us)
    samples, known = sum(current.bins.values()), sum(reference.bins.values())
    for quantile, actual_us, usual_us in zip(TAILS, actuals_us, usuals_us, strict=True):
        expected_us = usual_us * growth
        limit_us = max(expected_us * (1 + limits.over_expected), expected_us + limits.min_added_ms * 1000)
        if samples * (1 - quantile) < 1 or actual_us <= limit_us * noise:
            continue
        beyond, usual = (_count_over(each, limit_us * noise) for each in (current, reference))
        if beyond / samples <= (usual + 1) / (known + 1) * (1 + limits.over_expected):
            continue
        if chance_beyond(current, reference, limit_us * noise) > error:
            continue
        low_us, _, high_us = quantile_bounds(current.bins, quantile, 1 - limits.confidence)
        if high_us == math.inf:  # too few samples for an upper bound: the longest one that was seen
            high_us = quantile_us(current.bins, 1.0)
        return Slow(
            kind="slow-tail",
            quantile=quantile,
            actual_ms=actual_us / 1000,
            expected_ms=expected_us / 1000,
            limit_ms=limit_us / 1000,
            interval_ms=(low_us / 1000, high_us / 1000),
            expected_from="baseline",
            current=current,
            reference_samples=known,
        )
    return None


def chance_beyond(current: BeatStats, reference: BeatStats, limit_us: float) -> float:
    """How probably so many executions take longer than `limit_us`, were both sides alike.

    The reference, which set the limit, counts as if it held one more: what set it is no chance sample.
    """
    beyond, usual = _count_over(current, limit_us), _count_over(reference, limit_us) + 1
    return fisher_greater(beyond, sum(current.bins.values()), usual, sum(reference.bins.values()) + 1)


def _count_over(stats: BeatStats, limit_us: float) -> int:
    return sum(count for index, count in stats.bins.items() if value_us(index) > limit_us)
