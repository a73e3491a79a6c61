"""Adds how long beats were waited for to the statistics of a sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from handlers.metrics import EXAMPLES, add_wait, slowest_of
from handlers.model import Origin, RunStats, WaitStats
from handlers.sketch import add_bins, bin_of


def add_wait_ms(stats: RunStats, event: str, wait_ms: int, origin: Callable[[], Origin]) -> None:
    """Adds one wait, as `add_waits` adds several."""
    wait_us = max(0, wait_ms) * 1000
    known = stats.waits.get(event)
    longest = known.longest if known is not None else ()
    is_long = wait_us > 0 and (len(longest) < EXAMPLES or wait_us >= longest[-1][0])
    add_wait(stats, event, WaitStats({bin_of(wait_us): 1}, ((wait_us, origin()),) if is_long else ()))


def add_waits(stats: RunStats, event: str, waits_ms: Sequence[int], origin: Callable[[int], Origin]) -> None:
    """Adds waits for the beat of `event`; one below 0, of a beat that overlaps another, is none.

    `origin` tells where the one at a position comes from.
    """
    bins: dict[int, int] = {}
    for wait_ms, count in Counter(waits_ms).items():
        add_bins(bins, {bin_of(max(0, wait_ms) * 1000): count})
    known = stats.waits.get(event)
    least_ms = sorted(waits_ms)[-EXAMPLES:][0]
    if known is not None and len(known.longest) == EXAMPLES:
        least_ms = max(least_ms, known.longest[-1][0] // 1000)
    longest = [(ms * 1000, origin(at)) for at, ms in enumerate(waits_ms) if ms >= max(least_ms, 1)]
    add_wait(stats, event, WaitStats(bins, slowest_of(longest)))
