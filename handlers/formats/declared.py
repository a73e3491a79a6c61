"""A format that an operator declares in the settings: a regular expression with a named group a field."""

from __future__ import annotations

from datetime import datetime

from config.patterns import compile_pattern
from config.settings import DeclaredFormat
from handlers.formats.base import Extraction
from handlers.formats.fields import PER_MS, Fields, events_of, read_lines
from handlers.model import Block, ParserState, TelemetryEvent


class Declared:
    """One declared format; a line that its pattern does not match is no line of beats."""

    def __init__(self, name: str, declared: DeclaredFormat, duration_unit: str) -> None:
        self.name = name
        self._pattern = compile_pattern(declared.pattern)
        self._time_format = declared.time_format
        self._to_ms = PER_MS[duration_unit]

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
    """The time as ISO 8601; as it stands where it has another form, which counts as no time."""
    try:
        return datetime.strptime(text, time_format).isoformat()
    except ValueError:
        return text
