"""Adding up telemetry. All sums are exact and commutative: order and grouping change nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from handlers.model import (
    BeatStats,
    ErrorStats,
    Origin,
    RunStats,
    SequenceModel,
    VariantStats,
    WaitStats,
    Window,
)
from handlers.sequence_model import learn, merge
from handlers.sketch import add_bins

EXAMPLES: Final = 3
"""Origins kept of whatever proves something: enough to look at, small enough to store."""
MAX_VARIANTS: Final = 64
"""Paths kept per sequence and window; of runs that took others only `RunStats.rest` knows."""
MAX_PLACES: Final = 500
"""Places kept per sequence and window where runs stop or beats wait; more are counted under `OTHER_PLACE`."""
OTHER_PLACE: Final = "…"
SHORT_WAIT_MS: Final = 10
"""A shorter wait is the time slice of the machine or the millisecond of a timestamp, and counts as none."""


class Stop(msgspec.Struct, frozen=True, order=True):
    """Where a run fell silent: in a beat, or after one (the 0th before the first)."""

    number: int
    event: str
    is_inside: bool

    def __str__(self) -> str:
        """As in `RunStats.stops`."""
        return f"{'in' if self.is_inside else 'after'}\t{self.number}\t{self.event}"

    @classmethod
    def of(cls, text: str) -> Stop:
        """What `str` made; raises ValueError for anything else."""
        inside, number, event = text.split("\t", 2)
        return cls(int(number), event, inside == "in")


def slowest_of(pairs: Iterable[tuple[int, Origin]]) -> tuple[tuple[int, Origin], ...]:
    """The slowest few, slowest first; equal ones in order of their origin."""
    return tuple(sorted(pairs, key=lambda pair: (-pair[0], pair[1]))[:EXAMPLES])


def first_of(origins: Iterable[Origin]) -> tuple[Origin, ...]:
    """The first few in time."""
    return tuple(sorted(origins)[:EXAMPLES])


def add_beats(into: BeatStats, other: BeatStats) -> None:
    """Adds `other` to `into`."""
    into.plugin = into.plugin or other.plugin
    into.handler = into.handler or other.handler
    into.started += other.started
    into.completed += other.completed
    into.failed += other.failed
    into.total_us += other.total_us
    into.max_us = max(into.max_us, other.max_us)
    add_bins(into.bins, other.bins)
    into.slowest = slowest_of(into.slowest + other.slowest)


def add_runs(into: RunStats, other: RunStats) -> None:
    """Adds `other` to `into`."""
    into.completed += other.completed
    into.failed += other.failed
    into.unfinished += other.unfinished
    into.total_us += other.total_us
    add_bins(into.bins, other.bins)
    for path, stats in other.variants.items():
        add_variant(into, path, stats)
    if other.rest is not None:
        merge(_rest(into), other.rest)
    for place, stopped in other.stops.items():
        add_stop(into, place, stopped)
    for event, waits in other.waits.items():
        add_wait(into, event, waits)


def add_variant(into: RunStats, path: str, stats: VariantStats) -> None:
    """Counts runs that took `path`. Those for which there is no room are learned: none is forgotten."""
    if path in into.variants or len(into.variants) < MAX_VARIANTS:
        _add_same(into.variants.setdefault(path, VariantStats()), stats)
    else:
        learn(_rest(into), events_of(path), stats.runs)


def add_stop(into: RunStats, place: str, stats: VariantStats) -> None:
    """Counts runs that fell silent at `place`."""
    _add_same(into.stops.setdefault(_place(into.stops, place), VariantStats()), stats)


def add_wait(into: RunStats, event: str, stats: WaitStats) -> None:
    """Counts how long the beat of `event` was waited for."""
    waits = into.waits.setdefault(_place(into.waits, event), WaitStats())
    add_bins(waits.bins, stats.bins)
    if stats.longest:
        waits.longest = slowest_of(waits.longest + stats.longest)


def events_of(path: str) -> tuple[str, ...]:
    """The events of a path as text."""
    return tuple(path.split("\t")) if path else ()


def _rest(stats: RunStats) -> SequenceModel:
    stats.rest = stats.rest or SequenceModel()
    return stats.rest


def _place(known: Collection[str], place: str) -> str:
    return place if place in known or len(known) < MAX_PLACES else OTHER_PLACE


def _add_same(into: VariantStats, other: VariantStats) -> None:
    into.runs += other.runs
    into.disturbed += other.disturbed
    into.examples = first_of(into.examples + other.examples)


def add_errors(into: ErrorStats, other: ErrorStats) -> None:
    """Adds `other` to `into`."""
    into.plugin = into.plugin or other.plugin
    into.handler = into.handler or other.handler
    into.frame = into.frame or other.frame
    into.count += other.count
    into.examples = first_of(into.examples + other.examples)


def add_window(into: Window, other: Window) -> None:
    """Adds `other` to `into`, whose start it keeps."""
    for beat_key, beat in other.beats.items():
        add_beats(into.beats.setdefault(beat_key, BeatStats()), beat)
    for sequence, run in other.runs.items():
        add_runs(into.runs.setdefault(sequence, RunStats()), run)
    for error_key, error in other.errors.items():
        add_errors(into.errors.setdefault(error_key, ErrorStats()), error)


def merged(windows: Iterable[Window], start_ms: int) -> Window:
    """One window that holds all that the given ones hold."""
    total = Window(start_ms)
    for window in windows:
        add_window(total, window)
    return total
