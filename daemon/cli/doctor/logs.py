"""The log directories: whether they are there, can be read, and can be watched."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from config.settings import Logs
from daemon.cli.doctor.check import Check
from daemon.mounts import is_remote
from handlers.diagnosis.wording import count

INOTIFY: Final = Path("/proc/sys/fs/inotify")
_MAX_LISTED: Final = 100_000


def check_logs(logs: Logs) -> Iterable[Check]:
    """One check a directory, and one of the kernel's limits for all of them."""
    for directory in logs.directories:
        yield _check_directory(directory, logs)
    yield _check_watches(logs)


def _check_directory(directory: Path, logs: Logs) -> Check:
    name = f"logs {directory}"
    if not directory.exists():
        advice = f"mkdir {directory}, or set logs.directories; it is watched as soon as it is there"
        return Check(name, "warning", "does not exist", advice)
    if not directory.is_dir():
        return Check(name, "failed", "is no directory", "set logs.directories to the directory of the logs")
    if not os.access(directory, os.R_OK | os.X_OK):
        advice = f"let this user list it: setfacl -m u:{_user()}:rx {directory}"
        return Check(name, "failed", f"cannot be listed by {_user()}", advice)
    files = [each for each in _entries(directory, logs.recursive) if each.is_file(follow_symlinks=False)]
    closed = [each for each in files if not os.access(each.path, os.R_OK)]
    if closed:
        first = closed[0].path
        finding = f"{_user()} cannot read {len(closed)} of {count(len(files), 'file')}, such as {first}"
        return Check(name, "warning", finding, f"setfacl -m u:{_user()}:r {first}")
    how = "polled, since other machines write it" if is_remote(directory) else "watched"
    return Check(name, "ok", f"{count(len(files), 'file')}, {how}")


def _check_watches(logs: Logs) -> Check:
    try:
        most = int((INOTIFY / "max_user_watches").read_text())
    except (OSError, ValueError):
        return Check("inotify", "unknown", f"{INOTIFY} cannot be read")
    wanted = sum(
        1 + sum(entry.is_dir(follow_symlinks=False) for entry in _entries(directory, logs.recursive))
        for directory in logs.directories
        if directory.is_dir() and not is_remote(directory)
    )
    finding = f"watches {count(wanted, 'folder')}; {most:,} allowed for all programs of a user together"
    if wanted > most * 0.8:
        return Check("inotify", "failed", finding, f"sysctl fs.inotify.max_user_watches={wanted * 4}")
    return Check("inotify", "ok", finding)


def _entries(directory: Path, recursive: bool) -> list[os.DirEntry[str]]:
    found: list[os.DirEntry[str]] = []
    waiting = [str(directory)]
    while waiting and len(found) < _MAX_LISTED:
        try:
            with os.scandir(waiting.pop()) as entries:
                here = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue  # that it cannot be listed is told of the directory that was configured
        found += here
        if recursive:
            waiting += [entry.path for entry in here if entry.is_dir(follow_symlinks=False)]
    return found


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
