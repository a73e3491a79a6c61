"""A checkout of the watched project: its source, its history and its owners."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from daemon.codebase.git import Git, GitError, repository_of
from daemon.codebase.history import History, read_history
from daemon.codebase.owners import Owners, read_owners
from daemon.codebase.source_index import Source, SourceIndex
from handlers.model import Commit


class Checked(msgspec.Struct, frozen=True):
    """What one look at a checkout gave."""

    source: Source = Source((), {}, ())
    commits: tuple[Commit, ...] = ()
    edited: frozenset[str] = frozenset()
    owners: dict[str, tuple[str, ...]] = {}
    """By source file."""
    problems: tuple[str, ...] = ()


class _Known(msgspec.Struct, frozen=True):
    """What git knows; it changes with the last commit alone."""

    head: str = ""
    history: History = History()
    blobs: dict[str, str] = {}


class Checkout:
    def __init__(self, root: Path, check: Callable[[], None]) -> None:
        self.root = root
        self._index = SourceIndex(root, check)
        self._known = _Known()
        self._owners = Owners()
        self._checked = Checked()

    def look(self) -> Checked:
        """The same object when nothing has changed."""
        if not self.root.is_dir():
            return Checked(problems=(f"{self.root}: project.root is no folder that can be read",))
        git = repository_of(self.root.resolve())
        source = self._index.refresh(git)
        known = self._ask(git) if git else _Known()
        owners = read_owners(self.root)
        if (source, known, owners) != (self._checked.source, self._known, self._owners):
            missing = known.history.problem
            told = (f"{self.root}: commits are not known, or not all: {missing}",) if missing else ()
            self._checked = Checked(
                source=source,
                commits=known.history.commits,
                edited=_edited(source.blobs, known.blobs) if known.head else frozenset(),
                owners=owners.of_all(source.blobs),
                problems=(*source.problems, *owners.problems, *told),
            )
        self._known, self._owners = known, owners
        return self._checked

    def _ask(self, git: Git) -> _Known:
        try:
            shallow, head = git.text("rev-parse", "--is-shallow-repository", "HEAD").split()
            if head == self._known.head:
                return self._known
            blobs = _committed(git)
        except (GitError, ValueError) as error:
            return _Known(history=History(problem=str(error)))
        return _Known(head, read_history(git, shallow=shallow == "true"), blobs)


def _committed(git: Git) -> dict[str, str]:
    """The name of the content of each file in the last commit."""
    listed = git.text("ls-tree", "-r", "-z", "HEAD", "--", ".")
    entries = (entry.partition("\t") for entry in listed.split("\0") if entry)
    return {path: about.split()[2] for about, _, path in entries}


def _edited(here: dict[str, str], committed: dict[str, str]) -> frozenset[str]:
    return frozenset(path for path, blob in here.items() if committed.get(path) != blob)
