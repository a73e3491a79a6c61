"""A file that `ingest` was pointed to, while it is judged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import msgspec
from msgspec.structs import replace

from daemon.checkpoint import Checkpoint, FileState, without_losses
from daemon.content import Content, open_content
from daemon.identity import HEAD_BYTES, begins_with, holds
from daemon.listing import Found
from daemon.unpack import UnpackError

_COMPARE_BYTES: Final = 1 << 18
_TAR_MAGIC: Final = b"ustar"
_TAR_MAGIC_AT: Final = 257


class UnreadableFileError(Exception):
    """A file that cannot be read; the message says why."""


class Candidate(msgspec.Struct):
    found: Found
    compression: str
    """ "" for a plain file."""
    head: bytes
    """The first `HEAD_BYTES` of its content."""
    at: Checkpoint
    """How far it was read; source 0 while it is new."""
    known: bool = False
    """The store knows it by device and inode."""
    done: bool = False
    """There is nothing more to read of it."""

    @contextmanager
    def content(self) -> Iterator[Content]:
        """Opened for a moment: there may be more files than a process may open."""
        with closing(open_content(self.found.path, unpack=bool(self.compression))) as content:
            yield content

    def moved_to(self, stream: str) -> None:
        """The file belongs to this stream, at the path where it was found."""
        state: FileState = "active" if self.found.path == stream else "rotated"
        at = without_losses(self.at) if self.at.state == "gone" else self.at
        if self.compression:
            state = "archive"
        self.at = replace(at, path=self.found.path, stream=stream, state=state)

    def last_newline(self) -> int:
        """The end of the last whole line behind the offset; the offset if there is none."""
        end = self.found.size
        with self.content() as content:
            while end > self.at.offset:
                begin = max(self.at.offset, end - _COMPARE_BYTES)
                newline = content.pread(end - begin, begin).rfind(b"\n")
                if newline >= 0:
                    return begin + newline + 1
                end = begin
        return end


def look(path: str) -> tuple[str, bytes]:
    """Compression and head of a file. Raises UnreadableFileError."""
    try:
        with closing(open_content(path)) as content:
            head = content.pread(HEAD_BYTES, 0)
            if not head and content.damage:
                raise UnreadableFileError(content.damage)
    except UnpackError as error:
        raise UnreadableFileError(str(error)) from error
    except OSError as error:
        raise UnreadableFileError(f"cannot be read ({error.strerror})") from error
    if head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
        raise UnreadableFileError("is a tar archive; unpack it and ingest the files that it holds")
    return content.compression, head


def is_same(known: Checkpoint, found: Found) -> bool:
    """Whether the file that has the device and inode of a known one has its content too."""
    if known.archive_bytes and known.archive_bytes != found.size:
        return False
    with closing(open_content(found.path, unpack=known.state == "archive")) as content:
        if not begins_with(content.pread, known.identity):
            return False
        # Of an archive that was read to its end, size and head are proof enough: no need to unpack it.
        return bool(known.archive_bytes) or all(holds(content.pread, mark) for mark in known.marks[-1:])


def begins_other(content: Content, other: Content) -> int:
    """The size of the content if the other one begins with all of it, else 0."""
    offset = 0
    while data := content.pread(_COMPARE_BYTES, offset):
        if data != other.pread(len(data), offset):
            return 0
        offset += len(data)
    return offset


def original_of(known: Checkpoint) -> Content | None:
    """The known file, if it can still be read."""
    if known.state not in {"active", "rotated"}:
        return None
    try:
        content = open_content(known.path, unpack=False)
    except OSError:
        return None
    if os.path.isfile(known.path) and begins_with(content.pread, known.identity):  # noqa: PTH113
        return content
    content.close()
    return None
