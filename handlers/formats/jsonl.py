"""JSON lines: one object a line, with names, or dotted paths, for the fields that the operator can set."""

from __future__ import annotations

import io
from collections.abc import Mapping
from operator import attrgetter
from typing import Annotated, Any, Final

import msgspec

from config.settings import Jsonl
from handlers.formats.duration_text import ms_in_unit
from handlers.formats.fields import Fields, line_offsets
from handlers.formats.json_paths import PathDecoder
from handlers.formats.packed import Keys, Pack, PackingReader, keys_of, pack_json
from handlers.model import Block, ParserState

NAME: Final = "jsonl"

_AnyDecoder = msgspec.json.Decoder[Fields] | PathDecoder

_NAMES: Final = attrgetter("kind", "event", "handler", "sequence", "beat")


class _UsualLine(msgspec.Struct, gc=False):
    """A completed beat of which every field has the type that programs usually write."""

    duration: Annotated[float, msgspec.Meta(ge=0, lt=1e18)]
    timestamp: str | float | None = None
    event: str | None = None
    handler: str | None = None
    sequence: str | None = None
    beat: int | None = None
    request_id: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    error: None = None
    kind: str | None = None


class JsonLines:
    """The format with the operator's field names."""

    name: Final = NAME
    opening: Final = b""

    def __init__(self, settings: Jsonl, *, packs: bool = False) -> None:
        """`packs`: beats of no run are packed; else each is an event of its own."""
        self._to_ms = ms_in_unit(settings.duration_unit, settings.duration)
        self._pack: Pack | None = None
        self._keys: Keys = ()
        names = {field: getattr(settings, field) for field in Fields.__struct_fields__}
        self._any: _AnyDecoder
        self._usual: msgspec.json.Decoder[_UsualLine] | None = None
        if any("." in name for name in names.values()):
            self._any = PathDecoder(names)
        else:
            self._any = _decoder(Fields, names)
            self._usual = _decoder(_UsualLine, names)
            self._pack = pack_json if packs else None
            self._keys = keys_of({name: field for field, name in names.items()})

    def recognizes(self, head: bytes) -> bool:
        lines = [line for line in head.splitlines()[:20] if line.strip()]
        return any(_decoded(self._any, line) is not None for line in lines)

    def reader(self, source: int, state: ParserState) -> _Reader:
        return _Reader(self._usual, self._any, source, state, self._to_ms, self._pack, self._keys)


class _Reader(PackingReader):
    def __init__(
        self,
        usual: msgspec.json.Decoder[_UsualLine] | None,
        any_line: _AnyDecoder,
        source: int,
        state: ParserState,
        to_ms: float,
        pack: Pack | None,
        keys: Keys,
    ) -> None:
        super().__init__(source, state, to_ms, pack, keys)
        self._usual = usual
        self._any = any_line

    def read_block(self, block: Block) -> None:
        if not self._read_usual(block):
            offset = block.offset
            for raw in io.BytesIO(block.data):
                self.read_line(raw, offset)
                offset += len(raw)

    def _read_usual(self, block: Block) -> bool:
        """Reads a block of nothing but completed beats; False if it holds anything else."""
        if self._usual is None:
            return False
        try:
            lines = self._usual.decode_lines(block.data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        offsets = line_offsets(block.data, block.offset)
        if len(lines) != len(offsets) - 1:
            return False
        return self.take_completed(
            map(_NAMES, lines),
            [line.timestamp for line in lines],
            [line.request_id or "" for line in lines],
            [line.duration for line in lines],
            offsets[:-1],
        )

    def read_line(self, raw: bytes, offset: int) -> None:
        line = _decoded(self._any, raw)
        if line is not None:
            self.take(line, offset)
        else:
            self.unreadable += not raw.isspace()


def _decoder(line: type[msgspec.Struct], names: Mapping[str, str]) -> msgspec.json.Decoder[Any]:
    # The fields are listed again: msgspec renames none that are inherited.
    fields = [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in msgspec.structs.fields(line)
    ]
    return msgspec.json.Decoder(msgspec.defstruct("JsonLine", fields, bases=(line,), rename=names, gc=False))


def _decoded(decoder: _AnyDecoder, raw: bytes) -> Fields | None:
    try:
        return decoder.decode(raw.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
