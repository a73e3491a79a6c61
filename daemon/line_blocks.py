"""Blocks of whole lines from a stream that can be read only once, such as a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from handlers.model import Block


class StreamBlock(msgspec.Struct, frozen=True):
    block: Block
    cut: bool
    """The last line is the beginning of one that is longer than allowed."""


def line_blocks(stream: BinaryIO, *, block_bytes: int, max_line_bytes: int) -> Iterator[StreamBlock]:
    """Reads to the end, about `block_bytes` at once and never more than a line over it.

    A line that is longer than `max_line_bytes` comes cut and the rest of it is skipped, as the daemon does; a
    last line without a newline gets one. Raises OSError.
    """
    offset = end = 0
    lines: list[bytes] = []
    while line := stream.readline(max_line_bytes + 1):
        end += len(line)
        cut = len(line) > max_line_bytes and not line.endswith(b"\n")
        if cut:
            line = line[:max_line_bytes]
            while (rest := stream.readline(block_bytes)) and not rest.endswith(b"\n"):
                end += len(rest)
            end += len(rest)
        lines.append(line if line.endswith(b"\n") else line + b"\n")
        if cut or end - offset >= block_bytes:
            yield StreamBlock(Block(0, offset, end, b"".join(lines), len(lines)), cut)
            lines.clear()
            offset = end
    if lines:
        yield StreamBlock(Block(0, offset, end, b"".join(lines), len(lines)), cut=False)
