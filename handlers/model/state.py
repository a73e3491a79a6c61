"""What reading a stream carries from one commit to the next."""

from __future__ import annotations

import msgspec

from handlers.model.events import ErrorText, Origin, Subject


class OpenError(msgspec.Struct):
    """An error whose stack trace may go on in the next block, or in the next file of its stream."""

    source: int
    offset: int
    time: str | float | None
    sequence: str
    run: str
    event: str
    beat: int
    plugin: str
    handler: str
    type: str
    message: str
    frames: list[str] = []


class WaitingEvent(msgspec.Struct, frozen=True):
    """An event that cannot be told yet."""

    subject: Subject
    source: int
    offset: int
    time: float
    duration_ms: float | None = None
    error: ErrorText | None = None


class OpenTrace(msgspec.Struct):
    """A trace of spans, which arrive in any order: its root span, which names the sequence, comes last."""

    last_ns: int
    """When its latest span ended, since the epoch."""
    sequence: str = ""
    """Name of the root span; "" until it is known."""
    waiting: list[WaitingEvent] = []
    """What is told when the root span is known."""


class ParserState(msgspec.Struct):
    """What a parser carries from one block to the next. It is stored in the same commit as the offset.

    One type for all formats, so that a stream whose format changes goes on with what is known.
    """

    run: str = ""
    """Request id of the running sequence."""
    sequence: str = ""
    beat: int = 0
    event: str = ""
    """Event of the open beat; "" between two beats."""
    closed: tuple[int, str] = (0, "")
    """(number, event) of the beat that was completed last: a second report of it is the same beat."""
    duration_ms: float | None = None
    """A duration that was printed before its event was known."""
    handler: str = ""
    """Of the open beat, where its lines have told it."""
    handlers: dict[str, str] = {}
    """What earlier beats told: handlers by "sequence<TAB>event"."""
    started_time: str | float | None = None
    """Of the open beat."""
    started_offset: int = 0
    beat_failed: bool = False
    run_failed: bool = False
    stamped: bool = False
    """The lines have timestamps."""
    time: float | None = None
    """Seconds since the epoch, kept only for logs without timestamps."""
    error: OpenError | None = None
    traces: dict[str, OpenTrace] = {}
    """By trace id, the one first seen first; only for formats of spans."""


def waiting_sources(state: ParserState) -> set[int]:
    """The sources of what waits for further lines: their files may be read to the end, or gone."""
    sources = {event.source for trace in state.traces.values() for event in trace.waiting}
    return sources if state.error is None else sources | {state.error.source}


class NameBook(msgspec.Struct):
    """What a stream's registration lines said: sequence ids by name, plug-ins by sequence id and event."""

    sequence_ids: dict[str, str] = {}
    plugins: dict[str, str] = {}
    """By "sequence id<TAB>event"."""


class OpenRun(msgspec.Struct, omit_defaults=True):
    """A run that has not ended yet. Once it was committed it is not changed any more, but replaced."""

    sequence: str
    started: Origin
    last_ms: int
    announced: bool
    """A run-started line was seen: the path is complete from its first beat on."""
    path: list[str] = []
    """Events of the beats in order of start."""
    open: list[str] = []
    """Events of the beats that have started and not completed."""
    completed_ms: int | None = None
    """When a beat was completed last, or when the run was announced."""
    disturbed: bool = False
    """A beat failed, or the log begins here and may have cut beats off: see `VariantStats`."""


class OpenLoss(msgspec.Struct, frozen=True):
    """Lines of a stream are lost, and what that spoils has not ended yet."""

    since_ms: int
    """Time of the last event before it; 0 if there was none."""
    until_ms: int = 0
    """End of the windows around it, 0 while no event followed. Runs that began before are spoiled."""


class StreamState(msgspec.Struct):
    """All that reading a stream carries from one commit to the next."""

    parser: ParserState
    names: NameBook
    runs: dict[str, OpenRun] = {}
    watermark_ms: int = 0
    """Latest event time seen."""
    format: str = ""
    """Name of the log format that was read last: that of a next file whose head tells nothing."""
    loss: OpenLoss | None = None


class Consumed(msgspec.Struct, frozen=True):
    """How far a file was read in a commit and what the lines were."""

    source: int
    stream: str
    format: str
    end_offset: int
    lines: int
    matched: int
    unreadable: int
    undecodable: int
    events: int
