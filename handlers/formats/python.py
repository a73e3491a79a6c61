"""Python logs: `logging` with time, level and logger in front, and loguru's default, with their tracebacks.

Of these lines only errors are telemetry: a line of level ERROR or CRITICAL is one error, whose type, message
and frame are those of the traceback below it. Of chained tracebacks ("During handling of the above
exception...") the last one counts: that is the exception that was not handled.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from handlers.formats.base import add_error
from handlers.formats.error_text import split_error
from handlers.model import Block, OpenError, ParserState, TelemetryEvents

NAME: Final = "python"

_TIME: Final = rb"(?P<time>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
_LOGGER: Final = rb"[\w.\-]{1,300}"


def _header(levels: bytes) -> bytes:
    """The beginning of a record, up to its message."""
    level = rb"(?:" + levels + rb")"
    loguru = rb" \| " + level + rb" *\| (?P<module>[\w.<>]{1,300}):(?P<function>[\w<>]{1,300}):\d{1,9} - "
    dashes = rb" - (?P<logger>" + _LOGGER + rb") - " + level + rb" - "
    spaces = rb" (?:" + level + rb"|\[" + level + rb" *\]) +(?P<name>" + _LOGGER + rb"):? "
    return _TIME + rb"(?:" + loguru + rb"|" + dashes + rb"|" + spaces + rb")"


_ERROR: Final = re.compile(rb"\n" + _header(rb"ERROR|CRITICAL|FATAL") + rb"(?P<message>[^\n]{0,1000})")
_RECORD: Final = re.compile(
    _header(rb"TRACE|DEBUG|INFO|SUCCESS|WARN|WARNING|ERROR|CRITICAL|FATAL|NOTSET|Level \d{1,3}")
)
_FIELDS: Final = re.compile(rb"\{|[\w.\-]{1,300}=")
_FRAME: Final = re.compile(r'[>|\s]{0,20}(File "[^\n]{1,500})')
_RAISED: Final = re.compile(r"([A-Za-z_][\w.<>]{0,199})(?:: ?(.{0,1000}).*)?")
_TRACEBACK: Final = b"Traceback (most recent call last):"
_MAX_FRAMES: Final = 100


class PythonLog:
    """The format; it holds no state."""

    name: Final = NAME
    opening: Final = b""

    def recognizes(self, head: bytes) -> bool:
        """Records, of which there are no fewer than lines of JSON or pairs: a library may log amid these."""
        lines = head.split(b"\n")[:20]
        records = sum(_RECORD.match(line) is not None for line in lines)
        return 0 < records >= sum(_FIELDS.match(line) is not None for line in lines)

    def reader(self, source: int, state: ParserState) -> _Reader:
        return _Reader(source, state)


class _Reader:
    def __init__(self, source: int, state: ParserState) -> None:
        error = state.error and msgspec.structs.replace(state.error, frames=[*state.error.frames])
        self.state = msgspec.structs.replace(state, error=error)
        self.events = TelemetryEvents(source)
        self.matched = self.unreadable = 0

    def read(self, block: Block) -> None:
        data = b"\n" + block.data  # every record begins behind a newline, which the pattern begins with
        state = self.state
        at = 0
        while True:
            if state.error is not None:
                below = at + 1
                at = _read_below(state.error, data, at)
                self.matched += data.count(b"\n", below, at + 1)
                if at == len(data) - 1:
                    return  # the traceback may go on in the next block
                self.close()
            match = _ERROR.search(data, at)
            if match is None:
                return
            state.error = _opened(match, block.source, block.offset)
            self.matched += 1
            at = data.find(b"\n", match.end())
            at = len(data) - 1 if at < 0 else at

    def close(self) -> None:
        error = self.state.error
        if error is not None:
            self.state.error = None
            add_error(self.events, msgspec.structs.replace(error, type=error.type or "Error"))


def _opened(match: re.Match[bytes], source: int, offset: int) -> OpenError:
    text = {name: value.decode("utf-8", "replace").strip() for name, value in match.groupdict(b"").items()}
    handler = text["function"] or text["logger"] or text["name"]
    error_type, message = split_error(text["message"])
    return OpenError(
        source=source,
        offset=offset + match.start(),
        time=text["time"],
        sequence="",
        run="",
        event=f"{text['module']}:{handler}" if text["module"] else handler,
        beat=0,
        plugin=text["module"],
        handler=handler,
        type=error_type,
        message=message,
    )


def _read_below(error: OpenError, data: bytes, at: int) -> int:
    """Reads what stands below an error, until the next record; `at` is the newline before it. Returns where.

    An empty type means that a traceback has begun whose exception has not been read.
    """
    while at < len(data) - 1 and _RECORD.match(data, at + 1) is None:
        end = data.find(b"\n", at + 1)
        end = len(data) if end < 0 else end
        _take(error, data[at + 1 : end])
        at = min(end, len(data) - 1)
    return at


def _take(error: OpenError, line: bytes) -> None:
    if line.rstrip() == _TRACEBACK:
        error.type = ""
        error.frames = []
        return
    if error.type:
        return  # a message of several lines, or what is printed between two tracebacks
    text = line.decode("utf-8", "replace").rstrip()
    if (frame := _FRAME.match(text)) is not None:
        error.frames = [frame[1], *error.frames[: _MAX_FRAMES - 1]]  # Python prints the innermost last
    elif (raised := _RAISED.fullmatch(text)) is not None:
        error.type, error.message = raised[1], raised[2] or ""
