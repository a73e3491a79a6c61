"""The lines of a log that its format does not understand, by what they have in common."""

from __future__ import annotations

import io
from collections import Counter
from typing import Final

import msgspec

from config.settings import Settings
from daemon.bounded_format import cpu_limit
from handlers.formats.base import Extraction, Format
from handlers.formats.near_miss import near_miss
from handlers.formats.scan import extract_block
from handlers.model import Block, ParserState, TelemetryEvents
from handlers.redaction import redacted
from handlers.templates import masked

MAX_GROUPS: Final = 1000
"""Templates that are told apart: it bounds the memory."""
_MAX_TEXT_BYTES: Final = 1000
_TAKES_LONG: Final = "unknown: the pattern takes too long for it; google-re2 (extra re2) prevents that"


class UnmatchedLines(msgspec.Struct):
    """Lines that are not understood and differ in numbers, ids and times only."""

    template: str
    lines: int
    first_line: int
    """Number of the first of them, from 1."""
    text: str
    """The beginning of that line."""
    near_miss: str
    """What it comes close to and where it stops, or ""."""


def extract(log_format: Format | None, block: Block, state: ParserState) -> Extraction:
    """What a block holds; nothing where there is no format."""
    if log_format is None:
        return Extraction(
            TelemetryEvents(block.source), state, matched=0, unreadable=0, lines=block.lines, undecodable=0
        )
    return extract_block(log_format, block, state, at_end=False)


class UnmatchedGroups:
    """The unmatched lines by template."""

    def __init__(self) -> None:
        self._lines: Counter[str] = Counter()
        self._first: dict[str, tuple[int, bytes]] = {}
        self.others = 0

    def add(self, log_format: Format | None, block: Block, state: ParserState, lines_before: int) -> None:
        """Reads a block line by line, to know which of them the format does not match."""
        offset = block.offset
        for number, line in enumerate(io.BytesIO(block.data), lines_before + 1):
            end = offset + len(line)
            extraction = extract(log_format, Block(block.source, offset, end, line, 1), state)
            state, offset = extraction.state, end
            if not extraction.matched:
                self._add_line(number, line)

    def _add_line(self, number: int, line: bytes) -> None:
        template = masked(line[:_MAX_TEXT_BYTES].decode("utf-8", "replace").strip())
        if template not in self._first:
            if len(self._first) == MAX_GROUPS:
                self.others += 1
                return
            self._first[template] = number, line[:_MAX_TEXT_BYTES]
        self._lines[template] += 1

    def told(self, format_name: str, settings: Settings, *, nothing_matched: bool) -> list[UnmatchedLines]:
        """Most frequent first. A log of which nothing matches may be meant for another format."""
        told: list[UnmatchedLines] = []
        takes_long = False
        for template, lines in self._lines.most_common():
            number, line = self._first[template]
            near = "" if takes_long else _near_miss(format_name, line, settings)
            if nothing_matched and not near and not takes_long:
                near = _near_miss("", line, settings)
            takes_long = takes_long or near == _TAKES_LONG  # one such wait is enough
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            shown = redacted if settings.log.redact else str
            told.append(UnmatchedLines(shown(template), lines, number, shown(text), shown(near)))
        return told


def _near_miss(format_name: str, line: bytes, settings: Settings) -> str:
    try:
        with cpu_limit():
            return near_miss(format_name, line, settings)
    except TimeoutError:
        return _TAKES_LONG
