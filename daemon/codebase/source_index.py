"""The functions in the source files of a project. Only what changed is parsed again."""

from __future__ import annotations

import concurrent.futures
import gc
import hashlib
import multiprocessing
import os
import signal
import stat
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from daemon.codebase.git import Git
from daemon.codebase.parsed import Parsed, shared
from daemon.codebase.python_functions import python_functions
from daemon.codebase.source_files import Version, source_files
from daemon.codebase.tree_languages import LANGUAGES
from handlers.model import Function

_MAX_BYTES: Final = 1 << 20
"""Larger ones were generated."""
_CHUNK: Final = 100
"""Files that a process parses at once. As many are parsed where the daemon is, without another process."""
_MAX_PROCESSES: Final = 4
_TIMEOUT_S: Final = 600.0
_SHOWN: Final = 10


class ParsedFile(msgspec.Struct, frozen=True):
    """What is known of one source file."""

    blob: str = ""
    """Its content's name in git (SHA-1), which tells whether it is as the last commit has it."""
    parsed: Parsed = Parsed()
    missing: str = ""
    """The language whose grammar is not installed."""


class Source(msgspec.Struct, frozen=True):
    functions: tuple[Function, ...]
    blobs: dict[str, str]
    """Content name by path."""
    problems: tuple[str, ...]


class SourceIndex:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, tuple[Version, ParsedFile]] = {}
        self._problems: list[str] = []
        self._source = Source((), {}, ())

    def refresh(self, git: Git | None) -> Source:
        """The same object when nothing has changed."""
        problems: list[str] = []
        versions = source_files(self._root, git, problems)
        changed = [path for path, version in versions.items() if self._version(path) != version]
        fresh = _parse_all(self._root, changed, problems)
        files = {
            path: (version, fresh.get(path) or self._files.get(path, (version, ParsedFile()))[1])
            for path, version in versions.items()
        }
        if changed or problems != self._problems or files.keys() != self._files.keys():
            self._source = _source(self._root, {path: file for path, (_, file) in files.items()}, problems)
        self._files, self._problems = files, problems
        return self._source

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


def _parse_all(root: Path, paths: list[str], problems: list[str]) -> dict[str, ParsedFile]:
    """Many are parsed by processes of their own: the daemon goes on meanwhile, and their memory is freed."""
    if len(paths) <= _CHUNK:
        return {path: _shared(parse_file(root, path), path) for path in paths}
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    parsed: dict[str, ParsedFile] = {}
    # Fresh processes: a fork would share the locks of threads that it lacks.
    with concurrent.futures.ProcessPoolExecutor(
        min(_MAX_PROCESSES, os.cpu_count() or 1, len(chunks)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
    ) as pool:
        running = [pool.submit(_parse_chunk, root, chunk) for chunk in chunks]
        for chunk, future in zip(chunks, running, strict=True):
            try:
                for path, file in _DECODER.decode(future.result(_TIMEOUT_S)).items():
                    parsed[path] = _shared(file, path)
            except (BrokenProcessPool, TimeoutError):
                problems.append(
                    f"{root}: a process ended or hung that parsed source files; {len(chunk)} of them are not "
                    f"read, {chunk[0]} is the first"
                )
    return parsed


def _shared(file: ParsedFile, path: str) -> ParsedFile:
    functions = tuple(shared(each, path) for each in file.parsed.functions)
    return replace(file, parsed=replace(file.parsed, functions=functions))


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(dict[str, ParsedFile])


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches it too; its parent ends it
    gc.disable()  # syntax trees have no cycles, and looking for some takes most of the time
    os.nice(10)


def _parse_chunk(root: Path, paths: list[str]) -> bytes:
    return _ENCODER.encode({path: parse_file(root, path) for path in paths})


def parse_file(root: Path, path: str) -> ParsedFile:
    """What cannot be read or understood is told in the result."""
    try:
        raw = _read(root / path)
    except OSError as error:
        return ParsedFile(parsed=Parsed(problem=f"{path}: {error.strerror or error}"))
    # As git names it: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    blob = hashlib.sha1(b"blob %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()
    if b"\0" in raw[:8192]:
        return ParsedFile(blob, Parsed(problem=f"{path}:1: is binary, or text in UTF-16"))
    language = LANGUAGES.get(os.path.splitext(path)[1].lower())  # noqa: PTH122
    if language is None:
        return ParsedFile(blob, python_functions(path, raw))
    try:
        from daemon.codebase.tree_functions import tree_functions

        return ParsedFile(blob, tree_functions(path, raw, language))
    except ImportError:
        return ParsedFile(blob, missing=language.title)


def _read(path: Path) -> bytes:
    """Follows no link and waits for no pipe that has come in the place of the file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("is not a regular file")
        if status.st_size > _MAX_BYTES:
            raise OSError(f"has {status.st_size:,} bytes, the most that is read is {_MAX_BYTES:,}")
        return file.read(_MAX_BYTES)
