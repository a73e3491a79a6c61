"""Reads what is known of the watched project: its sequence definitions and its coverage reports.

What a file is, its content decides. A file that cannot be read or is malformed is told in
`Codebase.problems` and skipped.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import anyio.to_thread
import msgspec

from daemon.coverage_reports import read_coverage_py, read_lcov
from daemon.documents import MalformedError, decode_json, line_of
from daemon.sequence_definitions import SequenceSource, read_json_definition, read_yaml_definition
from handlers.model import Codebase, CoveredFunction, Handler, Sequence, Test

_SUFFIXES: Final = frozenset({".json", ".yaml", ".yml", ".info", ".lcov"})
"""What is looked at inside a folder; a file that is named itself is always looked at."""
_PRUNED: Final = frozenset({"node_modules", "__pycache__"})
_MAX_BYTES: Final = 64 * 1024 * 1024


class CodebaseReader:
    """The codebase port over configured files and folders. Unchanged files are not read again."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """`paths`: files, and folders to look through but for hidden ones and node_modules."""
        self._paths = tuple(paths)
        self._cache: dict[_FileVersion, _Content] = {}

    async def load_codebase(self) -> Codebase:
        return await anyio.to_thread.run_sync(self._load)

    def _load(self) -> Codebase:
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
        self._cache = contents
        return _merge(contents.values(), problems)


class _FileVersion(msgspec.Struct, frozen=True):
    """The same for a file that has not changed."""

    path: Path
    mtime_ns: int
    size_bytes: int


class _Content(msgspec.Struct, frozen=True):
    """What one file says; nothing at all when it is neither definition nor report."""

    definition: SequenceSource | None = None
    functions: tuple[CoveredFunction, ...] | None = None
    problem: str = ""


class _TopLevel(msgspec.Struct, frozen=True):
    """Enough of a JSON document to tell what it is."""

    movements: msgspec.Raw = msgspec.Raw()
    meta: msgspec.Raw = msgspec.Raw()
    files: msgspec.Raw = msgspec.Raw()


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
        yield from (Path(parent, name) for name in sorted(names) if Path(name).suffix.lower() in _SUFFIXES)


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
    text = raw.decode()
    head = text.lstrip()
    if not head:
        raise MalformedError(1, "is empty")
    if head.startswith(("TN:", "SF:")):
        return _Content(functions=read_lcov(file, text))
    if not head.startswith("{"):
        return _Content(definition=read_yaml_definition(file, text))
    top = decode_json(raw, _TopLevel)
    if bytes(top.movements):
        return _Content(definition=read_json_definition(file, raw))
    if bytes(top.meta) and bytes(top.files):
        return _Content(functions=read_coverage_py(file, raw))
    return _Content()


def _tell_unknown(root: Path, unknown: list[Path]) -> str:
    what = "neither a sequence definition nor a coverage report"
    if unknown == [root]:
        return f"{root}:1: is {what}"
    return f"{root}: {len(unknown)} skipped, {what}; the first is {unknown[0]}"


def _merge(contents: Iterable[_Content], problems: list[str]) -> Codebase:
    """Of sequences with the same id the first one stays, and the others are told."""
    sequences: dict[str, Sequence] = {}
    handlers: list[Handler] = []
    functions: list[CoveredFunction] = []
    told = list(problems)
    for content in contents:
        functions += content.functions or ()
        if content.problem:
            told.append(content.problem)
        if not content.definition:
            continue
        sequence = content.definition.sequence
        if first := sequences.get(sequence.id):
            told.append(
                f"{sequence.file}:{content.definition.line}: id {sequence.id} is taken by {first.file}; "
                "this sequence is skipped, give it an id of its own"
            )
            continue
        sequences[sequence.id] = sequence
        handlers += content.definition.handlers
    return Codebase(
        handlers=tuple(handlers),
        sequences=tuple(sequences.values()),
        tests=_tests(handlers),
        functions=tuple(functions),
        problems=tuple(told),
    )


def _tests(handlers: list[Handler]) -> tuple[Test, ...]:
    """The distinct declared tests, each with the handlers that name it."""
    covers: dict[tuple[str, str], dict[str, None]] = {}
    for handler in handlers:
        if handler.test_file:
            covers.setdefault((handler.test_file, handler.test_case), {})[handler.name] = None
    return tuple(Test(file, case, tuple(names)) for (file, case), names in covers.items())
