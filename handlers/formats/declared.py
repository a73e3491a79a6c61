"""A format that an operator declares in the settings: a regular expression with a named group a field."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Final

from config.patterns import Match, Pattern, compile_pattern
from config.settings import DeclaredFormat
from config.time_formats import holds_year
from handlers.formats.duration_text import PER_MS
from handlers.formats.fields import Fields, FieldsReader
from handlers.model import Block, ParserState


class Declared:
    """One declared format; a line that its pattern does not match is no line of beats."""

    opening: Final = b""

    def __init__(self, name: str, declared: DeclaredFormat) -> None:
        self.name = name
        self._pattern = compile_pattern(declared.pattern)
        self._time_format = declared.time_format
        self._to_ms = PER_MS[declared.duration_unit]

    def recognizes(self, head: bytes) -> bool:
        reader = self.reader(0, ParserState())
        reader.read(Block(0, 0, len(head), b"\n".join(head.split(b"\n")[:20])))
        return reader.matched > 0

    def reader(self, source: int, state: ParserState) -> _Reader:
        return _Reader(self._pattern, self._time_format, source, state, self._to_ms)


class _Reader(FieldsReader):
    def __init__(
        self,
        pattern: Pattern,
        time_format: str | None,
        source: int,
        state: ParserState,
        to_ms: float,
    ) -> None:
        super().__init__(source, state, to_ms)
        self._pattern = pattern
        self._time_format = time_format

    def read(self, block: Block) -> None:
        offset = block.offset
        for raw in io.BytesIO(block.data):
            match = self._pattern.search(raw.decode("utf-8", "replace").rstrip("\r\n"))
            if match is not None:
                self._read_match(match, offset)
            else:
                self.unreadable += not raw.isspace()
            offset += len(raw)

    def _read_match(self, match: Match, offset: int) -> None:
        # A group that matched nothing is a field that the line does not have.
        fields = Fields(**{name: value or None for name, value in match.groupdict().items()})
        if self._time_format is not None and fields.timestamp is not None:
            fields.timestamp = _iso(str(fields.timestamp), self._time_format)
        self.take(fields, offset)


def _iso(text: str, time_format: str) -> str:
    """The time as ISO 8601, without a year where it has none; as it stands where it has another form."""
    try:
        if holds_year(time_format):
            return datetime.strptime(text, time_format).isoformat()
        # A leap year, which has all days.
        return f"-{datetime.strptime(f'2000 {text}', f'%Y {time_format}').isoformat()[4:]}"
    except ValueError:
        return text
