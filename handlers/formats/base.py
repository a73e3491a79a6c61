"""What a log format is: a pure function from a block of lines and a state to events and the next state."""

from __future__ import annotations

from typing import Protocol

import msgspec

from handlers.formats.error_text import own_frame
from handlers.model import Block, OpenError, ParserState, TelemetryEvent


class Extraction(msgspec.Struct, frozen=True):
    """What one block of whole lines held."""

    events: list[TelemetryEvent]
    state: ParserState
    matched: int
    """Lines that the format understands, whether they make an event or not; the others are no telemetry."""
    unreadable: int
    """Lines that should have been understood and were not."""
    lines: int = 0
    """`extract_block` counts them, and the next."""
    undecodable: int = 0
    """Lines that are no UTF-8 text or hold NUL bytes, matched or not."""
    garbled: tuple[int, ...] = ()
    """Offsets of those of them that are no text in any encoding."""


class Format(Protocol):
    """A log format. The same bytes give the same events, however they are cut into blocks of whole lines."""

    @property
    def name(self) -> str: ...

    def recognizes(self, head: bytes) -> bool:
        """Tells whether these first bytes of a file look like this format."""
        ...

    def extract(self, block: Block, state: ParserState, *, at_end: bool = False) -> Extraction:
        """Reads the whole lines of a block; `state` is not changed.

        `at_end` says that nothing follows: what still waits for lines is given out.
        """
        ...


def error_event(error: OpenError) -> TelemetryEvent:
    """An error whose stack trace has come to its end."""
    return TelemetryEvent(
        kind="error",
        source=error.source,
        offset=error.offset,
        time=error.time,
        sequence=error.sequence,
        request_id=error.run,
        event=error.event,
        plugin=error.plugin,
        handler=error.handler,
        beat=error.beat,
        failed=True,
        error_type=error.type,
        error_message=error.message,
        error_frame=own_frame(error.frames),
    )
