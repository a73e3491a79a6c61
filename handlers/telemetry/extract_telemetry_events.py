"""Beat 3: read the new lines and take the events out of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from handlers.formats import otlp
from handlers.formats.base import Format, add_error
from handlers.formats.encoding import UTF16_ADVICE, count_lines, is_utf16
from handlers.formats.registry import detect_format
from handlers.formats.scan import scan_block
from handlers.formats.version_lines import versions_told
from handlers.model import (
    Block,
    Consumed,
    LogFile,
    PackedTelemetryEvents,
    ParserState,
    TelemetryEvents,
    waiting_sources,
)
from handlers.telemetry.ports import LogPort

_TELL_VERSIONS: Final = frozenset({otlp.NAME})
"""Formats in which the version is a part of the structure."""
_MAX_EVENTS: Final = 20_000
"""A batch ends with the block in which so many are reached: they take the memory, not the lines."""
_PACKED: Final = 4
"""So many packed beats are counted as one event: they take less memory."""


class ExtractedTelemetry(msgspec.Struct, frozen=True):
    events: list[TelemetryEvents | PackedTelemetryEvents]
    """Of each file that was read, in order; nothing is `earlier` in them."""
    event_count: int
    parsers: Mapping[str, ParserState]
    """The parser state of each stream that was read."""
    consumed: tuple[Consumed, ...]
    more: bool
    """There is more to read now: the batch was full, or a file holds bytes behind what was read."""
    losses: tuple[tuple[int, int], ...]
    """(source, offset) of the lines that were cut, garbled or passed over."""
    refused: tuple[str, ...]
    """Files of which nothing was read, since no format is known yet or they are no UTF-8: path and reason."""


async def extract_telemetry_events(
    files: Sequence[LogFile],
    *,
    port: LogPort,
    formats: Mapping[str, Format],
    wanted_format: str,
    stream_formats: Mapping[str, str],
    parsers: Mapping[str, ParserState],
    batch_bytes: int,
    at_end: bool,
    silent: Collection[str] = (),
) -> ExtractedTelemetry:
    """Reads at most `batch_bytes` from the files, in their order, and extracts the events; less where there
    are many.

    `parsers` and `stream_formats` are what the last commit left of each stream. `at_end`: nothing will follow
    what is there now. `silent`: streams that nothing was written to for so long that what waits in them for
    further lines, a stack trace or a trace of spans, is given out.
    """
    events: list[TelemetryEvents | PackedTelemetryEvents] = []
    states = dict(parsers)
    consumed: list[Consumed] = []
    losses: list[tuple[int, int]] = []
    refused: list[str] = []
    more = False
    max_events = _MAX_EVENTS
    ended = {*silent}
    heads = _Heads(port, formats, wanted_format, dict(stream_formats))
    last_of = {file.stream: file for file in files}
    for number, file in enumerate(files):
        if batch_bytes <= 0 or max_events <= 0:
            more = True
            ended -= {waiting.stream for waiting in files[number:]}
            break
        log_format = await heads.format_of(file, files[number + 1 :])
        if isinstance(log_format, str):
            refused.append(f"{file.path}: {log_format}")
            continue
        ends = at_end and file is last_of[file.stream]  # what is open goes on in the next file of the stream
        reader = _Reader(file, log_format, states.get(file.stream) or ParserState(), ends, max_events)
        opening = log_format.opening
        await port.read(file, batch_bytes, flush=at_end, opening=opening, take=reader.take)
        if reader.end_offset == file.offset:
            continue
        batch_bytes -= reader.end_offset - file.offset
        max_events -= reader.held
        more = more or reader.end_offset < file.size_bytes
        states[file.stream] = reader.state
        events += reader.events.parts()
        losses += [(file.source, offset) for offset in reader.losses]
        consumed.append(reader.consumed())
    if at_end and not more:
        ended = {*states}
    for stream in sorted(ended - {piece.stream for piece in consumed}):
        told, states[stream] = _end(states[stream], formats.get(stream_formats.get(stream, "")))
        events += told
    return ExtractedTelemetry(
        events=events,
        event_count=sum(each.count for each in events),
        parsers=states,
        consumed=tuple(consumed),
        more=more,
        losses=tuple(losses),
        refused=tuple(refused),
    )


def _end(state: ParserState, log_format: Format | None) -> tuple[list[TelemetryEvents], ParserState]:
    """What waits for lines that will not come, and the state after it."""
    sources = waiting_sources(state)
    events = TelemetryEvents(min(sources, default=0))
    if log_format is not None:
        reader = log_format.reader(events.source, state)
        reader.close()
        events, state = reader.events, reader.state
    else:  # the format was declared and is no more: nobody else knows what it waited for
        if state.error is not None:
            add_error(events, state.error)
        state = msgspec.structs.replace(state, error=None, traces={})
    return [events] if events.subjects else [], state


class _Heads:
    """Tells the format of a file by its head, else by the other files of its stream."""

    def __init__(
        self, port: LogPort, formats: Mapping[str, Format], wanted: str, stream_formats: dict[str, str]
    ) -> None:
        self._port = port
        self._formats = formats
        self._wanted = wanted
        self._stream_formats = stream_formats

    async def format_of(self, file: LogFile, later: Sequence[LogFile]) -> Format | str:
        """The format, or why the file cannot be read. `later`: files that are to be read after it."""
        log_format = self._formats.get(file.format)
        if log_format is None or file.offset == 0:
            head = await self._port.head(file)
            if is_utf16(head):
                return UTF16_ADVICE
            log_format = log_format or self._detect(head)
        if log_format is None:
            log_format = self._formats.get(self._stream_formats.get(file.stream, ""))
        for newer in later:
            if log_format is None and newer.stream == file.stream:
                log_format = self._formats.get(newer.format) or self._detect(await self._port.head(newer))
        if log_format is None:
            return "no log format recognises it"
        self._stream_formats[file.stream] = log_format.name
        return log_format

    def _detect(self, head: bytes) -> Format | None:
        return detect_format(head, self._formats, self._wanted)


def _held(events: TelemetryEvents) -> int:
    """The events that are held in memory, and the versions, which lines that are no events tell too."""
    packed = sum(part.count for part in events.earlier if isinstance(part, PackedTelemetryEvents))
    others = (part for part in events.parts() if isinstance(part, TelemetryEvents))
    return packed // _PACKED + sum(len(part.subjects) + len(part.versions) for part in others)


class _Reader:
    """Takes the blocks of one file, in order."""

    def __init__(
        self, file: LogFile, log_format: Format, state: ParserState, at_end: bool, max_events: int
    ) -> None:
        self._file = file
        self._max_events = max_events
        self._format = log_format
        self._at_end = at_end
        self._reader = log_format.reader(file.source, state)
        self._lines = self._undecodable = 0
        self.end_offset = file.offset
        self.losses: list[int] = []

    @property
    def events(self) -> TelemetryEvents:
        return self._reader.events

    @property
    def state(self) -> ParserState:
        return self._reader.state

    @property
    def held(self) -> int:
        """What takes memory; a lost line is remembered as an event is."""
        return _held(self.events) + len(self.losses)

    def take(self, block: Block) -> bool:
        """Whether there is room for more."""
        undecodable, garbled = scan_block(self._reader, block)
        self._undecodable += undecodable
        self._lines += block.lines or count_lines(block.data)
        if self._format.name not in _TELL_VERSIONS:
            self.events.versions += versions_told(block.data, block.offset)
        self.end_offset = block.end
        self.losses += [block.offset] if block.lossy else []
        self.losses += garbled
        if self._at_end and block.end >= self._file.size_bytes:
            self._reader.close()
        return self.held < self._max_events

    def consumed(self) -> Consumed:
        return Consumed(
            source=self._file.source,
            stream=self._file.stream,
            format=self._format.name,
            end_offset=self.end_offset,
            lines=self._lines,
            matched=self._reader.matched,
            unreadable=self._reader.unreadable,
            undecodable=self._undecodable,
            events=self.events.count,
        )
