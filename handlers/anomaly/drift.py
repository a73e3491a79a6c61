"""Does a handler get slower so gradually that its reference learns it step by step?

The whole history is kept as the medians of a few dozen slices of equal numbers of executions; when there are
too many, two and two become one. The newest quarter is compared with the oldest, both by the faster ones of
their slices (the lower quartile), so that no swing that comes back is a drift: neither that of a day, once
the quarters cover days, nor an incident that is over.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import msgspec

from config.settings import Detect
from handlers.anomaly.latency import Slow, beats, chance_beyond
from handlers.anomaly.statistics import log_median, z_of
from handlers.model import BeatStats
from handlers.sketch import add_bins, quantile_us

MAX_SLICES: Final = 64
LEAST_SLICES: Final = 32
_HOUR_MS: Final = 3_600_000
FIRST_HOURS_MS: Final = 6 * _HOUR_MS
FIRST_DAYS_MS: Final = 4 * 24 * _HOUR_MS
"""Between these ages of a history, its quarters are other hours of a day, which may differ as usual."""


class Slice(msgspec.Struct, frozen=True, array_like=True):
    start_ms: int
    log_us: float
    """Logarithm of the median, in microseconds."""


class Anchor(msgspec.Struct, frozen=True):
    """How long a handler took at first."""

    log_us: float
    error: float
    """Standard error of `log_us`."""
    samples: int
    since_ms: int
    """When it last took as long as at first."""


class Drift(msgspec.Struct):
    """The history of one handler; of bounded size."""

    slice_samples: int = 0
    """0 before the first window."""
    open_bins: dict[int, int] = {}
    open_since_ms: int = 0
    slices: list[Slice] = []
    anchor: Anchor | None = None
    """What the drift that goes on is measured against; None while there is none."""


def take_window(drift: Drift, start_ms: int, bins: dict[int, int], limits: Detect) -> None:
    """Adds a window to the history; a full slice is judged."""
    if not bins:
        return
    drift.slice_samples = max(drift.slice_samples, limits.min_samples)
    if not drift.open_bins:
        drift.open_since_ms = start_ms
    add_bins(drift.open_bins, bins)
    if sum(drift.open_bins.values()) < drift.slice_samples:
        return
    drift.slices.append(Slice(drift.open_since_ms, math.log(max(quantile_us(drift.open_bins, 0.5), 1.0))))
    drift.open_bins = {}
    if len(drift.slices) == MAX_SLICES:
        pairs = [*pairwise(drift.slices)][::2]
        drift.slices = [Slice(one.start_ms, (one.log_us + other.log_us) / 2) for one, other in pairs]
        drift.slice_samples *= 2
    if drift.anchor is None:
        drift.anchor = _risen_from(drift.slices, drift.slice_samples, limits)
    elif not _is_over(drift.slices, drift.anchor, limits):
        drift.anchor = None


def _risen_from(slices: list[Slice], slice_samples: int, limits: Detect) -> Anchor | None:
    if len(slices) < LEAST_SLICES:
        return None
    if FIRST_HOURS_MS < slices[-1].start_ms - slices[0].start_ms < FIRST_DAYS_MS:
        return None
    quarter = len(slices) // 4
    low, error = _lower_quartile([each.log_us for each in slices[:quarter]])
    last_usual = max(each.start_ms for each in slices if each.log_us <= low)
    anchor = Anchor(low, error, quarter * slice_samples, last_usual)
    return anchor if _is_over(slices, anchor, limits) else None


def _lower_quartile(values: list[float]) -> tuple[float, float]:
    """With its standard error, from the values around it."""
    ordered = sorted(values)
    at = len(ordered) // 4
    around = max(1, at // 2)
    return ordered[at], (ordered[at + around] - ordered[at - around]) / 2


def _is_over(slices: list[Slice], anchor: Anchor, limits: Detect) -> bool:
    newest = slices[-(len(slices) // 4) :]
    log_us, error = _lower_quartile([each.log_us for each in newest])
    margin = z_of(limits.confidence) * math.sqrt(error**2 + anchor.error**2 + limits.run_noise**2)
    return beats(math.exp(log_us), math.exp(anchor.log_us), margin, limits)


def judge_drift(current: BeatStats, reference: BeatStats, anchor: Anchor, limits: Detect) -> Slow | None:
    """Is what is current still slower than at first, by more than limit and noise?

    And slower than the reference, which has learned a part of the drift: between two modes a median leaps
    although nothing changed. What lasts for so long that the reference is all of it has become normal.
    """
    samples = sum(current.bins.values())
    if samples < limits.min_samples:
        return None
    z = z_of(limits.confidence)
    actual_us, error = log_median(current.bins, z)
    expected_us = math.exp(anchor.log_us)
    margin = z * math.sqrt(error**2 + anchor.error**2 + limits.run_noise**2)
    if not beats(actual_us, expected_us, margin, limits):
        return None
    limit_us = expected_us * (1 + limits.over_expected)
    if chance_beyond(current, reference, limit_us) > 1 - limits.confidence:
        return None
    return Slow(
        kind="drift",
        quantile=0.5,
        actual_ms=actual_us / 1000,
        expected_ms=expected_us / 1000,
        limit_ms=limit_us / 1000,
        interval_ms=(actual_us / 1000 * math.exp(-margin), actual_us / 1000 * math.exp(margin)),
        expected_from="baseline",
        current=current,
        reference_samples=anchor.samples,
        since_ms=anchor.since_ms,
    )
