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
from handlers.sketch import quantile_us, value_us

TAILS: Final = (0.95, 0.99, 0.9, 0.75)
"""Quantiles of the tail, the one that is told first in front. The lower ones need fewer samples."""


class Rigour(msgspec.Struct, frozen=True):
    """What a verdict must prove, by how often it is asked for. `detect.confidence` is that of one answer."""

    of_limit: float
    """The share of the limit that the lower bound of a median must be over."""
    medians: int
    """So many times as rarely as one answer may be wrong, may durations with two modes pass for a slower
    median."""
    tails: int
    """The same for a tail."""


REPEATED: Final = Rigour(1.0, 100, 1000)
"""Of windows that are judged again and again, each handler thousands of times a day."""


LEAST_HANDLERS: Final = 5
"""With fewer, nobody can tell a busy machine from a slow handler."""


def once(handlers: int) -> Rigour:
    """Of one comparison of so many handlers: the tails of all of them hold together (Bonferroni).

    The measured median must be over the limit, and its interval must exclude what is no change to speak of,
    half of the limit; that is rare by chance, so that each median may stand for itself. Nobody asks again, so
    that to pass over a faulty handler matters more here. With fewer than `LEAST_HANDLERS` the machine may
    account for the other half, too.
    """
    of_limit = 0.5 if handlers >= LEAST_HANDLERS else 1.0
    return Rigour(of_limit, 1, max(1, handlers) * len(TAILS))


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
    current: BeatStats,
    reference: BeatStats,
    fixed_ms: float | None,
    limits: Detect,
    rigour: Rigour = REPEATED,
) -> Slow | None:
    """The median is judged first, by the operator's figure `fixed_ms` if there is one; then the tail.

    With an operator's figure, which says what is normal, the learned tail has no say.
    """
    samples, known = sum(current.bins.values()), sum(reference.bins.values())
    if samples < limits.min_samples or (fixed_ms is None and known < limits.min_samples):
        return None
    slow = _slow_median(current, reference, fixed_ms, limits, rigour)
    if slow is not None or fixed_ms is not None:
        return slow
    return _slow_tail(current, reference, limits, rigour)


def _slow_median(
    current: BeatStats, reference: BeatStats, fixed_ms: float | None, limits: Detect, rigour: Rigour
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
    if not beats(actual_us, expected_us, margin, limits, rigour.of_limit):
        return None
    limit_us = expected_us * (1 + limits.over_expected)
    error_of_modes = (1 - limits.confidence) / rigour.medians
    # Of durations with two modes a median in between leaps although nothing changed.
    beyond_us = expected_us * (1 + limits.over_expected * rigour.of_limit) * math.exp(z * noise)
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


def beats(actual_us: float, expected_us: float, margin: float, limits: Detect, of_limit: float = 1.0) -> bool:
    """Is a duration over the limit, its lower bound over this share of the limit, and by enough to matter?"""
    growth = math.log(max(actual_us / expected_us, 1e-9))
    over = growth > math.log(1 + limits.over_expected)
    proven = growth - margin > math.log(1 + limits.over_expected * of_limit)
    return over and proven and actual_us - expected_us >= limits.min_added_ms * 1000


def _slow_tail(current: BeatStats, reference: BeatStats, limits: Detect, rigour: Rigour) -> Slow | None:
    """Do more executions than usual take longer than usual, both by more than the limit?

    Counted are the executions beyond the usual quantile, the limit and the noise, on both sides: Fisher's
    exact test assumes no distribution of the durations, and needs fewer samples than an interval for each
    of two quantiles. What a rise of the median explains is no matter of the tail.
    """
    error = (1 - limits.confidence) / rigour.tails
    noise = math.exp(z_of(1 - error) * limits.run_noise)
    medians_us = [max(quantile_us(stats.bins, 0.5), 1.0) for stats in (current, reference)]
    growth = max(1.0, medians_us[0] / medians_us[1])
    samples, known = sum(current.bins.values()), sum(reference.bins.values())
    for quantile in TAILS:
        expected_us = max(quantile_us(reference.bins, quantile), 1.0) * growth
        actual_us = quantile_us(current.bins, quantile)
        limit_us = max(expected_us * (1 + limits.over_expected), expected_us + limits.min_added_ms * 1000)
        if samples * (1 - quantile) < 1 or actual_us <= limit_us * noise:
            continue
        beyond, usual = (count_over(each, limit_us * noise) for each in (current, reference))
        if beyond / samples <= (usual + 1) / (known + 1) * (1 + limits.over_expected):
            continue
        if chance_beyond(current, reference, limit_us * noise) > error:
            continue
        return slow_tail(current, known, quantile, (actual_us, expected_us, limit_us), limits)
    return None


def slow_tail(
    current: BeatStats, known: int, quantile: float, figures_us: tuple[float, float, float], limits: Detect
) -> Slow:
    """The verdict, with (actual, expected, limit) of the quantile."""
    low_us, _, high_us = quantile_bounds(current.bins, quantile, 1 - limits.confidence)
    if high_us == math.inf:  # too few samples for an upper bound: the longest one that was seen
        high_us = quantile_us(current.bins, 1.0)
    actual_ms, expected_ms, limit_ms = (each / 1000 for each in figures_us)
    return Slow(
        kind="slow-tail",
        quantile=quantile,
        actual_ms=actual_ms,
        expected_ms=expected_ms,
        limit_ms=limit_ms,
        interval_ms=(low_us / 1000, high_us / 1000),
        expected_from="baseline",
        current=current,
        reference_samples=known,
    )


def chance_beyond(current: BeatStats, reference: BeatStats, limit_us: float) -> float:
    """How probably so many executions take longer than `limit_us`, were both sides alike.

    The reference, which set the limit, counts as if it held one more: what set it is no chance sample.
    """
    beyond, usual = count_over(current, limit_us), count_over(reference, limit_us) + 1
    return fisher_greater(beyond, sum(current.bins.values()), usual, sum(reference.bins.values()) + 1)


def count_over(stats: BeatStats, limit_us: float) -> int:
    return sum(count for index, count in stats.bins.items() if value_us(index) > limit_us)
