"""Many executions of a handler taken together: what happens to one in twenty shows in no short span."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from handlers.anomaly.latency import Slow, chance_beyond
from handlers.metrics import add_beats
from handlers.model import BeatStats

BLOCK: Final = 40
"""Samples of a block, in those of the shortest span that is judged."""


class TailBlock(msgspec.Struct):
    """The block that fills, the one before it, and all healthy ones. Of bounded size."""

    reference: BeatStats = msgspec.field(default_factory=BeatStats)
    """Blocks on which no verdict fell."""
    filling: BeatStats = msgspec.field(default_factory=BeatStats)
    filling_since_ms: int = 0
    faulty: BeatStats | None = None
    """The block before the one that fills, if its tail was slow."""
    since_ms: int = 0
    """When the first faulty block of this stretch began."""


def take_window(
    block: TailBlock,
    start_ms: int,
    stats: BeatStats,
    min_samples: int,
    judge: Callable[[BeatStats, BeatStats], Slow | None],
) -> None:
    """Adds a window; when the block is full, it is judged, and learned if it is healthy."""
    if not block.filling.bins:
        block.filling_since_ms = start_ms
    add_beats(block.filling, stats)
    if sum(block.filling.bins.values()) < BLOCK * min_samples:
        return
    slow = judge(block.filling, block.reference) if block.reference.bins else None
    if slow is not None and slow.kind == "slow-tail":
        block.since_ms = block.since_ms if block.faulty is not None else block.filling_since_ms
        block.faulty = block.filling
    else:
        block.faulty = None
        if slow is None:
            add_beats(block.reference, block.filling)
    block.filling = BeatStats()


def is_over(block: TailBlock, slow: Slow, confidence: float) -> bool:
    """Whether what fills the next block has clearly fewer executions beyond the limit than the faulty one.

    A fault of two minutes would otherwise be told until another whole block is full.
    """
    if block.faulty is None:
        return True
    return chance_beyond(block.faulty, block.filling, slow.limit_ms * 1000) <= 1 - confidence
