"""How a log file is told from another one, and growth from a rewrite: by device and inode together with
hashes of the content. Inodes are reused and contents are copied, so neither alone is an identity."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from handlers.model import FileIdentity

HEAD_BYTES: Final = 1024
"""How much is hashed at the head of a file and before an offset. Equal content of this length proves a
common origin; less proves nothing, since different programs begin with the same short line."""

FileKey = tuple[int, int]
"""(device, inode)."""

Pread = Callable[[int, int], bytes]
"""Reads at most so many bytes at an offset: of a file, or of what an archive holds."""


class Mark(msgspec.Struct, frozen=True, gc=False):
    """What stood before an offset when it was reached."""

    offset: int
    digest: str
    """Of the last `HEAD_BYTES` bytes before the offset, or of all of them where there are fewer."""


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def identify(key: FileKey, head: bytes) -> FileIdentity:
    """The identity of the file that begins with `head`, of which `HEAD_BYTES` count."""
    head = head[:HEAD_BYTES]
    return FileIdentity(*key, digest(head) if head else "", len(head))


def pread_of(descriptor: int) -> Pread:
    return partial(os.pread, descriptor)


def next_data(descriptor: int, offset: int) -> int:
    """Where bytes that take space begin, from `offset` on."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError:
        return offset


def mark_at(pread: Pread, offset: int) -> Mark:
    start = max(0, offset - HEAD_BYTES)
    return Mark(offset, digest(pread(offset - start, start)))


def begins_with(pread: Pread, identity: FileIdentity) -> bool:
    """Whether the file still has the head that it was identified by."""
    return not identity.head_bytes or digest(pread(identity.head_bytes, 0)) == identity.fingerprint


def holds(pread: Pread, mark: Mark) -> bool:
    """Whether the same bytes stand before the offset of the mark as when it was made."""
    return mark_at(pread, mark.offset) == mark
