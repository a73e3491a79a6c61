"""A format that an operator declares in the settings: a regular expression with a named group a field."""

from __future__ import annotations

from datetime import datetime

from config.patterns import compile_pattern
from config.settings import DeclaredFormat
from config.time_formats import holds_year
from handlers.formats.base import Extraction
from handlers.formats.duration_text import PER_MS
from handlers.formats.fields import Fields, events_of, read_lines
from handlers.model import Block, ParserState, TelemetryEvent


class Declared:
    """One declared format; a line that its pattern does not match is no line of beats."""

    def __init__(self, name: str, declared: DeclaredFormat) -> None:
        self.name = name
        self._pattern = compile_pattern(declared.pattern)
        self._time_format = declared.time_format
        self._to_ms = PER_MS[declared.duration_unit]

    def recognizes(self, head: bytes) -> bool:
        return any(self._events(line, 0, 0) for line in head.split(b"\n")[:20])

    def extract(self, block: Block, state: ParserState, *, at_end: bool = False) -> Extraction:
        return read_lines(block, state, self._events)

    def _events(self, raw: bytes, source: int, offset: int) -> list[TelemetryEvent]:
        match = self._pattern.search(raw.decode("utf-8", "replace").rstrip("\r\n"))
        if match is None:
            return []
        # A group that matched nothing is a field that the line does not have.
        fields = Fields(**{name: value or None for name, value in match.groupdict().items()})
        if self._time_format is not None and fields.timestamp is not None:
            fields.timestamp = _iso(str(fields.timestamp), self._time_format)
        return events_of(fields, source, offset, self._to_ms)


def _iso(text: str, time_format: str) -> str:
    """The time as ISO 8601, without a year where it has none; as it stands where it has another form."""
    try:
        if holds_year(time_format):
            return datetime.strptime(text, time_format).isoformat()
        # A leap year, which has all days.
        return f"-{datetime.strptime(f'2000 {text}', f'%Y {time_format}').isoformat()[4:]}"
    except ValueError:
        return text
