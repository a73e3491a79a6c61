"""What is counted: beats, runs and errors in windows of event time."""

from __future__ import annotations

from typing import Literal

import msgspec

from handlers.model.events import Origin

BeatKey = tuple[str, str]
"""(sequence id, event): event names are shared between sequences, so neither alone is an identity."""
ErrorKey = tuple[str, str, str, str]
"""(sequence id, event, error type, message template)."""


class BeatStats(msgspec.Struct):
    """What a span of time saw of one beat. `handlers.metrics.add_beats` adds two."""

    plugin: str = ""
    handler: str = ""
    started: int = 0
    completed: int = 0
    """Completed, failed ones included."""
    failed: int = 0
    total_us: int = 0
    """Sum of the durations in `bins` (failed beats are in neither)."""
    max_us: int = 0
    bins: dict[int, int] = {}
    """DDSketch of the durations: bin index -> count, see `handlers.sketch`."""
    slowest: tuple[tuple[int, Origin], ...] = ()
    """The slowest few as (duration_us, origin), slowest first."""


class VariantStats(msgspec.Struct):
    """How many runs took the same path, and the first few of them."""

    runs: int = 0
    examples: tuple[Origin, ...] = ()


class RunStats(msgspec.Struct):
    """What a span of time saw of one sequence. A run belongs to the window in which it ended."""

    completed: int = 0
    failed: int = 0
    unfinished: int = 0
    """Given up: a restart, or silence for longer than the run timeout."""
    total_us: int = 0
    bins: dict[int, int] = {}
    variants: dict[str, VariantStats] = {}
    """Completed runs by path: events in order of start, joined by a tab."""


class ErrorStats(msgspec.Struct):
    """What a span of time saw of one error group."""

    plugin: str = ""
    handler: str = ""
    frame: str = ""
    count: int = 0
    examples: tuple[Origin, ...] = ()


class Window(msgspec.Struct):
    """All that happened from `start_ms` until the next window starts, in event time."""

    start_ms: int
    beats: dict[BeatKey, BeatStats] = {}
    runs: dict[str, RunStats] = {}
    errors: dict[ErrorKey, ErrorStats] = {}
    lossy: bool = False
    """Lines of this span were lost: it is no evidence for or against anything."""


class Mark(msgspec.Struct, frozen=True, order=True):
    """Something that happened to a watched program: what changed about then may be its cause."""

    at_ms: int
    stream: str
    kind: Literal["restarted"]


class TelemetryMetrics(msgspec.Struct, frozen=True):
    """Windows by start, each `window_ms` long."""

    window_ms: int
    windows: dict[int, Window]
