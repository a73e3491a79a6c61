"""What the watched project declares: its sequence definitions and its coverage reports.

What a file is, its content decides. A file that cannot be read or is malformed is told and skipped.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from daemon.codebase.sequence_definitions import SequenceSource, read_json_definition, read_yaml_definition
from daemon.coverage.read import read_report
from daemon.coverage.report import Report
from daemon.documents import MalformedError, decode_json, line_of

_SUFFIXES: Final = frozenset({".json", ".yaml", ".yml", ".info", ".lcov", ".xml"})
"""What is looked at inside a folder; a file that is named itself is always looked at."""
_PRUNED: Final = frozenset({"node_modules", "__pycache__"})
_MAX_BYTES: Final = 64 * 1024 * 1024


class Declared(msgspec.Struct, frozen=True):
    """What the files say, in the order of their names."""

    definitions: tuple[SequenceSource, ...] = ()
    reports: tuple[Report, ...] = ()
    problems: tuple[str, ...] = ()


class DeclaredFiles:
    """Sequence definitions and coverage reports in files and folders. Unchanged files are not read again."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """`paths`: files, and folders to look through but for hidden ones and node_modules."""
        self._paths = tuple(paths)
        self._cache: dict[_FileVersion, _Content] = {}
        self._declared = Declared()

    def load(self) -> Declared:
        """The same object when nothing has changed."""
        problems: list[str] = []
        contents: dict[_FileVersion, _Content] = {}
        for root in self._paths:
            unknown = []
            for path in _files(root, problems):
                try:
                    version = _version(path)
                    content = self._cache.get(version) or _read(path)
                except OSError as error:
                    problems.append(f"{path}: {error.strerror or error}")
                    continue
                contents[version] = content
                if content == _Content():
                    unknown.append(path)
            if unknown:
                problems.append(_tell_unknown(root, unknown))
        told = (*problems, *(each.problem for each in contents.values() if each.problem))
        if contents.keys() != self._cache.keys() or told != self._declared.problems:
            self._declared = Declared(
                tuple(each.definition for each in contents.values() if each.definition),
                tuple(each.report for each in contents.values() if each.report),
                told,
            )
        self._cache = contents
        return self._declared


class _FileVersion(msgspec.Struct, frozen=True):
    """The same for a file that has not changed."""

    path: Path
    mtime_ns: int
    size_bytes: int


class _Content(msgspec.Struct, frozen=True):
    """What one file says; nothing at all when it is neither definition nor report."""

    definition: SequenceSource | None = None
    report: Report | None = None
    problem: str = ""


class _TopLevel(msgspec.Struct, frozen=True):
    """Enough of a JSON document to tell what it is."""

    movements: msgspec.Raw = msgspec.Raw()


def _files(root: Path, problems: list[str]) -> Iterator[Path]:
    """The root itself, or the files of the folder in a stable order."""
    try:
        folder = root.is_dir()
    except OSError as error:
        problems.append(_unreadable(error))
        return
    if not folder:
        yield root
        return
    for parent, folders, names in os.walk(root, onerror=lambda error: problems.append(_unreadable(error))):
        folders[:] = sorted(each for each in folders if each not in _PRUNED and not each.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if _is_looked_at(name))


def _is_looked_at(name: str) -> bool:
    """coverage.py calls its data file .coverage, or .coverage.HOST.PID."""
    return Path(name).suffix.lower() in _SUFFIXES or name == ".coverage" or name.startswith(".coverage.")


def _unreadable(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}"


def _version(path: Path) -> _FileVersion:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("is not a regular file")
    if status.st_size > _MAX_BYTES:
        raise OSError(f"has {status.st_size:,} bytes, the most that is read is {_MAX_BYTES:,}")
    return _FileVersion(path, status.st_mtime_ns, status.st_size)


def _read(path: Path) -> _Content:
    raw = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    file = path.as_posix()
    try:
        return _parse(file, raw)
    except MalformedError as error:
        line, reason = error.line, error.reason
    except UnicodeDecodeError as error:
        line, reason = line_of(raw, error.start), f"is not UTF-8 ({error.reason})"
    except RecursionError:
        line, reason = 1, "is nested too deeply"
    return _Content(problem=f"{file}:{line}: {reason}")


def _parse(file: str, raw: bytes) -> _Content:
    if not raw.strip():
        raise MalformedError(1, "is empty")
    if report := read_report(file, raw):
        return _Content(report=report)
    head = raw[:4096].lstrip()
    if head.startswith((b"<", b"SQLite")):
        return _Content()
    text = raw.decode()
    if not head.startswith(b"{"):
        return _Content(definition=read_yaml_definition(file, text))
    if bytes(decode_json(raw, _TopLevel).movements):
        return _Content(definition=read_json_definition(file, raw))
    return _Content()


def _tell_unknown(root: Path, unknown: list[Path]) -> str:
    what = "neither a sequence definition nor a coverage report"
    if unknown == [root]:
        return f"{root}:1: is {what}"
    return f"{root}: {len(unknown)} skipped, {what}; the first is {unknown[0]}"
