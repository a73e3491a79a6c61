"""The folder beside the store through which orders reach the daemon: one file each, made whole or not at all.

Who may write into it may give orders: the owner of the store and its group.
"""

from __future__ import annotations

import os
import stat
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

MAX_ORDER_BYTES: Final = 65_536
_ORDER: Final = ".json"
_REFUSED: Final = ".refused"


class NotAnOrderError(Exception):
    """A file in the spool that cannot be an order; it says why."""


class Spool:
    """Orders that wait, in the order in which they were given."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + ".orders")

    def prepare(self) -> None:
        """Makes the folder. For the daemon: it must own the folder to remove what others put there."""
        with suppress(FileExistsError):
            self.path.mkdir()
            self.path.chmod(0o770)  # the umask of the service takes the group's right to write

    def put(self, content: bytes, at_ms: int) -> Path:
        """Adds an order; it is durable when this returns.

        Raises OSError: FileNotFoundError before any daemon ran.
        """
        name = f"{at_ms:015}-{uuid.uuid4()}"
        hidden = self.path / f".{name}"
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o644)  # the folder keeps strangers out; the daemon is another user
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            order = self.path / f"{name}{_ORDER}"
            hidden.rename(order)
        except OSError:
            hidden.unlink(missing_ok=True)
            raise
        self._sync()
        return order

    def waiting(self) -> list[str]:
        """Names of the orders, oldest first. Raises OSError; a folder that is gone is made again."""
        try:
            names = [path.name for path in self.path.iterdir()]
        except FileNotFoundError:
            self.prepare()
            return []
        return sorted(name for name in names if name.endswith(_ORDER) and not name.startswith("."))

    def read(self, name: str) -> bytes:
        """Raises NotAnOrderError, and FileNotFoundError if it was taken back."""
        try:
            # A link could lead anywhere, and a pipe would be waited for.
            descriptor = os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise NotAnOrderError(f"cannot be read ({error.strerror})") from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise NotAnOrderError("is no plain file")
            content = os.read(descriptor, MAX_ORDER_BYTES + 1)
        finally:
            os.close(descriptor)
        if len(content) > MAX_ORDER_BYTES:
            raise NotAnOrderError(f"has more than {MAX_ORDER_BYTES} bytes")
        return content

    def remove(self, name: str) -> None:
        """Raises OSError."""
        (self.path / name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> Path:
        """Renames what is no order, so that it is not met again; returns where it is. Raises OSError."""
        aside = self.path / f"{name}{_REFUSED}"
        (self.path / name).rename(aside)
        return aside

    def _sync(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
