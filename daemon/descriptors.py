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
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) != key:
                os.close(descriptor)
                raise FileNotFoundError(errno.ENOENT, "moved or deleted", path)
            self._open[key] = descriptor
            if len(self._open) > self._limit:
                self.close(self._least_needed(key))
        self._open.move_to_end(key)
        return descriptor

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

    def _least_needed(self, newest: FileKey) -> FileKey:
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
