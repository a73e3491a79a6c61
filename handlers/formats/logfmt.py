"""logfmt: `key=value` pairs, with the names and the meaning that the `jsonl` settings give to fields.

A value with spaces is in quotes, with the escapes of JSON. `ts` and `time` name the time as well: that is
what the common logfmt writers print.

A program writes the same keys in the same order again and again. The shape of a line, as one pattern, reads
the lines like it many times faster than pair by pair.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from config.settings import Jsonl
from handlers.formats.duration_text import ms_in_unit
from handlers.formats.fields import Fields, line_offsets
from handlers.formats.packed import Keys, Pack, PackingReader, keys_of, pack_logfmt
from handlers.model import Block, ParserState

NAME: Final = "logfmt"

# A key begins a word and a match ends with a value, so that no text is looked at twice.
PAIR: Final = re.compile(r'(?<!\S)([^\s="]++)=("(?:[^"\\\n]|\\[^\n])*+"|[^\s"]\S*+|)', re.ASCII)
_ANY_VALUE: Final = r'(?:"(?:[^"\\\n]|\\[^\n])*+"|[^\s"]\S*+|)'
_NAME_VALUE: Final = r'((?!(?:true|false|null|nil|<nil>)(?!\S))[^\s"]\S{0,299}+)'
_NUMBER: Final = r"(\d{1,15}+(?:\.\d{1,15}+)?)"
_WORDS: Final = {"true": True, "false": None, "null": None, "nil": None, "<nil>": None, "": None}
"""What writers print for values that are no text."""
_USUAL: Final = {"timestamp", "event", "handler", "sequence", "request_id", "duration", "kind"}
"""Fields that a completed beat has."""
_MAX_SHAPEPAIRS: Final = 50


class Logfmt:
    """The format with the operator's field names."""

    name: Final = NAME
    opening: Final = b""

    def __init__(self, settings: Jsonl, *, packs: bool = False) -> None:
        """`packs`: beats of no run are packed; else each is an event of its own."""
        self._to_ms = ms_in_unit(settings.duration_unit, settings.duration)
        self._fields = {"ts": "timestamp", "time": "timestamp"}
        self._fields |= {getattr(settings, field): field for field in Fields.__struct_fields__}
        self._pack = pack_logfmt if packs else None
        self._keys = keys_of(self._fields)
        self._subjects = [f"{name}=".encode() for name in (settings.event, settings.handler, settings.kind)]

    def recognizes(self, head: bytes) -> bool:
        """A line that begins with a pair and tells of an event: `key=value` can stand in any text."""
        reader = self.reader(0, ParserState())
        for line in head.split(b"\n")[:20]:
            if PAIR.match(line.strip().decode("utf-8", "replace")):
                reader.read_line(line, 0)
        return reader.matched > 0

    def reader(self, source: int, state: ParserState) -> _Reader:
        return _Reader(self._fields, self._subjects, source, state, self._to_ms, self._pack, self._keys)


class _Shape(msgspec.Struct, frozen=True):
    pattern: re.Pattern[str]
    """A whole line."""
    fields: tuple[str, ...]
    """One a group."""


class _Reader(PackingReader):
    def __init__(
        self,
        fields: Mapping[str, str],
        subjects: Iterable[bytes],
        source: int,
        state: ParserState,
        to_ms: float,
        pack: Pack | None,
        keys: Keys,
    ) -> None:
        super().__init__(source, state, to_ms, pack, keys)
        self._fields = fields
        self._subjects = subjects
        self._shape: _Shape | None = None

    def read_block(self, block: Block) -> None:
        if not self._read_shape(block):
            offset = block.offset
            for raw in io.BytesIO(block.data):
                self.read_line(raw, offset)
                offset += len(raw)

    def read_line(self, raw: bytes, offset: int) -> None:
        """Reads one line pair by pair."""
        if not any(subject in raw for subject in self._subjects):
            self.unreadable += not raw.isspace()
            return  # most lines of a log that tells of more than beats
        names = self._fields
        values = {
            names[key]: _unquoted(value) if value[:1] == '"' else _WORDS.get(value, value)
            for key, value in PAIR.findall(raw.decode("utf-8", "replace"))
            if key in names
        }
        self.take(Fields(**values), offset)

    def _read_shape(self, block: Block) -> bool:
        """Reads a block of completed beats whose lines have one shape; False if it holds anything else."""
        if not block.data.isascii():
            return False
        text = block.data.decode("ascii")
        if self._shape is None or self._shape.pattern.match(text) is None:
            self._shape = _shape(text[: text.find("\n") + 1], self._fields)
        if self._shape is None:
            return False
        offsets = line_offsets(block.data, block.offset)
        rows = self._shape.pattern.findall(text)
        if len(rows) < len(offsets) - 1:
            return False
        columns = dict(zip(self._shape.fields, zip(*rows, strict=True), strict=True))
        missing = [None] * len(rows)
        return self.take_completed(
            zip(
                *(columns.get(field, missing) for field in ("kind", "event", "handler", "sequence")),
                missing,
                strict=True,
            ),
            columns.get("timestamp") or [None] * len(rows),
            columns.get("request_id") or [""] * len(rows),
            [*map(float, columns["duration"])],
            offsets[:-1],
        )


def _shape(line: str, names: Mapping[str, str]) -> _Shape | None:
    """The shape of a line; None if it is no completed beat, or no row of pairs, or a field is quoted."""
    pairs = PAIR.findall(line)
    fields = [names[key] for key, _ in pairs if key in names]
    usual = "duration" in fields and len({*fields}) == len(fields) and _USUAL.issuperset(fields)
    if not usual or len(pairs) > _MAX_SHAPEPAIRS:
        return None
    values = (
        _ANY_VALUE if key not in names else _NUMBER if names[key] == "duration" else _NAME_VALUE
        for key, _ in pairs
    )
    told = (re.escape(key) + "=" + value for (key, _), value in zip(pairs, values, strict=True))
    pattern = re.compile("^" + " ".join(told) + r"\r?\n", re.ASCII | re.MULTILINE)
    return _Shape(pattern, tuple(fields)) if pattern.match(line) else None


def _unquoted(value: str) -> str:
    if "\\" in value:
        try:
            return msgspec.json.decode(value, type=str)
        except msgspec.DecodeError:
            pass  # an escape that JSON does not have: the text stays as it is
    return value[1:-1]
