"""Whether a new file is a copy of one that is known, so that its content is not read again.

copytruncate copies a log and truncates it, rsync replaces a file by a longer copy, and a file system that is
mounted again may have another device number. Each time the inode is new and only the content can tell.

While the known file is there and holds all of the new one, the new one waits: it may be a copy, one that is
still being written, or a second program that began like the first one. It is read from its start as soon as
it differs. Once the known file is deleted or overwritten, the new one goes on where reading had come to.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import msgspec

from handlers.model import FileIdentity

from .checkpoint import Checkpoint
from .descriptors import Descriptors
from .identity import HEAD_BYTES, FileKey, digest, holds, identify, pread_of
from .ledger import Ledger, key_of
from .listing import Found

MAX_RELATIVES: Final = 8
"""Known files that a new one is compared with. If more begin alike, the head is a banner and proves little;
those of the same log and the newest ones come first."""

COMPARE_BYTES: Final = 1 << 18


class Kinship(msgspec.Struct, frozen=True):
    """The known file that a new one is a copy of."""

    original: Checkpoint
    read_bytes: int | None
    """How much of the new file was consumed under the identity of the original; None while the file waits."""


class Relatives:
    """Finds the known files that a new one can be a copy of: those that it shares its first bytes with."""

    def __init__(self) -> None:
        self._by_head: defaultdict[str, list[Checkpoint]] = defaultdict(list)
        self._short: defaultdict[str, list[Checkpoint]] = defaultdict(list)

    def add(self, checkpoint: Checkpoint, identity: FileIdentity) -> None:
        """`identity` is what the file begins with now, which can be more than what was consumed."""
        if identity.head_bytes == HEAD_BYTES:
            self._by_head[identity.fingerprint].append(checkpoint)
        elif identity.head_bytes:
            self._short[checkpoint.stream].append(checkpoint)

    def of(self, file: Found, stream: str, head: bytes) -> list[Checkpoint]:
        relatives = list(self._by_head.get(digest(head), ())) if len(head) == HEAD_BYTES else []
        # A shorter head proves nothing by itself. It does if the name says "rotated", and for an inode whose
        # device got another number.
        for known in self._short.get(stream, ()):
            identity = known.identity
            remounted = identity.inode == file.key[1] and identity.device != file.key[0]
            same_head = digest(head[: identity.head_bytes]) == identity.fingerprint
            if same_head and (file.path != stream or remounted):
                relatives.append(known)
        relatives.sort(key=lambda known: (known.stream == stream, known.source), reverse=True)
        return relatives[:MAX_RELATIVES]


class Copies:
    """Judges new files, and remembers how much of those that wait was found to be the same."""

    def __init__(self, ledger: Ledger, descriptors: Descriptors) -> None:
        self._ledger = ledger
        self._open = descriptors
        self._relatives = Relatives()
        self._same_bytes: dict[tuple[FileKey, int], int] = {}

    def begin(self, looks: Mapping[int, Found]) -> None:
        """Before the new files of one look are judged; `looks` has the known files as they are now."""
        self._relatives = Relatives()
        for known in self._ledger:
            look = looks.get(known.source)
            identity = known.identity
            if identity.head_bytes < HEAD_BYTES and look and look.size >= HEAD_BYTES:
                original = self._readable(known)
                if original is not None:
                    identity = identify(look.key, os.pread(original, HEAD_BYTES, 0))
            self._relatives.add(known, identity)

    def add(self, checkpoint: Checkpoint) -> None:
        """A file that was judged is known to those that follow."""
        self._relatives.add(checkpoint, checkpoint.identity)

    def judge(self, file: Found, stream: str, head: bytes) -> Kinship | None:
        """What the new file, which begins with `head`, is a copy of, if of anything. Raises OSError."""
        descriptor = self._open.get(file.key, file.path)
        best: Kinship | None = None
        for known in self._relatives.of(file, stream, head):
            kinship = self._compare(file, descriptor, known)
            if kinship is None:
                continue
            if kinship.read_bytes is None:
                return kinship
            if best is None or best.read_bytes is None or kinship.read_bytes > best.read_bytes:
                best = kinship
        return best

    def _compare(self, file: Found, descriptor: int, known: Checkpoint) -> Kinship | None:
        original = self._readable(known)
        waits = Kinship(known, None)
        if original is not None and known.state != "gone":
            # What stands at the path of a rotated log is its successor, not a copy of it; and two short files
            # with the same content are as likely two files.
            named = file.path != known.stream and (known.offset or file.size >= HEAD_BYTES)
            return waits if named and self._is_inside(file, descriptor, known, original) else None
        read_bytes = self._consumed_before(file, descriptor, known) if known.offset else 0
        if read_bytes is None or (read_bytes < known.offset and file.path == known.stream):
            return None
        if original is not None:
            # Deleted but still open: the rest is read from the new file, if that has all of it.
            rest = os.fstat(original).st_size
            if _same_bytes(descriptor, original, known.offset, rest) < rest:
                return waits
        return Kinship(known, read_bytes)

    def _consumed_before(self, file: Found, descriptor: int, known: Checkpoint) -> int | None:
        """How much of the file was consumed as the known one, by what was noted while that could be read."""
        size = os.fstat(descriptor).st_size
        marks = [mark for mark in known.marks if mark.offset <= size]
        if marks:
            same = holds(pread_of(descriptor), marks[-1])
        else:
            same = self._same_bytes.get((file.key, known.source)) == size
        return min(size, known.offset) if same else None

    def _readable(self, known: Checkpoint) -> int | None:
        try:
            return self._open.get(key_of(known), known.path) if self._ledger.is_current(known) else None
        except OSError:
            return None

    def _is_inside(self, file: Found, descriptor: int, known: Checkpoint, original: int) -> bool:
        """Whether all of the file stands at the beginning of the original."""
        pair = (file.key, known.source)
        size = os.fstat(descriptor).st_size
        # In this order: whatever was copied until now stood in the original before.
        limit = min(size, os.fstat(original).st_size)
        same = self._same_bytes.pop(pair, 0)
        same = _same_bytes(descriptor, original, same if same <= limit else 0, limit)
        if same < size:
            return False
        self._same_bytes[pair] = same
        return True


def _same_bytes(descriptor: int, other: int, start: int, limit: int) -> int:
    """Up to which offset, `limit` at most, two files are the same from `start` on."""
    while start < limit:
        wanted = min(COMPARE_BYTES, limit - start)
        mine, theirs = os.pread(descriptor, wanted, start), os.pread(other, wanted, start)
        if mine != theirs or not mine:
            return start  # not the very byte: nobody asks for it
        start += len(mine)
    return start
