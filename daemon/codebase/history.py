"""The last commits of the main line with the lines that each replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final

import msgspec

from daemon.codebase.git import Git, GitError
from handlers.model import Commit, FileChange, Hunk
from handlers.redaction import redacted

_MAX_COMMITS: Final = 500
_MAX_LINE_BYTES: Final = 1 << 16
_MAX_SHOWN_LINES: Final = 4
_MAX_SHOWN_BYTES: Final = 120
"""Of a line that is kept to be shown."""
_LOG: Final = (
    "log",
    f"--max-count={_MAX_COMMITS}",
    # A merge is one step, compared with the main line before it: so lines can be followed from step to step.
    "--first-parent",
    "-m",
    "--patch",
    "--unified=0",
    "--inter-hunk-context=0",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-notes",
    "--no-show-signature",
    "--ignore-submodules=all",
    "--find-renames",
    "--diff-algorithm=myers",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--relative",
    "--encoding=UTF-8",
    "--format=%x00%H%x00%P%x00%ct%x00%an%x00%s",
    "HEAD",
    "--",
    ".",
)
_HUNK: Final = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class _Draft(msgspec.Struct):
    """The part of a patch that changes one file, while it is read."""

    old: str = ""
    new: str = ""
    hunks: list[Hunk] = msgspec.field(default_factory=list)


class History(msgspec.Struct, frozen=True):
    commits: tuple[Commit, ...] = ()
    """Newest first."""
    problem: str = ""
    """Why older ones are missing."""


def read_history(git: Git, *, shallow: bool) -> History:
    """`shallow`: the oldest commit of such a clone seems to make every file, and is left out."""
    commits: list[tuple[Commit, str]] = []
    problem = ""
    try:
        with git.stream(*_LOG) as output:
            for commit in _Reader(output).read():
                commits.append(commit)  # noqa: PERF402 - what came before an error is kept
    except GitError as error:
        problem = str(error)
        commits = commits[:-1]  # it may be cut off
    return History(tuple(commit for commit, parents in commits if parents or not shallow), problem)


class _Reader:
    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._head: list[str] = []
        self._drafts: list[_Draft] = []

    def read(self) -> Iterator[tuple[Commit, str]]:
        """Commits with the ids of their parents."""
        while line := self._line():
            if line.startswith(b"\0"):
                yield from self._end_commit()
                self._head = line.decode(errors="replace").rstrip("\n").split("\0")
            elif line.startswith(b"diff --git a/"):
                self._drafts.append(_named_twice(line))
            elif self._drafts:
                self._take(line, self._drafts[-1])
        yield from self._end_commit()

    def _line(self) -> bytes:
        """One line; the rest of an overlong one is read and dropped."""
        line = self._output.readline(_MAX_LINE_BYTES)
        part = line
        while part and not part.endswith(b"\n"):
            part = self._output.readline(_MAX_LINE_BYTES)
        return line

    def _take(self, line: bytes, draft: _Draft) -> None:
        if match := _HUNK.match(line):
            start, lines, new_start, new_lines = (1 if part is None else int(part) for part in match.groups())
            before, after = self._texts(lines, new_lines)
            draft.hunks.append(Hunk(start, lines, new_start, new_lines, before, after))
        elif line.startswith(b"--- "):
            draft.old = _path(line[4:], b"a/")
        elif line.startswith(b"+++ "):
            draft.new = _path(line[4:], b"b/")
        elif line.startswith(b"rename from "):
            draft.old = _path(line[12:], b"")
        elif line.startswith(b"rename to "):
            draft.new = _path(line[10:], b"")

    def _texts(self, old_lines: int, new_lines: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Reads the lines of a hunk, which could look like anything, and returns them if they are few."""
        before: list[bytes] = []
        after: list[bytes] = []
        keeps = max(old_lines, new_lines) <= _MAX_SHOWN_LINES
        left = old_lines + new_lines
        while left and (line := self._line()):
            if line.startswith(b"\\"):
                continue  # that a file does not end with a newline
            left -= 1
            if keeps:
                (before if line.startswith(b"-") else after).append(line[1:])
        return _texts(before), _texts(after)

    def _end_commit(self) -> Iterator[tuple[Commit, str]]:
        if self._head:
            _, sha, parents, at_s, author, subject = (*self._head, *[""] * 6)[:6]
            changes = tuple(FileChange(each.new, each.old, tuple(each.hunks)) for each in self._drafts)
            at_ms = int(at_s) * 1000 if at_s.isdecimal() else 0
            yield Commit(sha, _shown(author), at_ms, _shown(subject), changes), parents
        self._head, self._drafts = [], []


def _named_twice(line: bytes) -> _Draft:
    """ "diff --git a/x b/x": what a change without lines, as of a binary file, says of its name."""
    names = line.rstrip(b"\n").removeprefix(b"diff --git a/")
    half = (len(names) - 3) // 2
    name = names[:half].decode(errors="surrogateescape") if names[half:] == b" b/" + names[:half] else ""
    return _Draft(name, name)


def _path(name: bytes, prefix: bytes) -> str:
    """git ends names with a blank in them by a tab."""
    plain = name.rstrip(b"\n").removesuffix(b"\t")
    return "" if plain == b"/dev/null" else plain.removeprefix(prefix).decode(errors="surrogateescape")


def _texts(lines: list[bytes]) -> tuple[str, ...]:
    if any(len(line) > _MAX_SHOWN_BYTES for line in lines):
        return ()
    return tuple(_shown(redacted(line.decode(errors="replace")).strip()) for line in lines)


def _shown(text: str) -> str:
    """Fit for a terminal and a log."""
    return "".join(char if char.isprintable() else " " for char in text[:200])
