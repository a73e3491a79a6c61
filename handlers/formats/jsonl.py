"""JSON lines: one object a line, with names for the fields that the operator can set.

A line with a duration is a completed beat; with an error a failed one; with neither a started one. A field
`kind` (or an `event` that is such a word itself) says it outright: "beat-started", "sequence-completed", ...
"""

from __future__ import annotations

import io
from typing import Any, Final

import msgspec

from config.settings import Jsonl
from handlers.formats.base import Extraction
from handlers.formats.error_text import own_frame, split_error
from handlers.model import Block, EventKind, ParserState, TelemetryEvent

NAME: Final = "jsonl"

_PER_MS: Final = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
_SUBJECTS: Final = {"beat": "beat", "handler": "beat", "sequence": "run", "run": "run"}
_ENDINGS: Final = {
    "started": "started",
    "start": "started",
    "completed": "completed",
    "complete": "completed",
    "finished": "completed",
    "failed": "failed",
    "error": "failed",
}
_MAX_NAME_CHARS: Final = 300


class _Line(msgspec.Struct, gc=False):
    timestamp: str | float | None = None
    event: Any = None
    handler: Any = None
    sequence: Any = None
    beat: Any = None
    request_id: Any = None
    duration: Any = None
    error: Any = None
    kind: Any = None


class JsonLines:
    """The format with the operator's field names."""

    name: Final = NAME

    def __init__(self, settings: Jsonl) -> None:
        self._to_ms = _PER_MS[settings.duration_unit]
        names = {field: getattr(settings, field) for field in _Line.__struct_fields__}
        # The fields are listed again: msgspec renames none that are inherited.
        fields = [(field.name, field.type, field.default) for field in msgspec.structs.fields(_Line)]
        line = msgspec.defstruct("JsonLine", fields, bases=(_Line,), rename=names, gc=False)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(line)

    def recognizes(self, head: bytes) -> bool:
        lines = [line for line in head.splitlines()[:20] if line.strip()]
        return any(self._decode(line) is not None for line in lines)

    def extract(self, block: Block, state: ParserState, *, at_end: bool = False) -> Extraction:
        events: list[TelemetryEvent] = []
        matched = unreadable = 0
        offset = block.offset
        for raw in io.BytesIO(block.data):
            line = self._decode(raw)
            found = self._events(line, block.source, offset) if line is not None else []
            matched += bool(found)
            unreadable += not found and not raw.isspace()
            events += found
            offset += len(raw)
        return Extraction(events=events, state=state, matched=matched, unreadable=unreadable)

    def _decode(self, raw: bytes) -> _Line | None:
        try:
            line: _Line = self._decoder.decode(raw.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return line

    def _events(self, line: _Line, source: int, offset: int) -> list[TelemetryEvent]:
        event, handler = _name(line.event), _name(line.handler)
        kind, named = _kind(_name(line.kind)), True
        if kind is None:
            kind, named = _kind(event), False
        if kind is None:
            kind = _implied_kind(line)
        elif not named:
            event = handler
        if kind is None or not (event or handler or kind.startswith("run")):
            return []
        plugin, _, handler = handler.rpartition(".")
        common = TelemetryEvent(
            kind=kind,
            source=source,
            offset=offset,
            time=line.timestamp,
            sequence=_name(line.sequence),
            request_id=_name(line.request_id),
            event=event or handler,
            plugin=plugin,
            handler=handler,
            beat=_beat(line.beat),
            duration_ms=_duration(line.duration, self._to_ms),
        )
        if kind != "error":
            return [common]
        error_type, message, frame = _error(line.error)
        failed = msgspec.structs.replace(
            common, failed=True, error_type=error_type, error_message=message, error_frame=frame
        )
        return [failed, msgspec.structs.replace(common, kind="beat-completed", failed=True)]


def _name(value: object) -> str:
    return "" if value is None or isinstance(value, bool) else str(value)[:_MAX_NAME_CHARS]


def _kind(word: str) -> EventKind | None:
    if word.lower() == "error":
        return "error"
    subject, _, ending = word.lower().replace("_", "-").replace(":", "-").replace(".", "-").rpartition("-")
    what, how = _SUBJECTS.get(subject), _ENDINGS.get(ending)
    if what is None or how is None:
        return None
    if what == "beat" and how == "failed":
        return "error"
    kind: EventKind = msgspec.convert(f"{what}-{how}", EventKind)
    return kind


def _implied_kind(line: _Line) -> EventKind | None:
    if line.error not in (None, False, "", {}, []):
        return "error"
    if line.duration is not None:
        return "beat-completed"
    if line.handler is not None or line.beat is not None or line.sequence is not None:
        return "beat-started"
    return None


def _beat(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def _duration(value: object, to_ms: float) -> float | None:
    """Milliseconds; None for what is not a finite number of at least 0."""
    try:
        duration_ms = float(str(value)) * to_ms
    except ValueError:
        return None
    return duration_ms if 0 <= duration_ms < float("inf") else None


def _error(value: object) -> tuple[str, str, str]:
    """(type, message, own frame) of an error written as text or as an object."""
    if isinstance(value, dict):
        text = _name(value.get("message"))
        kind = _name(value.get("type") or value.get("name"))
        stack = str(value.get("stack") or value.get("stacktrace") or "")
        frames = [line for line in stack.splitlines() if line.strip().startswith(("at ", "File "))]
        if stack.startswith("Traceback"):
            frames.reverse()  # Python prints the innermost frame last
        if kind:
            return kind, text, own_frame(frames)
        return (*split_error(text), own_frame(frames))
    return (*split_error(_name(value)), "")
