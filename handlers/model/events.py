"""What is read: files, blocks, and the events in them before and after they are normalized."""

from __future__ import annotations

from typing import Literal

import msgspec

EventKind = Literal[
    "registered",
    "restarted",
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


class TelemetryEvent(msgspec.Struct, frozen=True, gc=False):
    """One event in the words of the log: names, time and duration are not interpreted yet."""

    kind: EventKind
    source: int
    offset: int
    time: str | float | None = None
    """ISO 8601 text or epoch seconds; None where the log has no time."""
    sequence: str = ""
    """Name or id of the sequence."""
    sequence_id: str = ""
    """Only for `registered`: the id that belongs to the name in `sequence`."""
    request_id: str = ""
    event: str = ""
    plugin: str = ""
    handler: str = ""
    """Function name, or "Plugin.function"."""
    beat: int = 0
    duration_ms: float | None = None
    failed: bool = False
    error_type: str = ""
    error_message: str = ""
    error_frame: str = ""
    """First line of the stack trace that belongs to the watched project, or ""."""


class NormalizedEvent(msgspec.Struct, frozen=True, gc=False):
    """One event with epoch time, sequence id, plugin and handler apart, and the error as a template."""

    kind: EventKind
    at_ms: int
    source: int
    offset: int
    sequence: str
    """Id of the sequence; its name while no id is known; "" outside of any sequence."""
    run: str
    """Key of the run (the request id), or ""."""
    event: str
    plugin: str
    handler: str
    beat: int
    duration_us: int | None
    failed: bool
    error_type: str
    error_template: str
    error_frame: str


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
