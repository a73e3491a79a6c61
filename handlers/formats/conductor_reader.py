"""Turns the lines of a conductor log, in order, into events."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from handlers.formats.base import add_error
from handlers.formats.conductor_beats import Beat, Key, request_parts, text_of
from handlers.formats.conductor_lines import stamp_at
from handlers.formats.conductor_runs import Found, UsualRun
from handlers.formats.error_text import split_error
from handlers.model import Block, EventKind, OpenError, ParserState, Subject, TelemetryEvents, WholeRun

_BATON: Final = re.compile(
    rb"\xf0\x9f\x8e\xbd DataBaton: [^\n|]{0,500}\| seq=[^=\n]{0,500}=\? "
    rb"event=(?P<event>\S{1,500}) handler=(?P<handler>[^\s?]{1,500})"
)
_CONTINUATION: Final = re.compile(rb"[ \t]+(?!\d{4}-\d\d-\d\dT)[^\s\xf0\xe2{}][^\n]*\n")
_MAX_FRAMES: Final = 100
_MAX_HANDLERS: Final = 2_000
"""Handlers remembered: they are part of what every commit stores."""


class ConductorReader:
    """Plays the lines of a file against the parser's state; each method answers one kind of line."""

    def __init__(self, source: int, state: ParserState, pattern: re.Pattern[bytes]) -> None:
        """`pattern`: the messages, each a group by whose name it is answered."""
        self._pattern = pattern
        error = state.error
        if error is not None:
            error = msgspec.structs.replace(error, frames=[*error.frames])
        self.state = msgspec.structs.replace(state, error=error, handlers=dict(state.handlers))
        self.events = TelemetryEvents(source)
        self.matched = self.unreadable = 0
        self.data = b""
        self.offset = self.at = 0
        self.end = 0
        """End of the stack that was read last."""
        self._beats: dict[tuple[str, Key], Beat] = {}
        self._open = Beat(state.sequence, state.beat, state.event) if state.event else None
        self._opened_at = 0
        """Where in `data` the open beat begins, or goes on."""
        self._closed_key: Key | None = None
        self._paths: dict[bytes, Subject] = {}
        """The subjects of usual runs, by their path."""
        self._runs: dict[tuple[EventKind, str], Subject] = {}

    def read(self, block: Block) -> None:
        self.data, self.offset = block.data, block.offset
        self.at = self.end = self._opened_at = 0
        self.resume_stack()
        self.read_lines()
        if self._open is not None:
            self.state.handler = self._handler(self._open, len(self.data))

    def read_lines(self) -> None:
        """Finds the messages in `data` and has them answered."""
        raise NotImplementedError

    def close(self) -> None:
        self.close_error()

    def answer(self, found: Iterable[Found], text: bytes, shift: int, *, stamped: bool) -> None:
        """Answers what was found in `text`; `shift` leads from the start of a match into `data`."""
        self.state.stamped = stamped
        for each in found:
            if isinstance(each, re.Match):
                self._answer_line(each, shift)
            elif not self._answer_run(each, shift):
                start, end, *_ = each
                for line in self._pattern.finditer(text, start, end):
                    self._answer_line(line, shift)

    def _answer_line(self, match: re.Match[bytes], shift: int) -> None:
        self.at = match.start() + shift
        self.matched += self.at >= self.end
        _ANSWERS[match.lastgroup](self, match)

    def _answer_run(self, run: UsualRun, shift: int) -> bool:
        """Answers the lines of a run at once; False if the handlers of its beats are not known yet."""
        start, _, begin, time, request_id, path, after_ms, offsets, durations_us = run
        subject = self._paths.get(path) or self._path(path)
        if subject is None or start + shift < self.end:
            return False
        self.matched += 3 + 3 * len(offsets)
        events, state = self.events, self.state
        events.whole[len(events.subjects)] = WholeRun(after_ms, offsets, durations_us)
        events.add(subject, self.offset + begin + shift, time, request_id)
        self._leave()
        state.beat, state.closed, self._closed_key = subject.beats[-1].beat, (0, ""), None
        state.handler, state.duration_ms = "", None
        state.beat_failed = state.run_failed = False
        return True

    def _path(self, path: bytes) -> Subject | None:
        """The subject of usual runs; None while a handler is not known."""
        name, *lines = path[:-1].split(b"\n")
        sequence = name.decode("utf-8", "replace")
        beats: list[Subject] = []
        for line in lines:
            number, _, event = line.partition(b"\t")
            beat = self._completed_subject(sequence, (number, event))
            if beat is None:
                return None
            beats.append(beat)
        subject = self._paths[path] = Subject("run", sequence, beats=tuple(beats))
        return subject

    def stamp(self, at: int) -> bytes:
        """The timestamp of the line that was matched at this place."""
        return stamp_at(self.data, at)

    def _time(self, at: int) -> str | float | None:
        return self.stamp(at).decode("ascii", "replace") if self.state.stamped else self.state.time

    def _emit(self, subject: Subject, duration_ms: float | None = None) -> None:
        self.events.add(subject, self.offset + self.at, self._time(self.at), self.state.run, duration_ms)

    def _started(self, match: re.Match[bytes]) -> None:
        state = self.state
        key = match.group("number", "started")
        beat = self._beats.get((state.sequence, key)) or self._beat(state.sequence, key)
        if self._open is not None and self._open.name == beat.name:
            return
        self._open = beat
        self._opened_at = self.at
        state.beat, state.event = beat.name
        state.handler = ""
        state.beat_failed = False
        state.duration_ms = None
        self._emit(beat.started)

    def _completed_subject(self, sequence: str, key: Key) -> Subject | None:
        """That of a completed beat; None while its handler is not known."""
        beat = self._beat(sequence, key)
        handler = self.state.handlers.get(beat.book_key)
        if beat.completed is None and handler is not None:
            beat.completed = beat.ended(handler)
        return beat.completed

    def _beat(self, sequence: str, key: Key) -> Beat:
        beat = self._beats.get((sequence, key))
        if beat is None:
            beat = self._beats[sequence, key] = Beat(sequence, int(key[0]), text_of(key[1]), key)
        return beat

    def _duration(self, match: re.Match[bytes]) -> None:
        duration_ms = float(match["duration"])
        if self._open is None:
            self.state.duration_ms = duration_ms
        else:
            self._complete(self._open, duration_ms)

    def _beat_executor(self, match: re.Match[bytes]) -> None:
        key = match.group("done_number", "done")
        closed, self._closed_key = self._closed_key, None
        if key == closed:
            self.state.closed = (0, "")
            return
        name = int(key[0]), text_of(key[1])
        if name != self.state.closed:
            duration_ms = self.state.duration_ms
            self._complete(self._named(name), float(match["rounded"]) if duration_ms is None else duration_ms)
        self.state.closed = (0, "")
        self._closed_key = None

    def _named(self, name: tuple[int, str]) -> Beat:
        """The open beat under the name that its end has."""
        return self._open if self._open and self._open.name == name else Beat(self.state.sequence, *name)

    def _complete(self, beat: Beat, duration_ms: float | None) -> None:
        state = self.state
        if duration_ms is not None and not state.stamped and state.time is not None:
            state.time += duration_ms / 1000
        subject = beat.completed
        if subject is None or state.beat_failed:
            subject = self._completed(beat)
        self._emit(subject, duration_ms)
        state.closed, self._closed_key = beat.name, beat.key
        self._open = None
        state.event = state.handler = ""
        state.beat_failed = False
        state.duration_ms = None

    def _completed(self, beat: Beat) -> Subject:
        state = self.state
        handler = self._handler(beat, self.at)
        subject = beat.ended(handler, failed=state.beat_failed)
        if handler and not state.beat_failed:
            if len(state.handlers) < _MAX_HANDLERS:
                state.handlers[beat.book_key] = handler
            beat.completed = subject
        return subject

    def _handler(self, beat: Beat, end: int) -> str:
        """What answers the open beat: known, or told between its start and `end`."""
        state = self.state
        if handler := state.handler or state.handlers.get(beat.book_key, ""):
            return handler
        if beat is not self._open:
            return ""
        wanted = beat.name[1].encode()
        for baton in _BATON.finditer(self.data, self._opened_at, end):
            if baton["event"] == wanted:
                return text_of(baton["handler"])
        return ""

    def _executing(self, match: re.Match[bytes]) -> None:
        self._leave()
        self.state.sequence = text_of(match["executing"])
        self.state.run_failed = False

    def _request(self, match: re.Match[bytes]) -> None:
        state = self.state
        request_id = text_of(match["request"])
        if request_id == state.run or not state.sequence:
            return  # a later movement, or one of a run whose beginning is not in the log: its path is unknown
        state.run, state.event, self._open = request_id, "", None
        sequence, at_ms = request_parts(request_id)
        if sequence:
            state.sequence = sequence
            if not state.stamped:
                state.time = max(state.time or 0.0, at_ms / 1000)
        self._of_run("run-started")

    def _ended(self, match: re.Match[bytes]) -> None:
        if self.state.run:
            self._of_run("run-completed" if match["ended"] else "run-failed")
        self._leave()

    def _of_run(self, kind: EventKind) -> None:
        key = kind, self.state.sequence
        if key not in self._runs:
            self._runs[key] = Subject(kind, self.state.sequence)
        self._emit(self._runs[key])

    def _leave(self) -> None:
        self.state.run = self.state.sequence = self.state.event = ""
        self._open = None

    def _handler_failed(self, match: re.Match[bytes]) -> None:
        plugin, _, handler = text_of(match["failing"]).rpartition(".")
        self._open_error(plugin, handler, text_of(match["failure"]))
        self.state.handler = handler
        self.state.beat_failed = self.state.run_failed = True

    def _beat_failed(self, match: re.Match[bytes]) -> None:
        state = self.state
        beat = self._named((int(match["bad_number"]), text_of(match["bad"])))
        state.event = beat.name[1]
        if not state.beat_failed:
            self._open_error("", self._handler(beat, self.at), text_of(match["bad_error"]))
        state.beat_failed = state.run_failed = True
        self._complete(beat, state.duration_ms)
        state.closed, self._closed_key = (0, ""), None

    def _run_failed(self, match: re.Match[bytes]) -> None:
        state = self.state
        if not state.run_failed:
            self._open_error("", "", text_of(match["run_error"]))
        if state.run:
            self._of_run("run-failed")
        self._leave()

    def _registered(self, match: re.Match[bytes]) -> None:
        subject = Subject("registered", text_of(match["name"]), sequence_id=text_of(match["id"]))
        self.events.add(subject, self.offset + self.at, self._time(self.at))

    def _subscribed(self, match: re.Match[bytes]) -> None:
        subject = Subject(
            "registered",
            sequence_id=text_of(match["of"]),
            event=text_of(match["subscribed"]),
            plugin=text_of(match["plugin"]),
        )
        self.events.add(subject, self.offset + self.at, self._time(self.at))

    def _restarted(self, match: re.Match[bytes]) -> None:
        time = self._time(self.at)
        if time is not None:  # else nothing of this log has a time yet, so nothing of it is open
            self.events.add(Subject("restarted"), self.offset + self.at, time)
        self.state = ParserState(time=self.state.time, stamped=self.state.stamped)
        self._open = self._closed_key = None
        self._beats.clear()  # the program may have been deployed anew, with other handlers
        self._paths.clear()

    def _open_error(self, plugin: str, handler: str, text: str) -> None:
        """Takes the error, then reads its stack as far as the block goes."""
        error_type, message = split_error(text)
        state = self.state
        state.error = OpenError(
            source=self.events.source,
            offset=self.offset + self.at,
            time=self._time(self.at),
            event=state.event,
            beat=state.beat,
            sequence=state.sequence,
            run=state.run,
            plugin=plugin,
            handler=handler,
            type=error_type,
            message=message,
        )
        self.end = max(self.end, self.data.find(b"\n", self.at) + 1 or len(self.data))
        self.resume_stack()

    def resume_stack(self) -> None:
        """Reads the stack lines that stand at `end`. At the end of the block the error stays open."""
        error = self.state.error
        if error is None:
            return
        while (line := _CONTINUATION.match(self.data, self.end)) is not None:
            self.end = line.end()
            self.matched += 1
            text = text_of(line[0]).strip()
            if text.startswith("at ") and len(error.frames) < _MAX_FRAMES:
                error.frames.append(text)
        if self.end < len(self.data):
            self.close_error()

    def close_error(self) -> None:
        error = self.state.error
        if error is not None:
            self.state.error = None
            add_error(self.events, error)


# Not in the reader: methods that it holds itself would keep it, and its events, until garbage is collected.
_ANSWERS: Final[dict[str | None, Callable[[ConductorReader, re.Match[bytes]], None]]] = {
    "started": ConductorReader._started,
    "duration": ConductorReader._duration,
    "rounded": ConductorReader._beat_executor,
    "executing": ConductorReader._executing,
    "request": ConductorReader._request,
    "ended": ConductorReader._ended,
    "stopped": ConductorReader._ended,
    "failure": ConductorReader._handler_failed,
    "bad_error": ConductorReader._beat_failed,
    "run_error": ConductorReader._run_failed,
    "id": ConductorReader._registered,
    "of": ConductorReader._subscribed,
    "restarted": ConductorReader._restarted,
}
