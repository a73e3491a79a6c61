"""Whether somebody writes the store now, found out without taking its lock: that could stop a start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from daemon.store_lock import lock_path


class Writer(msgspec.Struct, frozen=True):
    """The process that writes the store."""

    state: Literal["running", "stopped", "unknown"]
    pid: int | None = None


def writer_of(store: Path) -> Writer:
    """The kernel's list of locks tells who holds the lock; a process id in the file may be of the dead.

    Format: proc_locks(5), `1: FLOCK ADVISORY WRITE 1234 fe:00:2146620 0 EOF`.
    """
    path = lock_path(store)
    try:
        status = path.stat()
        named = path.read_text(errors="replace").strip()
        locks = Path("/proc/locks").read_text()
    except FileNotFoundError:
        return Writer("stopped" if Path("/proc/locks").exists() else "unknown")
    except OSError:
        return Writer("unknown")
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    for lock in locks.splitlines():
        match lock.split():
            case [_, "FLOCK", _, "WRITE", pid, place, *_]:
                at, _, inode = place.rpartition(":")
                # Some file systems (btrfs) have another device number here than stat says.
                if inode == str(status.st_ino) and (at == device or pid == named):
                    return Writer("running", int(pid))
    return Writer("stopped")
