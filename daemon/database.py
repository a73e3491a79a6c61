"""One SQLite connection: statements, transactions, and errors that say what to do.

SQLite's write-ahead log makes a commit atomic and, with `synchronous=FULL`, durable when it returns
(https://www.sqlite.org/wal.html). One connection writes; readers never block it.
"""

from __future__ import annotations

import errno
import sqlite3
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any


class StoreError(Exception):
    """Something is wrong with the store, or with the way it was used."""


class StoreMissingError(StoreError):
    """There is no store to read."""


class StoreLockedError(StoreError):
    """Another process writes this store: `pid`, or None where it has not said so yet."""

    def __init__(self, message: str, pid: int | None) -> None:
        super().__init__(message)
        self.pid = pid


class StoreVersionError(StoreError):
    """The file was written by another version of the program."""


class StoreFullError(StoreError):
    """No room for more: the cap or the disk. Nothing of the transaction was kept.

    At the cap deletes still work, on a full disk they may fail too. Pause, make room, go on."""


class StoreReadOnlyError(StoreError):
    """The file system takes no writes. Nothing of the transaction was kept; pause until it takes them."""


class StoreDamagedError(StoreError):
    """The disk failed. Stop: what is in memory may differ from what is stored."""


class StoreCorruptError(StoreDamagedError):
    """The file itself is wrong. Stop: the next start sets it aside and begins a fresh one."""


class StoreMovedError(StoreDamagedError):
    """The file was deleted or replaced while it was used. Stop: nobody would ever see what is written now."""


class DocumentError(StoreError, ValueError):
    """A document that cannot be stored: not JSON, not finite, or an id beyond 64 bits."""


