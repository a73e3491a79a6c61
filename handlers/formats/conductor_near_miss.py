"""Which message of the conductor a line comes closest to, and where the two part."""

from __future__ import annotations

import functools
import re
from typing import Final

import msgspec

from handlers.formats.conductor import MESSAGES
from handlers.formats.near_miss_text import stopped

_LEAD: Final = re.compile(r"(?:\[[^\]]*\] \[\w+\] (?:[^\s:]+: )?)? *(?:\S+Z +)?")
"""What stands before a message: the header of Serilog, or indentation and a timestamp."""
# The parts that the messages are written with: an optional group, the start and the end of a group, and one
# character, escape or set of characters with its repetition.
_TOKEN: Final = re.compile(
    r"(?P<optional>\(\?:[^()]*\)\?)|(?P<open>\(\?P<(?P<name>\w+)>)|(?P<close>\))"
    r"|(?P<atom>\\.|\[(?:\\.|[^\]\\])*\]|[^\\])(?P<repeated>[*+?]\??)?",
    re.DOTALL,
)


class _Part(msgspec.Struct, frozen=True):
    prefix: str
    """A pattern for the message up to here."""
    shown: str
    """What stands here, for people: the text itself, or <name> for a value."""
    is_value: bool


def nearest_message(line: str) -> str:
    """A sentence on the message that shares the longest beginning with the line; "" if none is close.

    A message is close when the line reaches its first value, or half of it where it has none.
    """
    lead = _LEAD.match(line)
    start = lead.end() if lead else 0
    near: tuple[int, tuple[_Part, ...], int] | None = None
    for message in MESSAGES:
        parts = _parts(message)
        shared, end = _shared(parts, line, start)
        if shared == len(parts):
            return "a message without its timestamp: a log with timestamps repeats it so, and it counts once"
        if shared >= _close_enough(parts) and (near is None or end > near[0]):
            near = end, parts, shared
    if near is None:
        return ""
    end, parts, shared = near
    return f"almost: {_whole(parts)}{stopped(line, end, _expected(parts[shared:]))}"


def shown(message: str) -> str:
    """A message as people know it, with <name> in place of each value."""
    return _whole(_parts(message))


def _whole(parts: tuple[_Part, ...]) -> str:
    return "".join(part.shown for part in parts)


def _shared(parts: tuple[_Part, ...], line: str, start: int) -> tuple[int, int]:
    """How many parts the line begins with, and where they end in it."""
    end = start
    for number, part in enumerate(parts):
        match = _pattern(part.prefix).match(line, start)
        if match is None:
            return number, end
        end = match.end()
    return len(parts), end


def _close_enough(parts: tuple[_Part, ...]) -> int:
    first_value = next((number for number, part in enumerate(parts) if part.is_value), len(parts))
    return first_value if first_value < len(parts) else len(parts) // 2


def _expected(rest: tuple[_Part, ...]) -> str:
    if rest[0].is_value:
        return rest[0].shown or "a value"
    value = next((number for number, part in enumerate(rest) if part.is_value), len(rest))
    return f'"{"".join(part.shown for part in rest[:value])}"'


@functools.cache
def _pattern(prefix: str) -> re.Pattern[str]:
    return re.compile(prefix)


@functools.cache
def _parts(message: str) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    pattern = name = ""
    for token in _TOKEN.finditer(message):
        pattern += token[0]
        if token["open"]:
            name = token["name"].replace("_", " ")
        elif token["close"]:
            name = ""
        elif token["atom"]:
            is_value = token["repeated"] is not None
            shown = (f"<{name}>" if name else "…") if is_value else token["atom"].removeprefix("\\")
            if is_value and parts and parts[-1].is_value:
                shown = ""  # more of the same value
            parts.append(_Part(pattern + ")" * bool(name), shown, is_value))
    return tuple(parts)
