"""Files that were read lately stay open: an open file can be read to its end after it was deleted or moved
away, its inode is not given to another file, and fstat costs less than stat."""

from __future__ import annotations

import errno
import os
import resource
from collections import OrderedDict
from typing import Final

from .identity import FileKey

MAX_OPEN: Final = 256


class Descriptors:
    """At most `limit` open files; the one that was used longest ago is closed first.

    A file that was deleted is closed after all others, since it cannot be opened again."""

    def __init__(self, limit: int = MAX_OPEN) -> None:
        # Half of what the process may open is left to everything else.
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._limit = limit if allowed == resource.RLIM_INFINITY else min(limit, allowed // 2)
        self._open: OrderedDict[FileKey, int] = OrderedDict()

    def get(self, key: FileKey, path: str) -> int:
        """A descriptor to read the file. Raises OSError, also if another file is at `path` by now."""
        descriptor = self._open.get(key)
        if descriptor is None:
            # O_NONBLOCK: should a pipe be there by now, open does not wait for its writer.
            descriptor = self._opened(path)
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) != key:
                os.close(descriptor)
                raise FileNotFoundError(errno.ENOENT, "moved or deleted", path)
            self._open[key] = descriptor
            if len(self._open) > self._limit:
                self.close(self._least_needed(key))
        self._open.move_to_end(key)
        return descriptor

    def _opened(self, path: str) -> int:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            return os.open(path, flags)
        except OSError as error:
            if error.errno != errno.EMFILE or not self._open:
                raise
        # Something else of this process has more files open than was left to it.
        self._limit = max(1, len(self._open) - 1)
        self.close(self._least_needed(None))
        return os.open(path, flags)

    def status(self, key: FileKey) -> os.stat_result | None:
        """None if the file is not open (any more)."""
        descriptor = self._open.get(key)
        if descriptor is None:
            return None
        try:
            return os.fstat(descriptor)
        except OSError:  # a network file system that lost the file
            self.close(key)
            return None

    def _least_needed(self, newest: FileKey | None) -> FileKey:
        others = [key for key in self._open if key != newest]
        kept = (key for key in others if (status := self.status(key)) is None or status.st_nlink)
        return next(kept, others[0])

    def keys(self) -> tuple[FileKey, ...]:
        return tuple(self._open)

    def close(self, key: FileKey) -> None:
        descriptor = self._open.pop(key, None)
        if descriptor is not None:
            os.close(descriptor)

    def close_all(self) -> None:
        for key in self.keys():
            self.close(key)
