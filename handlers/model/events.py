"""What is read: files, blocks, and the events in them before and after they are normalized."""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from typing import Final, Literal

import msgspec

EventKind = Literal[
    "registered",
    "restarted",
    "run",
    "run-started",
    "run-completed",
    "run-failed",
    "beat-started",
    "beat-completed",
    "error",
]


class Origin(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where a line stands: the number of its source in the store and its byte offset."""

    at_ms: int
    source: int
    offset: int


class FileIdentity(msgspec.Struct, frozen=True, gc=False):
    """Device and inode, which rotation keeps, and a hash of the head, which inode reuse does not."""

    device: int
    inode: int
    fingerprint: str
    """Hex digest of the first `head_bytes` bytes; empty for an empty file."""
    head_bytes: int


class LogFile(msgspec.Struct, frozen=True):
    """One log file with bytes that are still to be read, from `offset` to `size_bytes`."""

    source: int
    """Number of this file in the store: one per file identity."""
    path: str
    stream: str
    """The path under which the file was first seen. A rotated file and its successor are one stream:
    what the parser had open at the end of the one goes on at the start of the other."""
    identity: FileIdentity
    offset: int
    size_bytes: int
    format: str
    """Name of the log format, or "" while it is not known."""


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What an event says that many others say too. Readers make one object of it and share it."""

    kind: EventKind
    sequence: str = ""
    """Name or id of the sequence; once normalized its id, or its name while no id is known."""
    sequence_id: str = ""
    """Only for `registered`: the id that belongs to the name in `sequence`."""
    event: str = ""
    plugin: str = ""
    handler: str = ""
    """Function name."""
    beat: int = 0
    failed: bool = False
    beats: tuple[Subject, ...] = ()
    """Only for `run`, which says in one event that a run was started, went through these completed beats one
    after the other, and was completed."""


class WholeRun(msgspec.Struct, frozen=True, gc=False):
    """What an event of kind `run` says besides its subject. All of it happened within one window."""

    after_ms: tuple[int, ...]
    """How long after its beginning each beat was completed, and at last the run itself."""
    offsets: tuple[int, ...]
    """Of the line that completes each beat."""
    durations_us: tuple[int, ...]


class ErrorText(msgspec.Struct, frozen=True, gc=False):
    """What an event of kind `error` says besides its subject."""

    type: str
    message: str
    """Once normalized a template."""
    frame: str
    """First line of the stack trace that belongs to the watched project, or ""."""
    site: str = ""
    """Once normalized: function and file of that frame, as they stay when the program is deployed anew; "" if
    the trace has no frame of the project."""


class ToldVersion(msgspec.Struct, frozen=True, gc=False):
    """A line in which a program tells its version."""

    offset: int
    name: str
    """Of the program; "" where the line does not name it."""
    version: str
    time: str | float | None = None
    """As in `TelemetryEvents`; None where the line has none that is known as one."""


class TelemetryEvents(msgspec.Struct):
    """The events of one file in the words of its log, in order, as columns: one entry an event in each.

    Columns cost a fraction of the memory and time of one record an event, and millions pass through here.
    """

    source: int
    subjects: list[Subject] = []
    offsets: list[int] = []
    times: list[str | float | None] = []
    """ISO 8601 text or epoch seconds, milli-, micro- or nanoseconds; None where the log has no time."""
    runs: list[str] = []
    """Request ids, or ""."""
    durations_ms: list[float | None] = []
    errors: dict[int, ErrorText] = {}
    """By index, for the events of kind `error`."""
    sources: dict[int, int] = {}
    """By index, for events whose line stands in an earlier file of the stream."""
    whole: dict[int, WholeRun] = {}
    """By index, for the events of kind `run`."""
    versions: list[ToldVersion] = []
    """What the lines between them, or they themselves, tell of versions."""
    earlier: list[TelemetryEvents | PackedTelemetryEvents] = []
    """What stands before these in the file, in order: all of it without `earlier`."""

    def add(
        self,
        subject: Subject,
        offset: int,
        time: str | float | None,
        run: str = "",
        duration_ms: float | None = None,
        error: ErrorText | None = None,
        source: int | None = None,
    ) -> None:
        """Appends one event."""
        if source is not None and source != self.source:
            self.sources[len(self.subjects)] = source
        if error is not None:
            self.errors[len(self.subjects)] = error
        self.subjects.append(subject)
        self.offsets.append(offset)
        self.times.append(time)
        self.runs.append(run)
        self.durations_ms.append(duration_ms)

    def parts(self) -> list[TelemetryEvents | PackedTelemetryEvents]:
        """What is earlier, and the rest of them."""
        return [*self.earlier, msgspec.structs.replace(self, earlier=[])]

    @property
    def count(self) -> int:
        """How many events they are, with those before them, when every step of a whole run is one."""
        own = len(self.subjects) + sum([1 + 2 * len(run.offsets) for run in self.whole.values()])
        return own + sum(part.count for part in self.earlier)

    def steps(self, index: int) -> int:
        """How many events this one stands for."""
        return 2 + 2 * len(self.whole[index].offsets) if index in self.whole else 1


ROW: Final = struct.Struct("=qqdq")
"""A packed beat: byte offset, epoch ms, duration in ms or NaN for none, and index of its subject."""


class PackedTelemetryEvents(msgspec.Struct):
    """Beats of one file that were started or completed in no run, in order.

    A beat takes 32 bytes, a tenth of what it takes in columns, and is counted without a step of Python.
    """

    source: int
    subjects: list[Subject]
    """Others may be among them."""
    rows: bytearray
    latest_ms: int = 0

    @property
    def count(self) -> int:
        return len(self.rows) // ROW.size

    def at_ms_from(self, offset: int) -> int | None:
        """The time of the first beat from this offset on, if there is one."""
        offsets = range(self.count)
        index = bisect_left(offsets, offset, key=lambda row: ROW.unpack_from(self.rows, row * ROW.size)[0])
        return ROW.unpack_from(self.rows, index * ROW.size)[1] if index < self.count else None

    def columns(self) -> TelemetryEvents:
        """The same as columns."""
        events = TelemetryEvents(self.source)
        for offset, at_ms, duration_ms, subject in ROW.iter_unpack(self.rows):
            known_ms = None if math.isnan(duration_ms) else duration_ms
            events.add(self.subjects[subject], offset, float(at_ms), "", known_ms)
        return events


class PackedNormalizedEvents(msgspec.Struct, frozen=True):
    """`PackedTelemetryEvents` of a stream with sequence ids and plug-ins."""

    stream: str
    beats: PackedTelemetryEvents


class NormalizedEvents(msgspec.Struct, frozen=True):
    """The events of one file with epoch time, sequence ids, plug-ins and error templates, as columns."""

    source: int
    stream: str
    kinds: frozenset[EventKind]
    """All that occur among the subjects, and maybe others."""
    subjects: list[Subject]
    at_ms: list[int]
    offsets: list[int]
    runs: list[str]
    durations_us: list[int | None]
    errors: dict[int, ErrorText]
    sources: dict[int, int]
    whole: dict[int, WholeRun]
    versions: tuple[tuple[int, str, str], ...] = ()
    """Time in ms, program and version, where a line tells one."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """Whole lines of one file, from byte `offset` on."""

    source: int
    offset: int
    end: int
    """Where the next block begins; more than `offset` + the length of `data` where bytes were skipped."""
    data: bytes
    lines: int = 0
    """Lines in `data`; 0 where they were not counted yet."""
    lossy: bool = False
    """A line of it was cut, or it was passed over: events may be missing here."""
