"""The content of a log file, packed or not, read at an offset."""

from __future__ import annotations

import os
from typing import Final, Protocol

from daemon.identity import pread_of
from daemon.unpack import MembersReader, UnpackError, compression_of

HEAD_KEPT_BYTES: Final = 65_536
"""The first bytes of an archive stay at hand: by them its format and its identity are found."""
BEHIND_BYTES: Final = 4096
"""What stays at hand before the last place read: a block is read with the bytes before it."""


class Content(Protocol):
    """Bytes that can be read at an offset. Not for more than one thread at a time."""

    @property
    def compression(self) -> str:
        """ "" for a plain file."""
        ...

    @property
    def damage(self) -> str:
        """Why an archive ends before its end, as far as it was read; "" while nothing is wrong."""
        ...

    @property
    def torn_bytes(self) -> int:
        """Bytes at a damaged end that are no whole line; they are left out of the content."""
        ...

    def pread(self, size: int, offset: int) -> bytes:
        """At most `size` bytes from `offset` on; fewer only at the end. Raises OSError."""
        ...

    def size_within(self, limit: int, *, keep_from: int) -> int | None:
        """The size of the content if that is not over `limit`. What it has to unpack for that stays at hand
        from `keep_from` on. Raises OSError."""
        ...

    def file_offset(self, offset: int) -> int:
        """How much of the file on disk was needed for what stands before `offset`, about."""
        ...

    def close(self) -> None: ...


def open_content(path: str, *, unpack: bool = True) -> Content:
    """What the file holds, by its first bytes and not by its name. Raises OSError, UnpackError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        compression = compression_of(os.pread(descriptor, 16, 0)) if unpack else ""
        return _Archive(descriptor, compression) if compression else _Plain(descriptor)
    except UnpackError:
        os.close(descriptor)
        raise


class _Plain:
    compression = ""
    damage = ""
    torn_bytes = 0

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.pread = pread_of(descriptor)

    def size_within(self, limit: int, *, keep_from: int) -> int | None:
        size = os.fstat(self._descriptor).st_size
        return size if size <= limit else None

    def file_offset(self, offset: int) -> int:
        return offset

    def close(self) -> None:
        os.close(self._descriptor)


class _Archive:
    """Unpacks forwards and keeps little; what is asked for again from before is unpacked again."""

    def __init__(self, descriptor: int, compression: str) -> None:
        self.compression = compression
        self._descriptor = descriptor
        self._begin()

    def _begin(self) -> None:
        self._reader = MembersReader(self._descriptor, self.compression)
        self._start = 0
        self._kept = bytearray()
        self._head = b""
        self._ended = False
        self.damage = ""
        self.torn_bytes = 0

    def pread(self, size: int, offset: int) -> bytes:
        if offset < self._start and offset + size > len(self._head):
            self._begin()
        self._unpack(offset + size, offset - BEHIND_BYTES)
        self._forget(offset - BEHIND_BYTES)
        if offset < self._start:
            return self._head[offset : offset + size]
        at = offset - self._start
        return bytes(memoryview(self._kept)[at : at + size])

    def size_within(self, limit: int, *, keep_from: int) -> int | None:
        self._unpack(limit + 1, keep_from - BEHIND_BYTES)
        end = self._start + len(self._kept)
        return end if self._ended and end <= limit else None

    def file_offset(self, offset: int) -> int:
        return self._reader.file_offset

    def close(self) -> None:
        os.close(self._descriptor)

    def _unpack(self, until: int, keep_from: int) -> None:
        """Unpacks to the offset `until`; what stands before `keep_from` may be forgotten."""
        while not self._ended and self._start + len(self._kept) < until:
            try:
                data = self._reader.read()
            except UnpackError as error:
                self._damaged(str(error))
                return
            self._ended = not data
            if len(self._head) < HEAD_KEPT_BYTES:
                self._head += data[: HEAD_KEPT_BYTES - len(self._head)]
            self._kept += data
            self._forget(keep_from)

    def _forget(self, before: int) -> None:
        before = min(before, self._start + len(self._kept) - BEHIND_BYTES)
        if before > self._start:
            del self._kept[: before - self._start]
            self._start = before

    def _damaged(self, reason: str) -> None:
        self._ended = True
        end = self._kept.rfind(b"\n") + 1
        if end:
            self.torn_bytes = len(self._kept) - end
            del self._kept[end:]
            self._head = self._head[: self._start + end]
        self.damage = f"{reason}; {self._start + len(self._kept):,} bytes of its content could be read"
