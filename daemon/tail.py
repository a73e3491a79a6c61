"""Follows log files through everything that happens to them: every byte is handed out once, in order.

State changes in two steps, so that offsets and the counts that they produced are one commit:

    for file in tail.scan():
        while block := tail.read(file, max_bytes):
            ...count block.data...
            tail.consumed(block)                  # staged: the next read goes on behind the block
    with store.transaction():
        ...put the counts, put tail.checkpoints(), delete tail.expired()...
    tail.committed()                              # or tail.rolled_back(), if the transaction failed

A crash before the transaction commits, or `rolled_back`, leaves the stored state: the same bytes are handed
out again, to counts that do not know them either. A `Tail` built from stored checkpoints goes on from them.

All calls are synchronous, raise no OSError (what fails is in `problems`) and come from one thread at a time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from config.globs import matching
from handlers.model import LogFile

from .block import Block, ContentChangedError, read_block
from .checkpoint import Checkpoint
from .descriptors import Descriptors
from .identity import next_data, pread_of
from .inventory import QUIET_S, Inventory, quiet_s
from .lag import Unread
from .ledger import Ledger, key_of
from .listing import Found, LogsSettings, found
from .rotation import reading_order
from .unpack import UnpackError

HOT_S: Final = 3.0
"""How long after the last write `is_hot` says to look often."""
EMPTY_WATCHED: Final = 64
"""New empty files that `hot` looks at: the latest ones."""


class Tail:
    """Knows how far each log file was read, and finds and reads what is new."""

    def __init__(
        self,
        logs: LogsSettings,
        own_files: Iterable[Path] = (),
        checkpoints: Iterable[Checkpoint] = (),
    ) -> None:
        """`own_files` are never read, not even under another name that they get later."""
        self.problems: tuple[str, ...] = ()
        """What the last scan found for people to know. What stays as it was is said once."""
        self._logs = logs
        self._ledger = Ledger(checkpoints)
        self._open = Descriptors()
        self._inventory = Inventory(logs, own_files, self._ledger, self._open)
        self._empty: list[Found] = []
        self._rewritten = False
        """Whether a read found other content than was consumed, so that `hot` is not enough."""
        self.sees_all = True
        """Whether `hot` looks at every file that can grow; it does not if there are too many to be open."""
        self._scans_cpu_s = (0.0, 0.0)
        self._said: set[str] = set()
        self._at_end_ms: dict[int, int] = {}
        self._untold: tuple[str, ...] = ()
        """Problems that `hot` came across."""

    def scan(self) -> tuple[LogFile, ...]:
        """Looks at all directories. The files with bytes to read, in the order in which to read them."""
        began_s = time.thread_time()
        self._inventory.update()
        self._rewritten = False
        self._empty = sorted(self._inventory.empty, key=lambda file: file.mtime_ns)[-EMPTY_WATCHED:]
        followed = sum(self._ledger.at(key) is not None for key in self._open.keys())  # noqa: SIM118 (no dict)
        self.sees_all = self._inventory.files <= followed + len(self._empty)
        notes = dict.fromkeys(self._inventory.notes)
        self._inventory.notes.clear()
        self.problems = (*self._untold, *(note for note in notes if note not in self._said))
        self._untold = ()
        self._said = set(notes)
        files = self._unread(self._inventory.looks)
        self._scans_cpu_s = (self._scans_cpu_s[1], time.thread_time() - began_s)
        return files

    @property
    def scan_cpu_s(self) -> float:
        """What a scan costs in which nothing is new: the cheaper one of the last two."""
        return min(self._scans_cpu_s)

    def hot(self) -> tuple[LogFile, ...]:
        """Like `scan`, for the files that were read lately, at the cost of one fstat each."""
        if self._rewritten or any(_size(file.path) != file.size for file in self._empty):
            return self._scan_early()
        sources = []
        for key in self._open.keys():  # noqa: SIM118 (a tuple, since files are closed meanwhile)
            at, status = self._ledger.at(key), self._open.status(key)
            last = self._inventory.looks.get(at.source) if at else None
            if at is None or status is None or last is None:
                continue
            deleted = status.st_nlink == 0 and at.state != "gone"
            grown = status.st_size > last.size
            look = found(last.path, status)
            if deleted or status.st_size < last.size or (grown and not self._is_same(at, look)):
                return self._scan_early()
            if grown:
                self._inventory.looks[at.source] = look
                self._inventory.grew_at = time.monotonic()
            sources.append(at.source)
        return self._unread(sources)

    def _scan_early(self) -> tuple[LogFile, ...]:
        files = self.scan()
        self._untold = self.problems  # who asks `hot` wants to know of files; the next scan tells
        return files

    @property
    def is_hot(self) -> bool:
        """Whether a file was written in the last `HOT_S` seconds, so that it pays to call `hot` often."""
        return time.monotonic() - self._inventory.grew_at < HOT_S

    def read(
        self, file: LogFile, max_bytes: int, *, flush: bool = False, opening: bytes = b""
    ) -> Block | None:
        """The next whole lines of the file, about `max_bytes` of them; None if there are none now.

        Returns the same block until it is consumed. A last line without a newline waits until the file will
        not grow any more, or comes at once if `flush`. `opening`: see `read_block`."""
        at = self._ledger.get(file.source)
        if at is not None and at.state == "archive":
            return self._read_packed(at, max_bytes)
        if at is None or not self._ledger.is_current(at):
            return None
        self._nothing_taken(at.source)
        try:
            descriptor = self._open.get(key_of(at), at.path)
            block = read_block(
                pread_of(descriptor),
                at,
                max_bytes=max_bytes,
                max_line_bytes=self._logs.max_line_bytes,
                flush=flush or self._is_complete(at),
                next_data=partial(next_data, descriptor),
                opening=opening,
            )
            if block is not None:
                self._inventory.untaken.pop(at.source, None)
            return block
        except ContentChangedError:
            self._inventory.doubtful.add(at.source)
            self._rewritten = True
        except OSError as error:
            self._inventory.cannot_read(at.path, error)
        return None

    def _read_packed(self, at: Checkpoint, max_bytes: int) -> Block | None:
        block = None
        with self._problems_of(at):
            block = self._inventory.packed.read(at, max_bytes, self._logs.max_line_bytes)
        if block is None:
            self._nothing_taken(at.source)
        return block

    @contextmanager
    def _problems_of(self, at: Checkpoint) -> Iterator[None]:
        try:
            yield
        except (UnpackError, ContentChangedError):
            self._inventory.notes.append(f"{at.path}: changed while it was read")
        except OSError as error:
            self._inventory.cannot_read(at.path, error)

    def lossy_streams(self) -> tuple[str, ...]:
        """Streams of which a scan since the last commit found that bytes are lost."""
        return tuple({self._ledger[source].stream for source in self._inventory.lost})

    def head(self, file: LogFile, max_bytes: int) -> bytes:
        """The first bytes of the file, wherever it is by now; b"" if it cannot be read any more."""
        at = self._ledger.get(file.source)
        if at is None or at.unrecognisable:
            return b""
        if at.state == "archive":
            with self._problems_of(at):
                return self._inventory.packed.head(at, max_bytes)
        if not self._ledger.is_current(at):
            return b""
        self._nothing_taken(at.source)
        try:
            return os.pread(self._open.get(key_of(at), at.path), max_bytes, 0)
        except OSError as error:
            self._inventory.cannot_read(at.path, error)
            return b""

    def _nothing_taken(self, source: int) -> None:
        """Until a block is: a deleted file that gives none is not kept open for ever."""
        if (look := self._inventory.looks.get(source)) is not None:
            self._inventory.untaken[source] = look.size

    def consumed(self, block: Block) -> None:
        """Stages that the block was processed. Raises ValueError if it is not the next one of its file."""
        self._ledger.consumed(block)

    def quarantined(self, block: Block, reason: str) -> None:
        """Stages that the block is passed over, as a loss. Raises ValueError as `consumed` does."""
        self._ledger.quarantined(block, reason)

    def unrecognisable(self, file: LogFile) -> None:
        """Stages that `head` tells nothing of the file from now on: it kills or hangs who looks at it."""
        self._ledger.unrecognisable(file.source)

    def unread(self) -> tuple[Unread, ...]:
        """What the last look saw and was not consumed yet, by file."""
        looked = [(self._ledger[source], look) for source, look in self._inventory.looks.items()]
        return tuple(
            Unread(at.stream, look.size - at.offset, self._at_end(at, look.size))
            for at, look in looked
            if look.size > at.offset
        )

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Those that changed since the last commit."""
        looks = self._inventory.looks
        return tuple(
            replace(at, at_end_ms=self._at_end(at, look.size), seen_bytes=look.size)
            if (look := looks.get(at.source))
            else at
            for at in self._ledger.changed()
        )

    def expired(self) -> tuple[int, ...]:
        """Sources whose checkpoints are to be deleted: the oldest ones of the files that are gone."""
        return self._ledger.expired()

    def committed(self) -> None:
        """What `checkpoints` and `expired` said is stored."""
        self._ledger.committed()
        self._inventory.committed()

    def rolled_back(self) -> None:
        """What `checkpoints` and `expired` said is not stored: goes on from the state before.

        The next call is `scan`."""
        self._ledger.rolled_back()
        self._inventory.rolled_back()

    def close(self) -> None:
        self._open.close_all()
        self._inventory.packed.close_all()

    @property
    def is_searching(self) -> bool:
        """Whether the next `scan` may find more of what is there already: archives take time."""
        return self._inventory.packed.is_searching

    def _unread(self, sources: Iterable[int]) -> tuple[LogFile, ...]:
        unread = []
        now_ms = time.time_ns() // 1_000_000
        for source in sources:
            at, file = self._ledger[source], self._inventory.looks[source]
            if file.size > at.offset:
                unread.append((at, file))
                self._at_end_ms.setdefault(source, at.at_end_ms)
            else:
                self._at_end_ms[source] = now_ms
        unread.sort(key=lambda pair: reading_order(pair[0], pair[1].mtime_ns))
        return tuple(
            LogFile(
                at.source, at.path, at.stream, at.identity, at.offset, file.size, self._format_of(at.stream)
            )
            for at, file in unread
        )

    def _format_of(self, stream: str) -> str:
        """The format that the settings name, or "" where it is to be recognised."""
        name = matching(stream, self._logs.format_of, self._logs.format)
        return "" if name == "auto" else name

    def _at_end(self, at: Checkpoint, size: int) -> int:
        if size <= at.offset:
            return time.time_ns() // 1_000_000
        return self._at_end_ms.get(at.source, at.at_end_ms)

    def _is_same(self, at: Checkpoint, look: Found) -> bool:
        try:
            return self._inventory.is_same(at, look)
        except OSError:
            return False  # the scan tells why

    def _is_complete(self, at: Checkpoint) -> bool:
        """Whether the file will not grow any more, so that its last line needs no newline."""
        status = self._open.status(key_of(at))
        if status is None:
            return False
        quiet = quiet_s(found(at.path, status)) > QUIET_S
        return status.st_nlink == 0 or (at.state != "active" and quiet)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 (paths stay strings)
    except OSError:
        return -1
