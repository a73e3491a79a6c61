"""Turns the lines of a conductor log, in order, into events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from handlers.formats.base import error_event
from handlers.formats.error_text import split_error
from handlers.model import Block, EventKind, OpenError, ParserState, TelemetryEvent

_CONTINUATION: Final = re.compile(rb"[ \t]+(?!\d{4}-\d\d-\d\dT)[^\s\xf0\xe2{}][^\n]*\n")
_REQUEST: Final = re.compile(r"(?P<sequence>.+)-(?P<at_ms>\d{13})-[a-z0-9]+")
_MAX_FRAMES: Final = 100
_STAMP_BYTES: Final = len("2026-11-22T16:10:58.813")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").rstrip()


class ConductorReader:
    """Plays the lines of one block against the parser's state; each method answers one kind of line."""

    def __init__(self, block: Block, state: ParserState) -> None:
        self.data = block.data
        self.source = block.source
        self.offset = block.offset
        error = state.error
        if error is not None:
            error = msgspec.structs.replace(error, frames=[*error.frames])
        self.state = msgspec.structs.replace(state, error=error)
        self.events: list[TelemetryEvent] = []
        self.at = 0
        self.end = 0
        self._answers: dict[str, Callable[[re.Match[bytes]], None]] = {
            "started": self._started,
            "handler": self._handler,
            "duration": self._duration,
            "rounded": self._beat_executor,
            "executing": self._executing,
            "request": self._request,
            "ended": self._ended,
            "stopped": self._ended,
            "failure": self._handler_failed,
            "bad_error": self._beat_failed,
            "run_error": self._run_failed,
            "id": self._registered,
            "of": self._subscribed,
            "restarted": self._restarted,
        }

    def lines(self, matches: Iterable[re.Match[bytes]], shift: int, *, stamped: bool) -> None:
        """Answers the lines of a region; `shift` leads from the start of a match to a place in its line."""
        answers = self._answers
        self.state.stamped = stamped
        for match in matches:
            self.at = match.start() + shift
            answers[match.lastgroup or ""](match)

    def _time(self) -> str | float | None:
        if self.state.stamped:
            return self.data[self.at - _STAMP_BYTES : self.at + 1].decode("ascii", "replace")
        return self.state.time

    def _emit(
        self,
        kind: EventKind,
        event: str = "",
        beat: int = 0,
        handler: str = "",
        duration_ms: float | None = None,
        failed: bool = False,
    ) -> None:
        self.events.append(
            TelemetryEvent(
                kind=kind,
                source=self.source,
                offset=self.offset + self.at,
                time=self._time(),
                sequence=self.state.sequence,
                request_id=self.state.run,
                event=event,
                beat=beat,
                handler=handler,
                duration_ms=duration_ms,
                failed=failed,
            )
        )

    def _started(self, match: re.Match[bytes]) -> None:
        state = self.state
        number, event = int(match["number"]), _text(match["started"])
        if (number, event) == (state.beat, state.event):
            return
        state.beat, state.event = number, event
        state.handler = ""
        state.beat_failed = False
        state.duration_ms = None
        self._emit("beat-started", event=event, beat=number)

    def _handler(self, match: re.Match[bytes]) -> None:
        state = self.state
        if not state.handler and match["of_event"] == state.event.encode():
            state.handler = _text(match["handler"])

    def _duration(self, match: re.Match[bytes]) -> None:
        self.state.duration_ms = float(match["duration"])
        if self.state.event:
            self._complete(self.state.beat, self.state.event)

    def _beat_executor(self, match: re.Match[bytes]) -> None:
        number, event = int(match["done_number"]), _text(match["done"])
        if (number, event) == self.state.closed:
            self.state.closed = (0, "")
            return
        if self.state.duration_ms is None:
            self.state.duration_ms = float(match["rounded"])
        self._complete(number, event)
        self.state.closed = (0, "")

    def _complete(self, number: int, event: str) -> None:
        state = self.state
        if not self.state.stamped and state.time is not None and state.duration_ms is not None:
            state.time += state.duration_ms / 1000
        self._emit(
            "beat-completed",
            event=event,
            beat=number,
            handler=state.handler,
            duration_ms=state.duration_ms,
            failed=state.beat_failed,
        )
        state.closed = (number, event)
        state.event = ""
        state.duration_ms = None
        state.beat_failed = False
        state.handler = ""

    def _executing(self, match: re.Match[bytes]) -> None:
        state = self.state
        state.sequence, state.run, state.event = _text(match["executing"]), "", ""
        state.run_failed = False

    def _request(self, match: re.Match[bytes]) -> None:
        state = self.state
        request_id = _text(match["request"])
        if request_id == state.run or not state.sequence:
            return  # a later movement, or one of a run whose beginning is not in the log: its path is unknown
        state.run, state.event = request_id, ""
        parts = _REQUEST.fullmatch(request_id)
        if parts is not None:
            state.sequence = parts["sequence"]
            if not self.state.stamped:
                state.time = max(state.time or 0.0, int(parts["at_ms"]) / 1000)
        self._emit("run-started")

    def _ended(self, match: re.Match[bytes]) -> None:
        if self.state.run:
            self._emit("run-completed" if match["ended"] else "run-failed")
        self.state.run = self.state.sequence = self.state.event = ""

    def _handler_failed(self, match: re.Match[bytes]) -> None:
        plugin, _, handler = _text(match["failing"]).rpartition(".")
        self._open_error(plugin, handler, _text(match["failure"]))
        self.state.handler = handler
        self.state.beat_failed = self.state.run_failed = True

    def _beat_failed(self, match: re.Match[bytes]) -> None:
        state = self.state
        number, event = int(match["bad_number"]), _text(match["bad"])
        state.event = event
        if not state.beat_failed:
            self._open_error("", state.handler, _text(match["bad_error"]))
        state.beat_failed = state.run_failed = True
        self._complete(number, event)
        state.closed = (0, "")

    def _run_failed(self, match: re.Match[bytes]) -> None:
        state = self.state
        if not state.run_failed:
            self._open_error("", "", _text(match["run_error"]))
        if state.run:
            self._emit("run-failed")
        state.run = state.sequence = state.event = ""

    def _registered(self, match: re.Match[bytes]) -> None:
        self.events.append(
            TelemetryEvent(
                kind="registered",
                source=self.source,
                offset=self.offset + self.at,
                time=self._time(),
                sequence=_text(match["name"]),
                sequence_id=_text(match["id"]),
            )
        )

    def _subscribed(self, match: re.Match[bytes]) -> None:
        self.events.append(
            TelemetryEvent(
                kind="registered",
                source=self.source,
                offset=self.offset + self.at,
                time=self._time(),
                event=_text(match["subscribed"]),
                plugin=_text(match["plugin"]),
                sequence_id=_text(match["of"]),
            )
        )

    def _restarted(self, match: re.Match[bytes]) -> None:
        time = self._time()
        if time is not None:  # else nothing of this log has a time yet, so nothing of it is open
            self.events.append(
                TelemetryEvent(kind="restarted", source=self.source, offset=self.offset + self.at, time=time)
            )
        self.state = ParserState(time=self.state.time, stamped=self.state.stamped)

    def _open_error(self, plugin: str, handler: str, text: str) -> None:
        """Takes the error, then reads its stack as far as the block goes."""
        error_type, message = split_error(text)
        state = self.state
        state.error = OpenError(
            source=self.source,
            offset=self.offset + self.at,
            time=self._time(),
            event=state.event,
            beat=state.beat,
            sequence=state.sequence,
            run=state.run,
            plugin=plugin,
            handler=handler,
            type=error_type,
            message=message,
        )
        self.end = self.data.find(b"\n", self.at) + 1 or len(self.data)
        self.resume_stack()

    def resume_stack(self) -> None:
        """Reads the stack lines that stand at `end`. At the end of the block the error stays open."""
        error = self.state.error
        if error is None:
            return
        while (line := _CONTINUATION.match(self.data, self.end)) is not None:
            self.end = line.end()
            text = _text(line[0]).strip()
            if text.startswith("at ") and len(error.frames) < _MAX_FRAMES:
                error.frames.append(text)
        if self.end < len(self.data):
            self.close_error()

    def close_error(self) -> None:
        error = self.state.error
        if error is not None:
            self.state.error = None
            self.events.append(error_event(error))
