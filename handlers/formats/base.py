"""What a log format is: something that reads the lines of a file, block by block, into events."""

from __future__ import annotations

from typing import Protocol

import msgspec

from handlers.formats.error_text import own_frame
from handlers.model import Block, ErrorText, OpenError, ParserState, Subject, TelemetryEvents


class Reader(Protocol):
    """Reads one file, or a part of it, in order.

    The same bytes give the same events, however they are cut into blocks of whole lines, and into parts that
    are read by readers of their own: `state` after the one part is what the reader of the next begins with.
    """

    events: TelemetryEvents
    """What was read so far, with what is `earlier`."""
    state: ParserState
    matched: int
    """Lines that the format understands, whether they make an event or not; the others are no telemetry."""
    unreadable: int
    """Lines that should have been understood and were not."""

    def read(self, block: Block) -> None:
        """Reads the whole lines of the next block."""
        ...

    def close(self) -> None:
        """Gives out what still waits for lines: nothing follows."""
        ...


class Format(Protocol):
    """A log format."""

    @property
    def name(self) -> str: ...

    @property
    def opening(self) -> bytes:
        """What stands in the first of lines that are read faster in one block; b"" if each stands alone."""
        ...

    def recognizes(self, head: bytes) -> bool:
        """Tells whether these first bytes of a file look like this format."""
        ...

    def reader(self, source: int, state: ParserState) -> Reader:
        """A reader for lines of `source` that goes on from `state`, which it does not change."""
        ...


class Extraction(msgspec.Struct, frozen=True):
    """What one block of whole lines held."""

    events: TelemetryEvents
    state: ParserState
    matched: int
    unreadable: int
    lines: int
    undecodable: int
    """Lines that are no UTF-8 text or hold NUL bytes, matched or not."""


def add_error(events: TelemetryEvents, error: OpenError) -> None:
    """Appends an error whose stack trace has come to its end."""
    subject = Subject(
        "error", error.sequence, "", error.event, error.plugin, error.handler, error.beat, failed=True
    )
    text = ErrorText(error.type, error.message, own_frame(error.frames))
    events.add(subject, error.offset, error.time, error.run, error=text, source=error.source)
