"""Runs a format over a block of any size."""

from __future__ import annotations

from typing import Final

from handlers.formats.base import Extraction, Format
from handlers.formats.encoding import UTF8_MARK, garbled_lines, undecodable_lines
from handlers.model import Block, ParserState, TelemetryEvent

SCAN_BYTES: Final = 131_072
"""Blocks of this size stay in the processor's cache between the passes over them (measured)."""


def extract_block(log_format: Format, block: Block, state: ParserState, at_end: bool) -> Extraction:
    """What a block of whole lines holds, read in pieces of about `SCAN_BYTES`."""
    data, size = block.data, len(block.data)
    events: list[TelemetryEvent] = []
    matched = unreadable = undecodable = 0
    garbled: list[int] = []
    start = len(UTF8_MARK) if block.offset == 0 and data.startswith(UTF8_MARK) else 0
    while start < size:
        end = data.rfind(b"\n", start, start + SCAN_BYTES) + 1 or data.find(b"\n", start) + 1 or size
        part = Block(block.source, block.offset + start, block.offset + end, data[start:end])
        extraction = log_format.extract(part, state, at_end=at_end and end == size)
        state = extraction.state
        events += extraction.events
        matched += extraction.matched
        unreadable += extraction.unreadable
        if undecodable_here := undecodable_lines(part.data):
            undecodable += undecodable_here
            garbled += [part.offset + offset for offset in garbled_lines(part.data)]
        start = end
    return Extraction(
        events=events,
        state=state,
        lines=block.lines or data.count(b"\n"),
        matched=matched,
        unreadable=unreadable,
        undecodable=undecodable,
        garbled=tuple(garbled),
    )
