"""Adds how long beats were waited for to the statistics of a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handlers.metrics import SHORT_WAIT_MS, add_wait, slowest_of
from handlers.model import Origin, RunStats, WaitStats
from handlers.sketch import ZERO_BIN, add_bins, bin_of


def add_waits(stats: RunStats, event: str, waits_ms: Sequence[int], origin: Callable[[int], Origin]) -> None:
    """Adds waits for the beat of `event`. A short one is none, as is one below 0, of a beat that overlaps.

    `origin` tells where the one at a position comes from.
    """
    if max(waits_ms) < SHORT_WAIT_MS:
        known = stats.waits.get(event)
        if known is not None:
            known.bins[ZERO_BIN] = known.bins.get(ZERO_BIN, 0) + len(waits_ms)
        else:
            add_wait(stats, event, WaitStats({ZERO_BIN: len(waits_ms)}))
        return
    bins: dict[int, int] = {}
    long: list[tuple[int, Origin]] = []
    for at, wait_ms in enumerate(waits_ms):
        if wait_ms >= SHORT_WAIT_MS:
            long.append((wait_ms * 1000, origin(at)))
        add_bins(bins, {bin_of(wait_ms * 1000) if wait_ms >= SHORT_WAIT_MS else ZERO_BIN: 1})
    add_wait(stats, event, WaitStats(bins, slowest_of(long)))
