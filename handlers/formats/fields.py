"""What a line of named fields says: JSON lines, logfmt and formats that operators declare share it.

A line with a duration is a completed beat; with an error a failed one; with neither a started one. A field
`kind` (or an `event` that is such a word itself) says it outright: "beat-started", "sequence-completed", ...
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Final

import msgspec

from handlers.formats.base import Extraction
from handlers.formats.duration_text import duration_of_text
from handlers.formats.error_text import own_frame, split_error
from handlers.model import Block, EventKind, ParserState, TelemetryEvent

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


class Fields(msgspec.Struct, gc=False):
    """The values of one line, as they were written."""

    timestamp: str | float | None = None
    event: Any = None
    handler: Any = None
    sequence: Any = None
    beat: Any = None
    request_id: Any = None
    duration: Any = None
    error: Any = None
    kind: Any = None


def events_of(fields: Fields, source: int, offset: int, to_ms: float) -> list[TelemetryEvent]:
    """The events that a line tells of; none where it names neither beat nor run.

    `to_ms`: milliseconds in one unit of `duration`.
    """
    event, handler = _name(fields.event), _name(fields.handler)
    kind, named = _kind(_name(fields.kind)), True
    if kind is None:
        kind, named = _kind(event), False
    if kind is None:
        kind = _implied_kind(fields)
    elif not named:
        event = handler
    if kind is None or not (event or handler or kind.startswith("run")):
        return []
    plugin, _, handler = handler.rpartition(".")
    common = TelemetryEvent(
        kind=kind,
        source=source,
        offset=offset,
        time=fields.timestamp,
        sequence=_name(fields.sequence),
        request_id=_name(fields.request_id),
        event=event or handler,
        plugin=plugin,
        handler=handler,
        beat=_beat(fields.beat),
        duration_ms=_duration(fields.duration, to_ms),
    )
    if kind != "error":
        return [common]
    error_type, message, frame = described_error(fields.error)
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


def _implied_kind(fields: Fields) -> EventKind | None:
    if fields.error not in (None, False, "", {}, []):
        return "error"
    if fields.duration is not None:
        return "beat-completed"
    if fields.handler is not None or fields.beat is not None or fields.sequence is not None:
        return "beat-started"
    return None


def _beat(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def _duration(value: object, to_ms: float) -> float | None:
    """Milliseconds; None for what is no finite number of at least 0, nor such a text with its unit."""
    try:
        duration_ms = float(str(value)) * to_ms
    except ValueError:
        return duration_of_text(str(value))
    return duration_ms if 0 <= duration_ms < float("inf") else None


def described_error(value: object) -> tuple[str, str, str]:
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


def read_lines(
    block: Block, state: ParserState, events_in: Callable[[bytes, int, int], list[TelemetryEvent]]
) -> Extraction:
    """Reads a block of a format in which every line stands alone.

    `events_in` gives the events of a line from its bytes, source and byte offset.
    """
    events: list[TelemetryEvent] = []
    matched = unreadable = 0
    offset = block.offset
    for raw in io.BytesIO(block.data):
        found = events_in(raw, block.source, offset)
        matched += bool(found)
        unreadable += not found and not raw.isspace()
        events += found
        offset += len(raw)
    return Extraction(events=events, state=state, matched=matched, unreadable=unreadable)
