"""One source file, read and parsed."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

import msgspec

from daemon.codebase.parsed import Parsed
from daemon.codebase.python_functions import python_functions
from daemon.codebase.tree_languages import LANGUAGES

_MAX_BYTES: Final = 1 << 20
"""Larger ones were generated."""


class ParsedFile(msgspec.Struct, frozen=True, gc=False):
    """What is known of one source file."""

    blob: str = ""
    """Its content's name in git (SHA-1), which tells whether it is as the last commit has it."""
    parsed: Parsed = Parsed()
    missing: str = ""
    """The language whose grammar is not installed."""


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
