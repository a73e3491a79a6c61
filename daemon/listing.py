"""Which log files there are: one pass over the configured directories, one stat a file."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from fnmatch import translate
from pathlib import Path
from typing import Protocol

import msgspec

from .identity import FileKey


class LogsSettings(Protocol):
    """What following files needs of the settings."""

    @property
    def directories(self) -> tuple[Path, ...]: ...
    @property
    def include(self) -> tuple[str, ...]: ...
    @property
    def exclude(self) -> tuple[str, ...]: ...
    @property
    def recursive(self) -> bool: ...
    @property
    def follow_symlinks(self) -> bool: ...
    @property
    def format(self) -> str: ...
    @property
    def format_of(self) -> Mapping[str, str]: ...
    @property
    def max_line_bytes(self) -> int: ...


class Found(msgspec.Struct, frozen=True, gc=False):
    """A regular file as one look saw it."""

    key: FileKey
    path: str
    size: int
    mtime_ns: int


class Listing(msgspec.Struct, frozen=True):
    """Every file once, however many names it has."""

    files: dict[FileKey, Found]
    problems: list[str]
    """For people: what could not be read, and what to do."""
    unreadable: list[str]
    """Directories whose files are not known, which does not mean that they are gone."""


def found(path: str, status: os.stat_result) -> Found:
    return Found((status.st_dev, status.st_ino), path, status.st_size, status.st_mtime_ns)


def list_files(logs: LogsSettings) -> Listing:
    """The files with a matching name. Paths are absolute. Raises nothing: what fails is in `problems`."""
    return _Walk(logs).run()


def _globs(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns) or r"(?!)")


class _Walk:
    def __init__(self, logs: LogsSettings) -> None:
        self._logs = logs
        self._include = _globs(logs.include)
        self._exclude = _globs(logs.exclude)
        self._roots = [os.path.abspath(directory) for directory in logs.directories]  # noqa: PTH100 (no link)
        self._real_roots = [os.path.realpath(root) + "/" for root in self._roots]
        self._seen: set[FileKey] = set()
        self._pending: list[str] = []
        self._links: list[str] = []
        self._listing = Listing({}, [], [])

    def run(self) -> Listing:
        for root in self._roots:
            try:
                self._directory(root)
            except FileNotFoundError:
                self._problem(f"{root}: there is no such directory yet; it is read as soon as it appears")
            self._drain()
        # Links come last, so that a file that is also there directly has its own name.
        while self._links:
            self._link(self._links.pop())
            self._drain()
        return self._listing

    def _drain(self) -> None:
        while self._pending:
            try:
                self._directory(self._pending.pop())
            except FileNotFoundError:
                continue  # deleted since its parent was listed

    def _problem(self, text: str) -> None:
        self._listing.problems.append(text)

    def _directory(self, directory: str) -> None:
        try:
            status = os.stat(directory)  # noqa: PTH116 (10,000 files: paths stay strings)
            key = (status.st_dev, status.st_ino)
            if key in self._seen:
                return
            self._seen.add(key)
            with os.scandir(directory) as entries:
                for entry in entries:
                    self._entry(entry)
        except FileNotFoundError:
            raise
        except NotADirectoryError:
            self._problem(f"{directory}: is not a directory")
        except OSError as error:
            self._listing.unreadable.append(directory)
            self._problem(f"{directory}: cannot be listed ({error.strerror}); tried again at each look")

    def _entry(self, entry: os.DirEntry[str]) -> None:
        if entry.is_symlink():
            self._links.append(entry.path)
        elif entry.is_dir(follow_symlinks=False):
            if self._logs.recursive:
                self._pending.append(entry.path)
        elif self._wanted(entry.name):
            try:
                self._file(entry.path, entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                return  # deleted since the directory was listed

    def _link(self, path: str) -> None:
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError as error:
            if self._wanted(os.path.basename(path)):  # noqa: PTH119
                self._problem(f"{path}: is a symbolic link that leads nowhere ({error.strerror})")
            return
        is_directory = stat.S_ISDIR(status.st_mode)
        if not (self._logs.recursive if is_directory else self._wanted(os.path.basename(path))):  # noqa: PTH119
            return
        if not self._logs.follow_symlinks:
            if not os.path.realpath(path).startswith(tuple(self._real_roots)):
                self._problem(
                    f"{path}: is a symbolic link out of the log directories; not followed unless "
                    "logs.follow_symlinks is true"
                )
        elif is_directory:
            self._pending.append(path)
        elif (status.st_dev, status.st_ino) not in self._listing.files:
            self._file(path, status)

    def _wanted(self, name: str) -> bool:
        return bool(self._include.match(name)) and not self._exclude.match(name)

    def _file(self, path: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            self._problem(f"{path}: is not a regular file; it is not read")
            return
        try:
            path.encode()
        except UnicodeEncodeError:
            self._problem(f"{path!a}: the name is not UTF-8; rename the file and it is read")
            return
        file = found(path, status)
        same = self._listing.files.setdefault(file.key, file)
        if path < same.path:  # a hard link: always the same one of its names
            self._listing.files[file.key] = file
