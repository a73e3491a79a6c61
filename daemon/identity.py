"""How a log file is told from another one, and growth from a rewrite: by device and inode together with
hashes of the content. Inodes are reused and contents are copied, so neither alone is an identity."""

from __future__ import annotations

import hashlib
import os
from typing import Final

import msgspec

from handlers.model import FileIdentity

HEAD_BYTES: Final = 1024
"""How much is hashed at the head of a file and before an offset. Equal content of this length proves a
common origin; less proves nothing, since different programs begin with the same short line."""

FileKey = tuple[int, int]
"""(device, inode)."""


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


def mark_at(descriptor: int, offset: int) -> Mark:
    start = max(0, offset - HEAD_BYTES)
    return Mark(offset, digest(os.pread(descriptor, offset - start, start)))


def begins_with(descriptor: int, identity: FileIdentity) -> bool:
    """Whether the file still has the head that it was identified by."""
    head = os.pread(descriptor, identity.head_bytes, 0)
    return not identity.head_bytes or digest(head) == identity.fingerprint


def holds(descriptor: int, mark: Mark) -> bool:
    """Whether the same bytes stand before the offset of the mark as when it was made."""
    return mark_at(descriptor, mark.offset) == mark
