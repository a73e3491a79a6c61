"""Where a line stops being a record of a format whose records begin with time and level."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from handlers.formats.near_miss_text import stopped


class Part(msgspec.Struct, frozen=True):
    """A part of a record: its pattern, and what it is called."""

    pattern: str
    name: str


_DATE: Final = Part(r"\d{4}-\d\d-\d\d", "a date such as 2025-11-09")
_CLOCK: Final = Part(r"[ T]\d\d:\d\d:\d\d", "a time such as 14:30:45")
_LEVELS: Final = r"(?:TRACE|DEBUG|INFO|SUCCESS|WARN(?:ING)?|ERROR|CRITICAL|FATAL|NOTSET|Level \d{1,3})\b"
_LEVEL: Final = Part(_LEVELS, "a level such as ERROR, in capitals,")
_LOGGER: Final = r"[\w.\-]{1,300}"
_PYTHON_TIME: Final = (
    _DATE,
    _CLOCK,
    Part(r"(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?(?= )", "a fraction or an offset, such as ,123 or +01:00"),
)
_PYTHON: Final = (
    (
        "TIME | LEVEL | module:function:line - message",
        (
            Part(r" \| ", '" | "'),
            _LEVEL,
            Part(r" *\| ", '" | "'),
            Part(r"[\w.<>]{1,300}:[\w<>]{1,300}:\d{1,9}", "module:function:line"),
            Part(" - ", '" - "'),
        ),
    ),
    (
        "TIME - logger - LEVEL - message",
        (
            Part(" - ", '" - "'),
            Part(_LOGGER, "the name of a logger"),
            Part(" - ", '" - "'),
            _LEVEL,
            Part(" - ", '" - "'),
        ),
    ),
    (
        "TIME LEVEL logger: message",
        (
            Part(" ", "a space"),
            Part(rf"(?:{_LEVELS}|\[{_LEVELS} *\])", "a level such as ERROR or [ERROR], in capitals,"),
            Part(" +", "a space"),
            Part(_LOGGER, "the name of a logger"),
            Part(":? ", '": "'),
        ),
    ),
)
_SERILOG: Final = (
    Part(r"\[", '"["'),
    _DATE,
    _CLOCK,
    Part(r"(?:\.\d{1,9})?(?: ?[+-]\d\d:\d\d|Z)?(?=\])", 'a fraction or an offset such as -05:00, then "]"'),
    Part(r"\] ", '"] "'),
    Part(r"\[[A-Z][A-Za-z]{2,10}\]", "a level such as [INF]"),
    Part(" ", "a space"),
)
_QUIET: Final = re.compile(r"\S+(?:[ ][\d:.,]+\S*)? (?:- \S+ - |\| |\[)?(?P<level>" + _LEVELS + ")")


def python_near_miss(line: str) -> str:
    """Of records of all kinds the one that the line comes closest to; "" for what is no record."""
    end = _end(line, 0, _PYTHON_TIME)
    if end[0] < len(_PYTHON_TIME):
        return "" if end[0] == 0 else _told("a record of Python's logging", line, end, _PYTHON_TIME)
    ends = [(_end(line, end[1], parts), shown, parts) for shown, parts in _PYTHON]
    reached, shown, parts = max(ends, key=lambda found: found[0][1])
    if reached[0] < len(parts):
        return _told(shown, line, reached, parts)
    level = _QUIET.match(line)
    if level is None:
        return ""
    read = level["level"] in {"ERROR", "CRITICAL", "FATAL"}
    return f"a record of level {level['level']}: {'it is read' if read else 'only errors are telemetry'}"


def serilog_near_miss(line: str) -> str:
    """What is wrong with the header of a line; "" where nothing is, or there is none."""
    end = _end(line, 0, _SERILOG)
    if not 2 <= end[0] < len(_SERILOG):
        return ""
    return _told("[TIME] [LEVEL] Source.Context: message", line, end, _SERILOG)


def _told(shown: str, line: str, end: tuple[int, int], parts: Sequence[Part]) -> str:
    return f"almost: {shown}{stopped(line, end[1], parts[end[0]].name)}"


def _end(line: str, start: int, parts: Sequence[Part]) -> tuple[int, int]:
    """How many of the parts stand there, and where they end."""
    for number, part in enumerate(parts):
        match = re.compile(part.pattern).match(line, start)
        if match is None:
            return number, start
        start = match.end()
    return len(parts), start
