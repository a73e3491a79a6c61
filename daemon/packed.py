"""Logs that were packed before they were read to their ends: what is left of them is read from the archive.

logrotate packs what it rotated, also while nobody follows it. An archive holds a file that is gone if its
content has that file's head and, before the offset, the bytes that were read last; if several files do, as
with copies, the one that was read furthest. Its checkpoint is that of the archive from then on, so that the
rest is read once, by the daemon or by `ingest`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from .block import Block, read_block
from .checkpoint import Checkpoint, Loss, without_losses
from .content import Content, open_content
from .identity import HEAD_BYTES, begins_with, holds
from .ledger import Ledger, key_of
from .listing import Found, found
from .rotation import ARCHIVE_ENDINGS, is_beside, log_of, unpacked
from .unpack import UnpackError

SEARCH_S: Final = 10.0
"""How long one look may unpack, so that other logs do not wait and no archive fills its time with zeros."""
STEP_BYTES: Final = 1 << 20
MTIME_SLACK_S: Final = 60.0
"""Packing keeps the time of the last write. One that was before the end was read has nothing to read."""
MAX_OPEN: Final = 8


class Packed(msgspec.Struct, frozen=True):
    """An archive that a file which is gone was found in."""

    at: Checkpoint
    """The one of the file, as that of the archive."""
    file: Found
    """The archive, with the size of its content."""
    loss: Loss | None
    """What cannot be unpacked."""


class PackedLogs:
    """Finds the archives of files that are gone, and reads them."""

    def __init__(self, ledger: Ledger) -> None:
        self.notes: list[str] = []
        """For people."""
        self._ledger = ledger
        self._gone: set[int] = set()
        self._queue: list[Found] = []
        self._contents: dict[int, Content] = {}

    @property
    def is_searching(self) -> bool:
        """Whether the last look had no time for all archives."""
        return bool(self._queue)

    def search(self, gone: Collection[int]) -> Iterator[Packed]:
        """What is found of these files, which are gone since the last call, by this or the next calls."""
        if gone:
            self._gone.update(gone)
            folders = {os.path.dirname(self._ledger[source].path) for source in gone}  # noqa: PTH120
            known = {file.key for file in self._queue}
            self._queue += [file for file in _archives(folders) if file.key not in known]
            self._queue.sort(key=lambda file: -file.mtime_ns)
        began = time.monotonic()
        while self._queue and time.monotonic() < began + SEARCH_S:
            file = self._queue.pop()
            fresh_s = time.monotonic()
            try:
                packed = self._look_into(file, began + SEARCH_S)
            except TimeoutError:
                if fresh_s - began > SEARCH_S / 2:
                    self._queue.append(file)  # it has all of the time of the next look
                    return
                self._note(file, f"takes more than {SEARCH_S:g} s to unpack")
            except (OSError, UnpackError) as error:
                reason = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else str(error)
                self._note(file, reason)
            else:
                if packed is not None:
                    yield packed
        if not self._queue:
            self._gone.clear()

    def read(self, at: Checkpoint, max_bytes: int, max_line_bytes: int) -> Block | None:
        """As `read_block`. Raises UnpackError too."""
        pread = self._content(at).pread
        return read_block(pread, at, max_bytes=max_bytes, max_line_bytes=max_line_bytes, flush=True)

    def head(self, at: Checkpoint, max_bytes: int) -> bytes:
        """The first bytes. Raises OSError, UnpackError."""
        return self._content(at).pread(max_bytes, 0)

    def close(self, sources: Iterable[int]) -> None:
        for source in [*sources]:
            if (content := self._contents.pop(source, None)) is not None:
                content.close()

    def close_all(self) -> None:
        self.close(self._contents)

    def _note(self, file: Found, reason: str) -> None:
        for at in self._wanted(file):
            if log_of(file.path) == at.stream or unpacked(file.path) == at.path:
                self.notes.append(
                    f"{file.path}: {reason}; if {at.path} was not read to its end before it was packed, "
                    "the rest is in it: selfheald ingest reads it"
                )
                return

    def _wanted(self, file: Found) -> list[Checkpoint]:
        """The files that are gone and can have been packed into this one."""
        gone = (at for source in self._gone if (at := self._ledger.get(source)) and at.state == "gone")
        until_ms = file.mtime_ns / 1e6 + MTIME_SLACK_S * 1000
        return [at for at in gone if at.at_end_ms <= until_ms]

    def _look_into(self, file: Found, deadline: float) -> Packed | None:
        """Raises TimeoutError, OSError, UnpackError."""
        wanted = self._wanted(file)
        if not wanted or any(at.state == "archive" and key_of(at) == file.key for at in self._ledger):
            return None
        with closing(open_content(file.path)) as content:
            wanted = [at for at in wanted if _begins_as(content, at, file.path)]
            if not content.compression or not wanted:
                return None
            alike = [at for at in self._ledger if _begins_as(content, at, file.path)]
            owner, size = _unpack(content, alike, deadline)
            if owner not in wanted or size + content.torn_bytes <= owner.offset:
                return None
            torn = Loss(f"the archive {content.damage}", size, size + content.torn_bytes)
            device, inode = file.key
            at = replace(
                without_losses(owner),
                path=file.path,
                identity=replace(owner.identity, device=device, inode=inode),
                state="archive",
            )
            return Packed(at, replace(file, size=size), torn if content.damage else None)

    def _content(self, at: Checkpoint) -> Content:
        content = self._contents.pop(at.source, None)
        if content is None:
            if len(self._contents) >= MAX_OPEN:
                self.close([next(iter(self._contents))])
            content = open_content(_path_of(at))
        self._contents[at.source] = content  # the last one: it was used last
        return content


def _archives(folders: Iterable[str]) -> Iterator[Found]:
    """The files in these folders whose names say that they are packed."""
    endings = tuple(f".{ending}" for ending in ARCHIVE_ENDINGS)
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.endswith(endings) and entry.is_file(follow_symlinks=False):
                        yield found(entry.path, entry.stat(follow_symlinks=False))
        except OSError:
            continue  # the folder is gone too, or the file is


def _begins_as(content: Content, at: Checkpoint, path: str) -> bool:
    """Whether the content has the head of the file. A short one proves nothing unless the name does."""
    if not at.identity.head_bytes or not begins_with(content.pread, at.identity):
        return False
    name = os.path.basename(path)  # noqa: PTH119
    return at.identity.head_bytes == HEAD_BYTES or (
        at.offset > 0 and any(is_beside(Path(own), name) for own in (at.path, at.stream))
    )


def _unpack(content: Content, alike: Iterable[Checkpoint], deadline: float) -> tuple[Checkpoint | None, int]:
    """Whose content it is, and how large it is. Raises TimeoutError, OSError."""
    owner: Checkpoint | None = None
    size: int | None = None
    offset = 0
    for at in sorted(alike, key=lambda known: (known.offset, known.source)):
        while offset < at.offset and size is None:
            offset = min(at.offset, offset + STEP_BYTES)
            size = _size_within(content, offset, deadline)
        if all(holds(content.pread, mark) for mark in at.marks[-1:]):
            owner = at
    while size is None:
        offset += STEP_BYTES
        size = _size_within(content, offset, deadline)
    return owner, size


def _size_within(content: Content, limit: int, deadline: float) -> int | None:
    if time.monotonic() > deadline:
        raise TimeoutError
    return content.size_within(limit, keep_from=limit - HEAD_BYTES)


def _path_of(at: Checkpoint) -> str:
    """Where the archive is by now. Raises FileNotFoundError."""
    folder = os.path.dirname(at.path)  # noqa: PTH120
    files = [file for file in _archives([folder]) if file.key == key_of(at)]
    if not files:
        raise FileNotFoundError(2, "moved or deleted", at.path)
    return files[0].path
