"""A block of whole lines from a log file, at a cost in memory that no line can raise."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Final

import msgspec

from handlers.formats.encoding import count_lines
from handlers.model import FileIdentity

from .checkpoint import Checkpoint
from .identity import HEAD_BYTES, Mark, Pread, digest, identify, mark_at

HOLE_STEP_BYTES: Final = 1 << 20


class ContentChangedError(Exception):
    """Other bytes stand before the offset than those that were consumed: the file was rewritten."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Whole lines from `offset` of one file. It is consumed as a whole or not at all."""

    source: int
    offset: int
    """Where `data` begins in the file."""
    end: int
    """Where the next block begins. Not `offset + len(data)` if a newline was added or bytes were skipped."""
    data: bytes
    """Ends with a newline. Empty if there was only something to skip."""
    lines: int
    cut: bool = False
    """The one line in `data` is the beginning of one that is longer than allowed."""
    final: bool = False
    """The one line in `data` is the last of the file and has no newline there; one was added."""
    skipping: bool = False
    """The next block begins inside of a cut line."""
    mark: Mark
    """Of `end`."""
    identity: FileIdentity


def read_block(
    pread: Pread,
    at: Checkpoint,
    *,
    max_bytes: int,
    max_line_bytes: int,
    flush: bool,
    next_data: Callable[[int], int] = lambda offset: offset,
    opening: bytes = b"",
) -> Block | None:
    """The lines from `at.offset` on: as many as `max_bytes` hold, but one at least; None if none is whole.

    A line that is longer than `max_line_bytes` (without its newline) comes cut, in a block of its own; the
    next blocks skip its rest. `flush` hands out the last line although it has no newline yet. `next_data`
    leads over zeros that take no space. A full block ends before the last line with `opening` of its second
    half, if there is one.
    Raises ContentChangedError, OSError."""
    start = max(0, at.offset - HEAD_BYTES)
    before = at.offset - start
    wanted = max_bytes
    while True:
        # One read gives the bytes before the offset too: no rewrite can come between check and use.
        buffer = pread(before + wanted, start)
        if at.marks and digest(buffer[:before]) != at.marks[-1].digest:
            raise ContentChangedError
        if at.skipping:
            return _rest_of_cut_line(at, buffer, before)
        if buffer[before : before + 1] == b"\0":
            return _hole(pread, next_data, at)
        if wanted > max_bytes:  # the first line alone is longer than asked for
            buffer = buffer[: buffer.find(b"\n", before) + 1 or len(buffer)]
        end = _whole_lines(buffer, before, max_line_bytes)
        if end > before:
            if opening and len(buffer) - before == max_bytes:
                end = _last_opening(buffer, before, end, opening)
            return _block(at, buffer, before, end)
        length = len(buffer) - before
        if length > max_line_bytes:
            return _block(at, buffer, before, before + max_line_bytes, cut=True, skipping=True)
        if length < wanted:
            return _block(at, buffer, before, len(buffer), final=True) if flush and length else None
        wanted = max_line_bytes + 1


def _whole_lines(buffer: bytes, start: int, max_line_bytes: int) -> int:
    """End of the last whole line before which no line is too long; `start` if there is none."""
    end = max(start, buffer.rfind(b"\n", start) + 1)
    if buffer.find(b"\0", start, end) >= 0 and (hole := buffer.find(b"\n\0", start, end)) >= 0:
        end = hole + 1  # zeros are a hole wherever a block happens to begin
    while end - start > max_line_bytes:
        newline = buffer.rfind(b"\n", start, start + max_line_bytes + 1)
        if newline < 0:
            return start
        start = newline + 1
    return end


def _last_opening(buffer: bytes, start: int, end: int, opening: bytes) -> int:
    """Where the line with it begins; `end` if there is none in the second half."""
    at = buffer.rfind(opening, (start + end) // 2, end)
    return (at >= 0 and buffer.rfind(b"\n", start, at) + 1) or end


def _block(
    at: Checkpoint,
    buffer: bytes,
    start: int,
    end: int,
    *,
    cut: bool = False,
    final: bool = False,
    skipping: bool = False,
) -> Block:
    data = buffer[start:end]
    if cut:
        data = data[: codecs.utf_8_decode(data, "ignore")[1]]  # not half a character
    if cut or final:
        data += b"\n"
    return Block(
        source=at.source,
        offset=at.offset,
        end=at.offset + end - start,
        data=data,
        lines=count_lines(data),
        cut=cut,
        final=final,
        skipping=skipping,
        mark=Mark(at.offset + end - start, digest(buffer[max(0, end - HEAD_BYTES) : end])),
        identity=_identity(at, buffer[: min(end, HEAD_BYTES)]),
    )


def _identity(at: Checkpoint, consumed: bytes) -> FileIdentity:
    """The head grows with what is consumed: what follows may still be changed."""
    known = at.identity
    if at.offset and (known.head_bytes == HEAD_BYTES or at.offset > HEAD_BYTES):
        return known
    return identify((known.device, known.inode), consumed)


def _rest_of_cut_line(at: Checkpoint, buffer: bytes, start: int) -> Block | None:
    newline = buffer.find(b"\n", start)
    end = newline + 1 if newline >= 0 else len(buffer)
    if end == start:
        return None
    block = _block(at, buffer, start, end, skipping=newline < 0)
    return msgspec.structs.replace(block, data=b"", lines=0)


def _hole(pread: Pread, next_data: Callable[[int], int], at: Checkpoint) -> Block | None:
    """Skips zeros, which a writer without O_APPEND leaves behind when its file is truncated (copytruncate).

    Zeros up to the end of the file are left alone: they may be space that was reserved for lines to come."""
    end = next_data(at.offset)
    while chunk := pread(HOLE_STEP_BYTES, end):
        text = chunk.lstrip(b"\0")
        end += len(chunk) - len(text)
        if text:
            head = pread(min(HEAD_BYTES, end), 0)
            return Block(
                source=at.source,
                offset=at.offset,
                end=end,
                data=b"",
                lines=0,
                mark=mark_at(pread, end),
                identity=at.identity
                if at.offset
                else identify((at.identity.device, at.identity.inode), head),
            )
    return None
