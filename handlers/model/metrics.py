"""What is counted: beats, runs and errors in windows of event time."""

from __future__ import annotations

from typing import Literal

import msgspec

from handlers.model.events import Origin

BeatKey = tuple[str, str]
"""(sequence id, event): event names are shared between sequences, so neither alone is an identity."""
ErrorKey = tuple[str, str, str, str, str]
"""(sequence id, event, error type, message template, site): see `ErrorText.site`. In a window the template is
the name of its group as it was when the window was counted."""


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


class SequenceModel(msgspec.Struct):
    """What runs of one sequence looked like. `handlers.sequence_model.merge` adds two."""

    runs: int = 0
    trigrams: dict[str, int] = {}
    """Three neighbours joined by tabs, a start or an end mark where a run has none -> how often."""
    shares: dict[str, int] = {}
    """The same -> what part of its run each was, summed, in millionths: an error is likelier at any one place
    of a short run than of a long one."""
    counts: dict[str, dict[int, int]] = {}
    """Event -> how often it occurs in a run (in steps, see `handlers.sequence_model`) -> runs. The other runs
    are without it."""
    profiles: dict[str, int] = {}
    """All events of a run with how often each occurs, in one text -> runs."""
    dropped: int = 0
    """Triples and profiles for which there was no room, with repetitions."""


class VariantStats(msgspec.Struct):
    """How many runs did the same, and the first few of them."""

    runs: int = 0
    examples: tuple[Origin, ...] = ()
    disturbed: int = 0
    """Of them, runs in which a beat failed, or that the beginning or the end of the log may have cut: they
    prove no beat missing, extra or repeated."""


class WaitStats(msgspec.Struct):
    """How long a beat came after the end of the one before it, its own duration not included."""

    bins: dict[int, int] = {}
    """DDSketch, as that of the durations; waits too short to be one are 0."""
    longest: tuple[tuple[int, Origin], ...] = ()
    """The longest few as (wait_us, origin), longest first."""


class RunStats(msgspec.Struct):
    """What a span of time saw of one sequence. A run belongs to the window in which it ended."""

    completed: int = 0
    failed: int = 0
    unfinished: int = 0
    """Given up: a restart, or silence for longer than the run timeout."""
    total_us: int = 0
    bins: dict[int, int] = {}
    variants: dict[str, VariantStats] = {}
    """Completed runs by path: events in order of start, joined by a tab. Only the first few paths."""
    rest: SequenceModel | None = None
    """What the runs of all other paths looked like."""
    stops: dict[str, VariantStats] = {}
    """Runs that fell silent without an error, by the place where they did, see `handlers.metrics.Stop`."""
    waits: dict[str, WaitStats] = {}
    """By the event of the beat that was waited for, in the window in which it was completed."""


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
    """Something that happened to a watched program, or to how it is judged: what is seen since then may come
    from it."""

    at_ms: int
    stream: str
    """Of the log that tells it; "" for what no log tells."""
    kind: Literal["restarted", "version", "settings", "definition"]
    about: str = ""
    """Of a version the program, "" where the log does not name it; of settings the key; of a definition the
    sequence."""
    before: str = ""
    """The version or value until then; "" where there was none."""
    after: str = ""
    """The one since then; "" where there is none any more."""


class TelemetryMetrics(msgspec.Struct, frozen=True):
    """Windows by start, each `window_ms` long."""

    window_ms: int
    windows: dict[int, Window]
