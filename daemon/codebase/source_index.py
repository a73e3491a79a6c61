"""The functions in the source files of a project. Only what changed is parsed again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from daemon.codebase.git import Git
from daemon.codebase.parse_file import ParsedFile, parse_file
from daemon.codebase.parse_workers import CHUNK, parse_in_processes
from daemon.codebase.parsed import shared
from daemon.codebase.source_files import Version, source_files
from handlers.model import Function

_SHOWN: Final = 10


class Source(msgspec.Struct, frozen=True):
    functions: tuple[Function, ...]
    blobs: dict[str, str]
    """Content name by path."""
    problems: tuple[str, ...]


class SourceIndex:
    def __init__(self, root: Path, check: Callable[[], None] = lambda: None) -> None:
        """`check` is called now and then while much is parsed, and ends it by raising."""
        self._root = root
        self._check = check
        self._files: dict[str, tuple[Version, ParsedFile]] = {}
        self._problems: list[str] = []
        self._source = Source((), {}, ())

    def refresh(self, git: Git | None) -> Source:
        """The same object when nothing has changed."""
        problems: list[str] = []
        versions = source_files(self._root, git, problems)
        changed = [path for path, version in versions.items() if self._version(path) != version]
        fresh = {path: _shared(file, path) for path, file in self._parse(changed)}
        files = {
            path: (version, fresh.get(path) or self._files.get(path, (version, ParsedFile()))[1])
            for path, version in versions.items()
        }
        if changed or problems != self._problems or files.keys() != self._files.keys():
            self._source = _source(self._root, {path: file for path, (_, file) in files.items()}, problems)
        self._files, self._problems = files, problems
        return self._source

    def _parse(self, paths: list[str]) -> Iterable[tuple[str, ParsedFile]]:
        """A few Python files are parsed right here; the parser of other languages could crash or hang on text
        that is no code.
        """
        if len(paths) <= CHUNK and all(path.endswith(".py") for path in paths):
            return ((path, parse_file(self._root, path)) for path in paths)
        return parse_in_processes(self._root, paths, self._check)

    def _version(self, path: str) -> Version | None:
        known = self._files.get(path)
        return known[0] if known else None


def _source(root: Path, files: dict[str, ParsedFile], problems: list[str]) -> Source:
    told = [*problems]
    failed = [file.parsed.problem for file in files.values() if file.parsed.problem]
    told += failed[:_SHOWN]
    if len(failed) > _SHOWN:
        told.append(f"{root}: {len(failed) - _SHOWN:,} more source files are not or not wholly understood")
    missing: dict[str, int] = {}
    for file in files.values():
        if file.missing:
            missing[file.missing] = missing.get(file.missing, 0) + 1
    told += [
        f"{root}: {number:,} {language} files are not read: that needs the extra code, "
        "pip install 'selfheald[code]'"
        for language, number in sorted(missing.items())
    ]
    functions = tuple(each for file in files.values() for each in sorted(file.parsed.functions, key=_place))
    return Source(functions, {path: file.blob for path, file in files.items()}, tuple(told))


def _place(function: Function) -> tuple[int, str]:
    return function.line, function.qualified_name


def _shared(file: ParsedFile, path: str) -> ParsedFile:
    functions = tuple(shared(each, path) for each in file.parsed.functions)
    return replace(file, parsed=replace(file.parsed, functions=functions))
