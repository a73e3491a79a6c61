"""JSON lines: one object a line, with names, or dotted paths, for the fields that the operator can set."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from config.settings import Jsonl
from handlers.formats.base import Extraction
from handlers.formats.duration_text import ms_in_unit
from handlers.formats.fields import Fields, events_of, read_lines
from handlers.formats.json_paths import PathDecoder
from handlers.model import Block, ParserState, TelemetryEvent

NAME: Final = "jsonl"


class JsonLines:
    """The format with the operator's field names."""

    name: Final = NAME

    def __init__(self, settings: Jsonl) -> None:
        self._to_ms = ms_in_unit(settings.duration_unit, settings.duration)
        names = {field: getattr(settings, field) for field in Fields.__struct_fields__}
        if any("." in name for name in names.values()):
            self._decoder: PathDecoder | msgspec.json.Decoder[Any] = PathDecoder(names)
            return
        # The fields are listed again: msgspec renames none that are inherited.
        fields = [(field.name, field.type, field.default) for field in msgspec.structs.fields(Fields)]
        line = msgspec.defstruct("JsonLine", fields, bases=(Fields,), rename=names, gc=False)
        self._decoder = msgspec.json.Decoder(line)

    def recognizes(self, head: bytes) -> bool:
        lines = [line for line in head.splitlines()[:20] if line.strip()]
        return any(self._decode(line) is not None for line in lines)

    def extract(self, block: Block, state: ParserState, *, at_end: bool = False) -> Extraction:
        return read_lines(block, state, self._events)

    def _events(self, raw: bytes, source: int, offset: int) -> list[TelemetryEvent]:
        line = self._decode(raw)
        return events_of(line, source, offset, self._to_ms) if line is not None else []

    def _decode(self, raw: bytes) -> Fields | None:
        try:
            line: Fields = self._decoder.decode(raw.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return line
