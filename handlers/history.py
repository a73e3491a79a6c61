"""Which commits touched a file or some of its lines."""

from __future__ import annotations

from handlers.model import Codebase, Commit, Hunk


def commits_of_file(codebase: Codebase, file: str, *, since_ms: int = 0) -> tuple[Commit, ...]:
    """Newest first, those after `since_ms`. `file`: from the root, as called now; renames are followed."""
    return _commits(codebase, file, None, since_ms)


def commits_of_lines(
    codebase: Codebase, file: str, first: int, last: int, *, since_ms: int = 0
) -> tuple[Commit, ...]:
    """Those that touched the lines, which are followed back from commit to commit as `git log -L` does.

    In a file that is edited after the last commit the lines are not known to git: all its commits are given.
    """
    lines = None if file in codebase.edited else (first, last)
    return _commits(codebase, file, lines, since_ms)


def _commits(
    codebase: Codebase, file: str, lines: tuple[int, int] | None, since_ms: int
) -> tuple[Commit, ...]:
    found: list[Commit] = []
    for commit in codebase.commits:
        change = next((each for each in commit.changes if each.file == file), None)
        if change is None:
            continue
        if commit.at_ms > since_ms and (lines is None or _touched(lines, change.hunks)):
            found.append(commit)
        if lines is not None:
            lines = _before(lines, change.hunks)
            if lines[0] > lines[1]:  # all of them came with this commit
                break
        file = change.old_file
        if not file:
            break
    return tuple(found)


def _touched(lines: tuple[int, int], hunks: tuple[Hunk, ...]) -> bool:
    """Lines that were only deleted stood between two others, which must both be inside."""
    first, last = lines
    return any(
        hunk.new_start <= last and first <= hunk.new_start + hunk.new_lines - 1
        if hunk.new_lines
        else first <= hunk.new_start < last
        for hunk in hunks
    )


def _before(lines: tuple[int, int], hunks: tuple[Hunk, ...]) -> tuple[int, int]:
    """Where the lines stood before the commit; the first is after the last where they did not exist."""
    first, last = lines
    old_first, old_last = first, last
    for hunk in hunks:
        end = hunk.new_start + hunk.new_lines - 1
        if hunk.new_lines == 0:
            end = hunk.new_start
        added = hunk.new_lines - hunk.old_lines
        if hunk.new_lines and hunk.new_start <= first <= end:
            old_first = hunk.old_start if hunk.old_lines else hunk.old_start + 1
        elif end < first:
            old_first -= added
        if hunk.new_lines and hunk.new_start <= last <= end:
            old_last = hunk.old_start + hunk.old_lines - 1 if hunk.old_lines else hunk.old_start
        elif end < last:
            old_last -= added
    return old_first, old_last


def lines_now(codebase: Codebase, commit: Commit, file: str) -> tuple[tuple[int, int], ...]:
    """Where the lines that a commit brought stand after all later commits. `file`: as called now.

    A commit that only deleted lines gives the lines before their places. Lines that were replaced since stand
    where their replacement does.
    """
    later = codebase.commits[: codebase.commits.index(commit)]
    changes = [change for each in later for change in each.changes]  # newest first
    name, steps = file, []
    for change in changes:
        if change.file == name:
            steps.append(change.hunks)
            name = change.old_file
    brought = next((each.hunks for each in commit.changes if each.file == name), ())
    found = []
    for hunk in [each for each in brought if each.new_lines] or brought:
        first, last = hunk.new_start, hunk.new_start + max(hunk.new_lines, 1) - 1
        for hunks in reversed(steps):
            first, last = _after(first, hunks), _after(last, hunks)
        found.append((first, last))
    return tuple(found)


def _after(line: int, hunks: tuple[Hunk, ...]) -> int:
    """Where a line stands after a commit."""
    moved = line
    for hunk in hunks:
        end = hunk.old_start + hunk.old_lines - 1
        if hunk.old_lines and hunk.old_start <= line <= end:
            return max(1, hunk.new_start + min(line - hunk.old_start, max(hunk.new_lines - 1, 0)))
        if (end if hunk.old_lines else hunk.old_start) < line:
            moved += hunk.new_lines - hunk.old_lines
    return moved