def describe_error(error: sqlite3.Error, path: Path) -> StoreError:
    """The error in the words of this module, by SQLite's primary result code
    (https://www.sqlite.org/rescode.html)."""
    match getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return StoreFullError(
                f"{path}: no room ({error}). Keep less history, raise the size limit, or free disk space."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return corrupt_error(path, str(error))
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_IOERR if _is_read_only(path):
            return StoreReadOnlyError(
                f"{path}: the file system is read-only. Find out why (journalctl -k) and mount it anew."
            )
        case sqlite3.SQLITE_IOERR:
            return StoreDamagedError(
                f"{path}: the disk failed ({error}). Check it (journalctl -k), then restart the daemon."
            )
    return StoreError(f"{path}: {error}")


def _is_read_only(path: Path) -> bool:
    """Found out by trying: a file system that is read-only since it failed may still be mounted "rw"."""
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            return False
    except OSError as error:
        return error.errno == errno.EROFS


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def corrupt_error(path: Path, reason: str) -> StoreCorruptError:
    return StoreCorruptError(
        f"{path}: damaged ({reason}). Restart the daemon: it sets the file aside and begins a fresh one."
    )


class Database:
    """A connection that is used by one thread at a time, not always the same one.

    A transaction belongs to the thread that began it; joining it from another thread would let that
    thread's work vanish in the first one's rollback, so it is refused."""

    def __init__(self, connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self.corrupt = False
        """Whether the content was found to be wrong; true for good."""
        self._connection = connection
        # Bytes, so that rotten text comes to `corruption` instead of an error without a code.
        connection.text_factory = bytes
        self._turn = threading.Lock()
        self._owner: int | None = None
        self._writing = False
        self._failure: StoreError | None = None
        self._tables: set[str] = set()
        self._file = _file_at(path)

    def check_place(self) -> None:
        """Raises `StoreMovedError` if another file, or none, is at the path by now.

        SQLite would go on with the file that it has open, and lose all of it at the end."""
        if _file_at(self.path) != self._file:
            raise StoreMovedError(
                f"{self.path}: was deleted or replaced while it was used. What was read since is not stored "
                "and will be read again. A restart goes on with the file that is there, or begins a new one "
                "from the logs that still exist."
            )

    def query(self, sql: str, *parameters: int | str) -> list[tuple[Any, ...]]:
        """All rows of a SELECT; text comes as bytes."""
        self._check_turn()
        with self._errors():
            return self._connection.execute(sql, parameters).fetchall()

    def change(self, sql: str, *parameters: int | str) -> int:
        """Runs an INSERT, UPDATE, DELETE or CREATE inside of `operation`; the number of rows changed."""
        self._check_turn()
        with self._errors():
            return self._connection.execute(sql, parameters).rowcount

    def change_many(self, sql: str, rows: Iterable[tuple[int | str, ...]]) -> None:
        """Runs one statement for each row, inside of `operation`."""
        self._check_turn()
        with self._errors():
            self._connection.executemany(sql, rows)

    def pragma(self, name: str, value: int | str | None = None) -> Any:
        """Value of a PRAGMA, after it was set if there is a `value`."""
        with self._errors():
            row = self._connection.execute(
                f"PRAGMA {name}" if value is None else f"PRAGMA {name} = {value}"
            ).fetchone()
        return row and row[0]

    def has_table(self, name: str) -> bool:
        if name not in self._tables and self.query("SELECT 1 FROM sqlite_schema WHERE name = ?", name):
            self._tables.add(name)
        return name in self._tables

    def transaction(self) -> AbstractContextManager[None]:
        """All changes inside become visible together, at its end, or not at all.

        Raises `StoreError` if one is open already, `StoreFullError`, `StoreDamagedError`. After a failed
        commit take all state from the store again: it holds nothing of the transaction."""
        if self.read_only:
            raise StoreError(f"{self.path} is open for reading only; only the daemon writes.")
        return self._begin("BEGIN IMMEDIATE", writing=True)

    def snapshot(self) -> AbstractContextManager[None]:
        """All reads inside see the same commit. Keep it short: while it lasts the log cannot shrink."""
        return self._begin("BEGIN", writing=False)

    @contextmanager
    def operation(self) -> Iterator[None]:
        """One change that is kept whole or not at all: a transaction, or a savepoint in the open one."""
        if self._owner is None:
            with self.transaction():
                yield
            return
        self._check_turn()
        if not self._writing:
            raise StoreError(f"{self.path}: nothing can be written inside of a snapshot.")
        self._execute("SAVEPOINT operation")
        kept = False
        try:
            yield
            kept = True
        finally:
            # After a database error SQLite may have ended the transaction, and its savepoints with it.
            if self._failure is None:
                if not kept:
                    self._execute("ROLLBACK TO operation")
                    self._tables.clear()
                self._execute("RELEASE operation")

    def corruption(self, reason: str) -> StoreCorruptError:
        """The error to raise where the content is found to be wrong."""
        self.corrupt = True
        self._failure = corrupt_error(self.path, reason)
        return self._failure

    def close(self) -> None:
        with self._errors():
            self._connection.close()

    @contextmanager
    def _begin(self, begin: str, *, writing: bool) -> Iterator[None]:
        if not self._turn.acquire(blocking=False):
            where = "this" if self._owner == threading.get_ident() else "another"
            raise StoreError(f"{self.path}: {where} thread has a transaction open; end it first.")
        try:
            self._owner, self._writing, self._failure = threading.get_ident(), writing, None
            self._execute(begin)
            yield
            if self._failure is not None:
                raise self._failure
            if writing:
                self.check_place()
            self._execute("COMMIT")
        finally:
            try:
                with self._errors():
                    if self._connection.in_transaction:
                        self._tables.clear()
                        self._connection.execute("ROLLBACK")
            finally:
                self._owner = None
                self._turn.release()

    def _execute(self, sql: str) -> None:
        with self._errors():
            self._connection.execute(sql)

    def _check_turn(self) -> None:
        if self._owner is None:
            if self.read_only:
                raise StoreError(f"{self.path}: read inside of `with store.snapshot():`.")
        elif self._owner != threading.get_ident():
            raise StoreError(f"{self.path}: another thread has a transaction open; wait for its end.")
        elif self._failure is not None:
            raise self._failure

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OverflowError as error:
            raise DocumentError(f"{self.path}: ids are 64-bit integers ({error}).") from error
        except sqlite3.Error as error:
            failure = describe_error(error, self.path)
            self.corrupt |= isinstance(failure, StoreCorruptError)
            self._failure = failure
            raise failure from error
