"""Which files the paths given to `ingest` lead to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from config.settings import Logs
from daemon.listing import Found, found, list_files
from daemon.rotation import ARCHIVE_ENDINGS

_ARCHIVES: Final = frozenset(f"*.{ending}" for ending in ARCHIVE_ENDINGS)


class NothingToIngestError(Exception):
    """A path that leads to no file; the message names it and says why."""


class FoundFiles(msgspec.Struct, frozen=True):
    files: tuple[Found, ...]
    problems: tuple[str, ...]


def find_files(paths: Iterable[Path], logs: Logs, own_files: Iterable[Path]) -> FoundFiles:
    """Every file once. In directories `logs` says which, an archive by its name without the ending.

    Raises NothingToIngestError.
    """
    files: dict[tuple[int, int], Found] = {}
    problems: list[str] = []
    for path in paths:
        try:
            str(path).encode()
            status = path.stat()
        except UnicodeEncodeError as error:
            raise NothingToIngestError(f"{str(path)!a}: the name is not UTF-8; rename the file") from error
        except OSError as error:
            raise NothingToIngestError(f"{path}: cannot be read ({error.strerror})") from error
        if stat.S_ISDIR(status.st_mode):
            listing = list_files(_with_archives(logs, path))
            problems += listing.problems
            files = {**listing.files, **files}
        elif stat.S_ISREG(status.st_mode):
            file = found(os.path.abspath(path), status)  # noqa: PTH100 (a link keeps its name)
            files[file.key] = file
        else:
            raise NothingToIngestError(f"{path}: is neither a file nor a directory")
    for own in own_files:
        if own.exists():
            files.pop(found("", own.stat()).key, None)
    return FoundFiles(tuple(files.values()), tuple(problems))


def watched_paths(logs: Logs) -> frozenset[str]:
    """Files that the daemon follows, or will, by their paths without links."""
    return frozenset(os.path.realpath(file.path) for file in list_files(logs).files.values())


def _with_archives(logs: Logs, directory: Path) -> Logs:
    endings = ("", *(f".{ending}" for ending in ARCHIVE_ENDINGS))
    return logs.model_copy(
        update={
            "directories": (directory,),
            "include": tuple(glob + ending for glob in logs.include for ending in endings),
            "exclude": tuple(glob for glob in logs.exclude if glob not in _ARCHIVES),
        }
    )
