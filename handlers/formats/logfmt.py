"""logfmt: `key=value` pairs, with the names and the meaning that the `jsonl` settings give to fields.

A value with spaces is in quotes, with the escapes of JSON. `ts` and `time` name the time as well: that is
what the common logfmt writers print.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from config.settings import Jsonl
from handlers.formats.base import Extraction
from handlers.formats.duration_text import ms_in_unit
from handlers.formats.fields import Fields, events_of, read_lines
from handlers.model import Block, ParserState, TelemetryEvent

NAME: Final = "logfmt"

# A key begins a word and a match ends with a value, so that no text is looked at twice.
PAIR: Final = re.compile(r'(?<!\S)([^\s="]++)=("(?:[^"\\\n]|\\[^\n])*+"|[^\s"]\S*+|)', re.ASCII)
_WORDS: Final = {"true": True, "false": None, "null": None, "nil": None, "<nil>": None, "": None}
"""What writers print for values that are no text."""


class Logfmt:
    """The format with the operator's field names."""

    name: Final = NAME

    def __init__(self, settings: Jsonl) -> None:
        self._to_ms = ms_in_unit(settings.duration_unit, settings.duration)
        self._fields = {"ts": "timestamp", "time": "timestamp"}
        self._fields |= {getattr(settings, field): field for field in Fields.__struct_fields__}
        self._subjects = [f"{name}=".encode() for name in (settings.event, settings.handler, settings.kind)]

    def recognizes(self, head: bytes) -> bool:
        """A line that begins with a pair and tells of an event: `key=value` can stand in any text."""
        lines = [line.strip() for line in head.split(b"\n")[:20]]
        paired = (line for line in lines if PAIR.match(line.decode("utf-8", "replace")))
        return any(self._events(line, 0, 0) for line in paired)

    def extract(self, block: Block, state: ParserState, *, at_end: bool = False) -> Extraction:
        return read_lines(block, state, self._events)

    def _events(self, raw: bytes, source: int, offset: int) -> list[TelemetryEvent]:
        if not any(subject in raw for subject in self._subjects):
            return []  # most lines of a log that tells of more than beats
        names = self._fields
        values = {
            names[key]: _unquoted(value) if value[:1] == '"' else _WORDS.get(value, value)
            for key, value in PAIR.findall(raw.decode("utf-8", "replace"))
            if key in names
        }
        return events_of(Fields(**values), source, offset, self._to_ms)


def _unquoted(value: str) -> str:
    if "\\" in value:
        try:
            return msgspec.json.decode(value, type=str)
        except msgspec.DecodeError:
            pass  # an escape that JSON does not have: the text stays as it is
    return value[1:-1]
