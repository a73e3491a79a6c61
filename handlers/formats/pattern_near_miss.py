"""Where a line stops matching a regular expression that an operator declared."""

from __future__ import annotations

import functools
import re
from typing import Final

from config.patterns import Pattern, compile_pattern

_MAX_SHOWN: Final = 40
_MAX_PATTERN: Final = 2_000
_NAMED: Final = re.compile(r"\(\?P<(\w+)>")


def stops_at(pattern: str, line: str) -> tuple[int, str, str] | None:
    """How far the line matches: (where it stops, what of the pattern is left, the group that it is in or "").

    None where it does not get beyond the first group of the pattern, or a third of it: such a line is of
    another kind. The beginnings of the pattern are tried, the longest first.
    """
    for end, group, beginning in _beginnings(pattern):
        match = beginning.search(line)
        if match is not None:
            return match.end(), _shown(pattern[end:]), group
    return None


def _shown(rest: str) -> str:
    return rest if len(rest) <= _MAX_SHOWN else f"{rest[:_MAX_SHOWN]}…"


@functools.lru_cache(maxsize=32)
def _beginnings(pattern: str) -> tuple[tuple[int, str, Pattern], ...]:
    """(length, open group, compiled) of each beginning that is a pattern itself, the longest first."""
    if len(pattern) > _MAX_PATTERN:
        return ()
    found: list[tuple[int, str, Pattern]] = []
    first = _NAMED.search(pattern)
    least = min(len(pattern) // 3, first.end() if first else len(pattern))
    for end in range(len(pattern) - 1, max(least, 1) - 1, -1):
        beginning = pattern[:end]
        if beginning.endswith(("|", "(", "(?:", ">")) or pattern[end] in "*+?{":
            continue  # an alternative or a group that is empty matches anything
        groups = _open_groups(beginning)
        if groups is None:
            continue
        try:
            compiled = compile_pattern(beginning + ")" * len(groups))
        except ValueError:
            continue
        named = next((name for name in reversed(groups) if name), "")
        found.append((end, named, compiled))
    return tuple(found)


def _open_groups(beginning: str) -> list[str] | None:
    """The names of the open groups, "" for those without; None inside of an escape or a set."""
    groups: list[str] = []
    in_set = False
    at = 0
    while at < len(beginning):
        char = beginning[at]
        if char == "\\":
            if at + 1 == len(beginning):
                return None
            at += 1
        elif in_set:
            in_set = char != "]" or beginning[at - 1] == "[" or beginning[at - 2 : at] == "[^"
        elif char == "[":
            in_set = True
        elif char == "(":
            named = _NAMED.match(beginning, at)
            groups.append(named[1] if named else "")
        elif char == ")" and groups:
            groups.pop()
        at += 1
    return None if in_set else groups
