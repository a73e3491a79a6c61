"""Where a line stops matching a regular expression that an operator declared."""

from __future__ import annotations

import functools
import re
from typing import Final

import msgspec

from config.patterns import Pattern, compile_pattern

_MAX_PATTERN: Final = 2_000
_MAX_SHOWN: Final = 60
_NAMED: Final = re.compile(r"\(\?P<(\w+)>")
_GROUP: Final = re.compile(r"\(\?P<\w+>|\(\?[a-zA-Z]*:|\(\?[a-zA-Z]+\)|[()^$|]|\\[bBAz]")
_ELEMENT: Final = re.compile(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)(?:[*+?]|\{\d+(?:,\d*)?\})?\??", re.DOTALL)
_LITERAL: Final = re.compile(r"[\w:=,;<>\"'/@%&#~-]|\\[^\w\s]")


class Stop(msgspec.Struct, frozen=True):
    """Where a line and a pattern part."""

    end: int
    """Characters of the line that match."""
    expected: str
    """What comes next in the pattern."""
    group: str
    """The named group that it is in, or ""."""


class _Beginning(msgspec.Struct, frozen=True):
    compiled: Pattern
    expected: str
    group: str


def stops_at(pattern: str, line: str) -> Stop | None:
    """Where the line stops matching; None for a line of another kind, of which next to nothing matches.

    The beginnings of the pattern are tried, the longest first.
    """
    for beginning in _beginnings(pattern):
        match = beginning.compiled.search(line)
        if match is not None:
            return Stop(match.end(), beginning.expected, beginning.group)
    return None


@functools.lru_cache(maxsize=32)
def _beginnings(pattern: str) -> tuple[_Beginning, ...]:
    """What begins the pattern and is a pattern itself, the longest first, as long as it says anything."""
    found: list[_Beginning] = []
    for end in range(min(len(pattern), _MAX_PATTERN) - 1, 0, -1):
        text = pattern[:end]
        if pattern[end] in "*+?{":
            continue
        if text.endswith(("|", "(", "(?", "(?:", ">")):
            continue  # an alternative or a group that is empty matches anything
        groups = _open_groups(text)
        if groups is None or not _says_something(text):
            continue
        try:
            compiled = compile_pattern(text + ")" * len(groups))
        except ValueError:
            continue
        named = next((name for name in reversed(groups) if name), "")
        found.append(_Beginning(compiled, _piece(pattern, end), named))
    return tuple(found)


def _says_something(beginning: str) -> bool:
    """Two words in a row begin many a pattern, and many a line."""
    elements = [match[1] for match in _ELEMENT.finditer(_GROUP.sub("", beginning))]
    return len(elements) > 2 or (len(elements) == 2 and any(_LITERAL.fullmatch(each) for each in elements))


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


def _piece(pattern: str, at: int) -> str:
    """A whole group, a run of plain text, or one element, with its repetition."""
    if pattern[at] == "(":
        ends = (end for end in range(at + 1, len(pattern) + 1) if _open_groups(pattern[at:end]) == [])
        piece = pattern[at : next(ends, len(pattern))]
    elif (text := re.match(r"[\w ,;:=<>\"'/@%&#~-]+(?![*+?{])", pattern[at:])) is not None:
        piece = text[0]
    else:
        element = _ELEMENT.match(pattern, at)
        piece = element[0] if element else ""
    return piece if len(piece) <= _MAX_SHOWN else f"{piece[:_MAX_SHOWN]}…"
