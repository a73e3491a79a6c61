"""Adds durations to the statistics of a beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handlers.metrics import EXAMPLES, slowest_of
from handlers.model import BeatStats, Origin
from handlers.sketch import add_sorted, bin_of


def add_duration(stats: BeatStats, duration_us: int | None, origin: Callable[[], Origin]) -> None:
    """Adds one, if it is known; `origin` tells where it comes from."""
    if duration_us is None:
        return
    stats.total_us += duration_us
    stats.max_us = max(stats.max_us, duration_us)
    where = bin_of(duration_us)
    stats.bins[where] = stats.bins.get(where, 0) + 1
    if len(stats.slowest) < EXAMPLES or duration_us >= stats.slowest[-1][0]:
        stats.slowest = slowest_of((*stats.slowest, (duration_us, origin())))


def add_durations(
    stats: BeatStats, durations_us: Sequence[int | None], origin: Callable[[int], Origin]
) -> None:
    """Adds durations of one beat; `origin` tells where the one at a position comes from."""
    ordered_us = sorted([us for us in durations_us if us is not None])
    if not ordered_us:
        return
    stats.total_us += sum(ordered_us)
    stats.max_us = max(stats.max_us, ordered_us[-1])
    add_sorted(stats.bins, ordered_us)
    least_us = ordered_us[-EXAMPLES:][0]
    if len(stats.slowest) == EXAMPLES:
        least_us = max(least_us, stats.slowest[-1][0])
    if ordered_us[-1] >= least_us:
        slow = [(us, origin(at)) for at, us in enumerate(durations_us) if us is not None and us >= least_us]
        stats.slowest = slowest_of((*stats.slowest, *slow))
