"""What is known of performance beyond the reference: tails, slow changes, and how often what runs.

The records are small, of bounded size, and stored beside the baseline.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TypeVar

import msgspec

from handlers.anomaly.activity import Activity, unit_key
from handlers.anomaly.drift import Drift
from handlers.anomaly.tail_block import TailBlock
from handlers.model import BeatKey

R = TypeVar("R", bound=msgspec.Struct)


class LongTerm(msgspec.Struct):
    """Of one beat."""

    tail: TailBlock = msgspec.field(default_factory=TailBlock)
    drift: Drift = msgspec.field(default_factory=Drift)
    last_ms: int = 0
    """Start of the last window in which it ran."""


class PerformanceMemory(msgspec.Struct):
    beats: dict[BeatKey, LongTerm] = {}
    activity: Activity = msgspec.field(default_factory=Activity)


def without(memory: PerformanceMemory, subjects: AbstractSet[BeatKey]) -> PerformanceMemory:
    """Of these beats, and of the sequences to which they belong, everything is learned anew.

    Returns the given beats alone.
    """
    units = {unit_key(sequence, event) for sequence, event in subjects}
    units |= {unit_key(sequence, "") for sequence, _ in subjects if sequence}
    rates = copied(memory.activity)
    rates.units = {key: unit for key, unit in rates.units.items() if key not in units}
    return PerformanceMemory({key: LongTerm() for key in subjects if key in memory.beats}, rates)


def copied(record: R) -> R:
    """A copy that shares nothing; many times as fast as copy.deepcopy."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=type(record))
