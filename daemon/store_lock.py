"""Who may use the store: one writer, or readers that need the file to stand still.

An flock on a file next to the store. The kernel gives it back when the process ends, however it ends; what
the file says stays: "" after a clean stop, else the process id of the writer, or `CORRUPT`.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from .database import StoreError, StoreLockedError

CORRUPT: Final = "corrupt"
"""State that a writer leaves behind that found the content of the store to be wrong."""

READER_WAIT_S: Final = 5.0
"""How long a writer waits for readers that keep it from starting."""

POLL_S: Final = 0.02


class WriterLock:
    """Held by the one writer. Creates the folder. Raises `StoreLockedError`, `StoreError`."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._fd = os.open(lock_path(path), os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise StoreError(f"{lock_path(path)}: cannot be written ({error.strerror}).") from error
        deadline = time.monotonic() + READER_WAIT_S
        while not _take(self._fd, fcntl.LOCK_EX):
            if holder := self._read():
                os.close(self._fd)
                raise StoreLockedError(
                    f"{path} is in use by process {holder}. Stop that one first (systemctl stop selfheald).",
                    int(holder) if holder.isdigit() else None,
                )
            if time.monotonic() > deadline:
                os.close(self._fd)
                raise StoreLockedError(
                    f"{path} is being read for more than {READER_WAIT_S:g} s. End the reader first.", None
                )
            time.sleep(POLL_S)
        self.previous = self._read()
        """The state that the last writer left."""
        self._write(str(os.getpid()))

    def release(self, state: str) -> None:
        """Gives the lock back and leaves `state` to the next writer. A second call does nothing."""
        if self._fd >= 0:
            with suppress(OSError):  # a disk that takes no writes: the next writer finds the store not closed
                self._write(state)
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> str:
        return os.pread(self._fd, 64, 0).decode(errors="replace").strip()

    def _write(self, state: str) -> None:
        # One write of the full width: truncating first would leave "" to who is killed in between.
        os.pwrite(self._fd, f"{state:<15}\n".encode(), 0)


class ReaderLock:
    """Keeps a writer from starting, for readers of a file without its write-ahead log."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, path: Path) -> ReaderLock | None:
        """The lock, or None while a writer holds it. Raises `StoreError` without leave to read the file."""
        try:
            fd = os.open(lock_path(path), os.O_RDONLY)
        except OSError as error:
            raise StoreError(f"{lock_path(path)}: cannot be read ({error.strerror}).") from error
        if _take(fd, fcntl.LOCK_SH):
            return cls(fd)
        os.close(fd)
        return None

    def release(self) -> None:
        """Gives the lock back. A second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _take(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
