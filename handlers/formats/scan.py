"""Reads lines of a file through a reader, and counts what no format counts itself."""

from __future__ import annotations

from typing import Final

from handlers.formats.base import Extraction, Format, Reader
from handlers.formats.encoding import UTF8_MARK, count_lines, garbled_lines, undecodable_lines
from handlers.model import Block, ParserState

SCAN_BYTES: Final = 1_048_576
"""Blocks of this size stay in the processor's cache between the passes over them (measured)."""


def scan_block(reader: Reader, block: Block) -> tuple[int, list[int]]:
    """Reads a block of whole lines of any size.

    Returns how many lines are no UTF-8 text, and the offsets of those of them that are no text at all.
    """
    data, size = block.data, len(block.data)
    undecodable = 0
    garbled: list[int] = []
    start = len(UTF8_MARK) if block.offset == 0 and data.startswith(UTF8_MARK) else 0
    while start < size:
        end = data.rfind(b"\n", start, start + SCAN_BYTES) + 1 or data.find(b"\n", start) + 1 or size
        part = data if end - start == size else data[start:end]
        reader.read(Block(block.source, block.offset + start, block.offset + end, part))
        if undecodable_here := undecodable_lines(part):
            undecodable += undecodable_here
            garbled += [block.offset + start + offset for offset in garbled_lines(part)]
        start = end
    return undecodable, garbled


def extract_block(log_format: Format, block: Block, state: ParserState, at_end: bool) -> Extraction:
    """What one block of whole lines holds; `at_end`: nothing follows."""
    reader = log_format.reader(block.source, state)
    undecodable, _ = scan_block(reader, block)
    if at_end:
        reader.close()
    return Extraction(
        events=reader.events,
        state=reader.state,
        matched=reader.matched,
        unreadable=reader.unreadable,
        lines=block.lines or count_lines(block.data),
        undecodable=undecodable,
    )
