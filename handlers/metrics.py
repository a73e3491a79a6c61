"""Adding up telemetry. All sums are exact and commutative: order and grouping change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from handlers.model import BeatStats, ErrorStats, Origin, RunStats, VariantStats, Window
from handlers.sketch import add_bins

EXAMPLES: Final = 3
"""Origins kept of whatever proves something: enough to look at, small enough to store."""
MAX_VARIANTS: Final = 64
"""Paths kept per sequence and window; more are counted together under `OTHER_VARIANT`."""
OTHER_VARIANT: Final = "…"


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
        add_variant(into, path, stats.runs, stats.examples)


def add_variant(into: RunStats, path: str, runs: int, examples: tuple[Origin, ...]) -> None:
    """Counts runs that took `path`."""
    if path not in into.variants and len(into.variants) >= MAX_VARIANTS:
        path = OTHER_VARIANT
    variant = into.variants.setdefault(path, VariantStats())
    variant.runs += runs
    variant.examples = first_of(variant.examples + examples)


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
