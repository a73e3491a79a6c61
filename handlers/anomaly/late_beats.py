"""Beats that come too long after the one before them."""

from __future__ import annotations

import math
from typing import Final

from config.settings import Detect
from handlers.anomaly.behavior import Behavior, Wait, usual_path
from handlers.anomaly.statistics import log_median, z_of
from handlers.metrics import OTHER_PLACE, SHORT_WAIT_MS
from handlers.model import RunStats
from handlers.sketch import bin_of, quantile_us

_RARE: Final = 0.95
"""What healthy runs wait at least so rarely is beyond their noise."""


def late_beats(current: RunStats, reference: RunStats, limits: Detect) -> tuple[Behavior, ...]:
    """Judges the median wait as the median duration of a handler is judged: it must be over the expected one
    by more than `over_expected` and `min_added_ms`, beyond the noise, and beyond what healthy runs rarely
    wait. A beat's own duration is not part of it.
    """
    order = usual_path(reference)
    late = (_late(event, current, reference, order, limits) for event in sorted(current.waits))
    return tuple(each for each in late if each is not None)


def _late(
    event: str, current: RunStats, reference: RunStats, order: tuple[str, ...], limits: Detect
) -> Behavior | None:
    if event == OTHER_PLACE or event not in reference.waits:
        return None
    waits, bins, base = current.waits[event], current.waits[event].bins, reference.waits[event].bins
    samples, known = sum(bins.values()), sum(base.values())
    if min(samples, known) < limits.min_samples:
        return None
    z = z_of(limits.confidence)
    actual_us, error = log_median(bins, z)
    expected_us, expected_error = log_median(base, z)
    expected_us = max(expected_us, SHORT_WAIT_MS * 1000)
    margin = z * math.sqrt(error**2 + expected_error**2 + limits.run_noise**2)
    limit_us = expected_us * (1 + limits.over_expected)
    least_us = max(quantile_us(base, _RARE), expected_us + limits.min_added_ms * 1000)
    if actual_us * math.exp(-margin) <= limit_us or actual_us < least_us:
        return None
    wait = Wait(
        actual_us / 1000,
        expected_us / 1000,
        limit_us / 1000,
        (actual_us / 1000 * math.exp(-margin), actual_us / 1000 * math.exp(margin)),
    )
    number = f" {order.index(event) + 1}" if event in order else ""
    return Behavior(
        kind="too-late",
        says=(
            f"beat{number} ({event}) comes {wait.actual_ms:.1f} ms after the one before it (median), "
            f"expected at most {wait.expected_ms:.1f} ms; the limit is {wait.limit_ms:.1f} ms"
        ),
        events=(event,),
        runs=sum(count for index, count in bins.items() if index > bin_of(int(limit_us))),
        of=samples,
        base_runs=sum(count for index, count in base.items() if index > bin_of(int(limit_us))),
        base_of=known,
        confidence=limits.confidence,
        origins=tuple(origin for _, origin in waits.longest),
        expected=order,
        wait=wait,
    )
