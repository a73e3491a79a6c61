"""The store: everything that outlives the process, as TinyDB tables in one SQLite file.

One process writes it (the daemon), any number read it (the command line).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

from tinydb import TinyDB

from .database import (
    Database,
    StoreCorruptError,
    StoreError,
    StoreMissingError,
    StoreVersionError,
    describe_error,
)
from .store_lock import CORRUPT, POLL_S, ReaderLock, WriterLock
from .tables import RowStorage, RowTable

MIGRATIONS: Final[tuple[Callable[[Store], None], ...]] = ()
"""Step n brings a file of version n to version n + 1. Append only: files of every version are out there."""

WAL_KEPT_BYTES: Final = 16 * 2**20
"""What the write-ahead log is cut back to after a slow reader made it grow."""

BUSY_S: Final = 5.0
"""How long to wait for another process, which holds the file for moments only."""


class Store:
    """Tables of JSON documents with transactions. Get one by `open` or `open_reader`.

    May be used from different threads, by one at a time."""

    def __init__(self, database: Database, lock: WriterLock | ReaderLock | None) -> None:
        self.path = database.path
        self.set_aside: Path | None = None
        """Where the damaged file went for which this fresh one was begun."""
        self.ended_uncleanly = isinstance(lock, WriterLock) and lock.previous not in {"", CORRUPT}
        """The writer before this one was killed: it never gave its lock back."""
        self._database = database
        self._lock = lock
        self._leaves = ""
        """State for the next writer."""
        self._tinydb = TinyDB(storage=lambda: RowStorage(database))
        self._tinydb.table_class = RowTable  # type: ignore[assignment]  # its constructor takes less

    @classmethod
    def open(cls, path: Path, *, max_bytes: int, passing: bool = False) -> Self:
        """Opens the store as its one writer; creates folder and file where there are none.

        The file may grow to `max_bytes`. A damaged file is moved to `set_aside` and a fresh one begun.
        `passing`: the next writer will hear how the one before this ended.
        Raises `StoreLockedError`, `StoreVersionError`, `StoreDamagedError` (the disk), `StoreError`."""
        lock = WriterLock(path)
        with ExitStack() as undo:
            undo.callback(lock.release, lock.previous)
            try:
                if lock.previous == CORRUPT:
                    raise StoreCorruptError(f"{path} was found damaged when it was last used.")
                store = cls._open_writer(path, lock, max_bytes=max_bytes, check=bool(lock.previous))
            except StoreCorruptError:
                set_aside = _move_aside(path)
                store = cls._open_writer(path, lock, max_bytes=max_bytes, check=False)
                store.set_aside = set_aside
            undo.pop_all()
        if passing and not store.set_aside:
            store._leaves = lock.previous
        return store

    @classmethod
    def open_reader(cls, path: Path) -> Self:
        """Opens the store to read it, also while the daemon writes; reads need `snapshot`.

        Raises `StoreMissingError`, `StoreVersionError`, `StoreCorruptError`, `StoreError`."""
        try:
            path.stat()
        except FileNotFoundError as error:
            raise StoreMissingError(f"{path}: there is no store. Has the daemon run yet?") from error
        except OSError as error:
            raise StoreError(f"{path}: cannot be read ({error.strerror}).") from error
        deadline = time.monotonic() + BUSY_S
        while True:
            try:
                return cls(_connect(path, "mode=ro"), None)
            except StoreError as error:
                if not _needs_log(error) or time.monotonic() > deadline:
                    raise
                lock = ReaderLock.take(path)
                if lock is not None:
                    return cls._open_still(path, lock, error)
            time.sleep(POLL_S)

    @classmethod
    def _open_still(cls, path: Path, lock: ReaderLock, error: StoreError) -> Self:
        """Opens a file that nobody writes without its write-ahead log. Raises `error` if there is one."""
        with ExitStack() as undo:
            undo.callback(lock.release)
            log = _beside(path, "-wal")
            if log.exists() and log.stat().st_size:
                raise error
            store = cls(_connect(path, "immutable=1"), lock)
            undo.pop_all()
        return store

    @classmethod
    def _open_writer(cls, path: Path, lock: WriterLock, *, max_bytes: int, check: bool) -> Self:
        try:
            path.touch(mode=0o640)
        except OSError as error:
            raise StoreError(f"{path}: cannot be created or opened ({error.strerror}).") from error
        database = _connect(path, "mode=rw")
        with ExitStack() as undo:
            undo.callback(database.close)
            if check and (found := database.pragma("quick_check(1)")) != b"ok":
                raise database.corruption(found.decode(errors="replace"))
            if database.pragma("journal_mode", "WAL") != b"wal":
                raise StoreError(f"{path}: this file system cannot hold a write-ahead log. Use a local disk.")
            database.pragma("synchronous", "FULL")
            database.pragma("journal_size_limit", WAL_KEPT_BYTES)
            database.pragma("max_page_count", max(1, max_bytes // database.pragma("page_size")))
            store = cls(database, lock)
            store._migrate()
            undo.pop_all()
        return store

    def table(self, name: str) -> RowTable:
        """The table of that name; it comes into being with its first document."""
        return cast(RowTable, self._tinydb.table(name))

    def transaction(self) -> AbstractContextManager[None]:
        """See `Database.transaction`: all changes inside are one commit, over all tables."""
        return self._database.transaction()

    def snapshot(self) -> AbstractContextManager[None]:
        """See `Database.snapshot`: all reads inside see one commit, over all tables."""
        return self._database.snapshot()

    def check_integrity(self) -> str:
        """ "ok", or what SQLite finds to be damaged. Reads the whole file."""
        found: bytes = self._database.pragma("quick_check(1)")
        return found.decode(errors="replace")

    def check_place(self) -> None:
        """See `Database.check_place`; every commit does it too."""
        self._database.check_place()

    @property
    def size_bytes(self) -> int:
        """Size of the pages in use: `StoreFullError` comes when it reaches `max_bytes`."""
        pragma = self._database.pragma
        return int((pragma("page_count") - pragma("freelist_count")) * pragma("page_size"))

    def close(self) -> None:
        """Ends the use; an open transaction is rolled back."""
        try:
            self._database.close()
        finally:
            match self._lock:
                case WriterLock() as lock:
                    lock.release(CORRUPT if self._database.corrupt else self._leaves)
                case ReaderLock() as lock:
                    lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _migrate(self) -> None:
        version = self._database.pragma("user_version")
        if version < len(MIGRATIONS):
            with self.transaction():
                for step in MIGRATIONS[version:]:
                    step(self)
                self._database.pragma("user_version", len(MIGRATIONS))


def _connect(path: Path, mode: str) -> Database:
    """A connection that has read the file. Raises `StoreCorruptError`, `StoreVersionError`, `StoreError`."""
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}",
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise describe_error(error, path) from error
    read_only = mode != "mode=rw"
    database = Database(connection, path, read_only=read_only)
    with ExitStack() as undo:
        undo.callback(database.close)
        version = database.pragma("user_version")
        if version > len(MIGRATIONS):
            raise StoreVersionError(
                f"{path} was written by a newer selfheald (store version {version}, this one knows "
                f"{len(MIGRATIONS)}). Install that one, or move the file away to begin afresh."
            )
        if read_only and version < len(MIGRATIONS):
            raise StoreVersionError(
                f"{path} has store version {version}, this selfheald reads {len(MIGRATIONS)}. "
                "Restart the daemon: it brings the file up to date."
            )
        undo.pop_all()
    return database


def _move_aside(path: Path) -> Path:
    """Moves a damaged file out of the way, under a name with the date, and returns its new path."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    # The log goes first: left behind, it would be played into the fresh file.
    for suffix in ("-wal", "-shm", ""):
        source = _beside(path, suffix)
        if source.exists():
            source.rename(_beside(aside, suffix))
    return aside


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _needs_log(error: StoreError) -> bool:
    """Whether SQLite wanted to make the write-ahead log, which a clean stop removes, and may not."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
