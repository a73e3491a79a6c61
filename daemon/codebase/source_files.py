"""The source files of a project: what git tracks or would, without what others wrote."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from daemon.codebase.git import Git, GitError
from daemon.codebase.tree_languages import LANGUAGES

SUFFIXES: Final = frozenset({".py", *LANGUAGES})
_PRUNED: Final = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env"})
_MAX_FILES: Final = 100_000


class Version(msgspec.Struct, frozen=True, gc=False):
    """The same for a file that has not changed."""

    size_bytes: int
    mtime_ns: int
    inode: int


def source_files(root: Path, git: Git | None, problems: list[str]) -> dict[str, Version]:
    """Regular files by their path from the root, in order; links are not followed.

    A virtual environment, node_modules and hidden folders are left out even where git tracks them.
    """
    found: dict[str, Version] = {}
    real = os.path.realpath(root)
    inside: dict[str, bool] = {}
    for path in _paths(root, git, problems):
        folder, _, name = path.rpartition("/")
        if os.path.splitext(name)[1].lower() not in SUFFIXES:  # noqa: PTH122 - a Path for each takes longer
            continue
        if folder not in inside:
            # A folder that git tracks can be a link by now, which leads anywhere.
            inside[folder] = not _is_pruned(folder) and os.path.realpath(f"{root}/{folder}") == (
                f"{real}/{folder}" if folder else real
            )
        if not inside[folder]:
            continue
        try:
            status = os.lstat(f"{root}/{path}")
        except (FileNotFoundError, NotADirectoryError):  # deleted, and git does not know yet
            continue
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
            continue
        if stat.S_ISREG(status.st_mode):
            found[path] = Version(status.st_size, status.st_mtime_ns, status.st_ino)
        if len(found) == _MAX_FILES:
            problems.append(f"{root}: has over {_MAX_FILES:,} source files; those after {path} are not read")
            break
    return found


def _paths(root: Path, git: Git | None, problems: list[str]) -> list[str]:
    if git is not None:
        try:
            listed = git.text("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
            return sorted({*listed.split("\0")} - {""})
        except GitError as error:
            problems.append(f"{root}: {error}; .gitignore and commits are not known")
    return sorted(_walk(root, problems))


def _walk(root: Path, problems: list[str]) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        problems.append(f"{error.filename}: {error.strerror}")

    for parent, folders, names in os.walk(root, onerror=unreadable):
        if "pyvenv.cfg" in names:
            folders.clear()
            continue
        folders[:] = sorted(_wanted(folders))
        relative = os.path.relpath(parent, root)
        prefix = "" if relative == "." else f"{relative}/"
        yield from (f"{prefix}{name}" for name in names)


def _wanted(folders: Iterable[str]) -> list[str]:
    return [each for each in folders if each not in _PRUNED and not each.startswith(".")]


def _is_pruned(folder: str) -> bool:
    parts = folder.split("/") if folder else []
    return len(_wanted(parts)) != len(parts)
