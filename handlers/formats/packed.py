"""Lines that tell of beats of no run, as nearly all do in some logs, packed into rows by C.

C takes lines of which it is certain what they say, and leaves those that have an error or a request id, and
those that are written in an unusual way. Where it was not built it takes none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from handlers.formats.fields import MAX_UNTOLD, FieldsReader, SubjectOf
from handlers.model import Block, PackedTelemetryEvents, ParserState, Subject, TelemetryEvents
from handlers.speedups import either

FIELDS: Final = (
    "event", "handler", "sequence", "beat", "kind", "timestamp", "request_id", "duration", "error",
)  # fmt: skip
"""As C numbers them."""
_FEW_LINES: Final = 16
"""Where C takes fewer than these at once, a block has too many others for it to pay."""
_NO_BEAT: Final = -1
_NOT_PACKED: Final = -2

Keys = tuple[tuple[bytes, int], ...]
"""The name of each field in the log, and its number."""
Pack = Callable[[bytes, int, int, Keys, float, dict[bytes, int], bytearray], tuple[int, int, int, int]]
"""Packs the lines of the data (the 1st argument) from a place on (2nd), with the offset at which the data
begins (3rd), to the end of the rows (last). Returns where the first line begins that was not taken, how many
were packed, how many should have been understood and were not, and the latest time."""


def _pack_none(
    _data: bytes,
    start: int,
    _offset: int,
    _keys: Keys,
    _to_ms: float,
    _numbers: dict[bytes, int],
    _rows: bytearray,
) -> tuple[int, int, int, int]:
    return start, 0, 0, 0


pack_json: Final[Pack] = either(_pack_none, "pack_json")
pack_logfmt: Final[Pack] = either(_pack_none, "pack_logfmt")


def keys_of(fields: Mapping[str, str]) -> Keys:
    """The keys, from the field of each name."""
    return tuple((name.encode(), FIELDS.index(field)) for name, field in fields.items())


class _Numbers(dict[bytes, int]):
    """The index of what lines with these names are about, found out once each that tells of something."""

    def __init__(self, subject_of: SubjectOf) -> None:
        super().__init__()
        self.subjects: list[Subject] = []
        self._subject_of = subject_of

    def __missing__(self, key: bytes) -> int:
        event, handler, sequence, beat, kind, has_duration = key.decode().split("\n")
        names = kind, event, handler, sequence, beat
        subject = self._subject_of(names, has_duration=has_duration == "1")
        if subject is None:
            number = _NO_BEAT
        elif subject.kind in {"beat-started", "beat-completed"}:
            number = len(self.subjects)
            self.subjects.append(subject)
        else:
            number = _NOT_PACKED
        if number != _NO_BEAT or len(self) < MAX_UNTOLD:
            self[key] = number
        return number


class PackingReader(FieldsReader):
    """Packs what it can, and reads other lines as its heirs do."""

    def __init__(self, source: int, state: ParserState, to_ms: float, pack: Pack | None, keys: Keys) -> None:
        """`to_ms`: milliseconds in one unit of `duration`. `pack`: None to pack nothing."""
        super().__init__(source, state, to_ms)
        self._pack = pack
        self._keys = keys
        self._numbers = _Numbers(self.subject_of())

    def read(self, block: Block) -> None:
        data, at = block.data, 0
        pays = self._pack is not None
        while pays and at < len(data):
            end, lines = self._packed(data, at, block.offset)
            pays = lines >= _FEW_LINES
            if pays and end < len(data):
                unusual = data[end : data.find(b"\n", end) + 1 or len(data)]
                self.read_line(unusual, block.offset + end)
                end += len(unusual)
            at = end
        if at < len(data):
            self.read_block(Block(block.source, block.offset + at, block.end, data[at:]))

    def read_block(self, block: Block) -> None:
        """Reads lines of any sort."""
        raise NotImplementedError

    def read_line(self, raw: bytes, offset: int) -> None:
        """Reads one line of any sort."""
        raise NotImplementedError

    def _packed(self, data: bytes, start: int, offset: int) -> tuple[int, int]:
        """Where the first line begins that was not taken, and how many were taken."""
        assert self._pack is not None  # noqa: S101 (the caller asked)
        last = self.events.earlier[-1] if self.events.earlier and not self.events.subjects else None
        beats = last if isinstance(last, PackedTelemetryEvents) else None
        rows = bytearray() if beats is None else beats.rows
        end, matched, unreadable, latest_ms = self._pack(
            data, start, offset, self._keys, self._to_ms, self._numbers, rows
        )
        self.matched += matched
        self.unreadable += unreadable
        if beats is None and matched:
            beats = PackedTelemetryEvents(self.events.source, self._numbers.subjects, rows)
            if self.events.subjects:
                before, self.events = self.events, TelemetryEvents(self.events.source)
                self.events.earlier, before.earlier = before.earlier, []
                self.events.earlier.append(before)
            self.events.earlier.append(beats)
        if beats is not None:
            beats.latest_ms = max(beats.latest_ms, latest_ms)
        return end, matched + unreadable
