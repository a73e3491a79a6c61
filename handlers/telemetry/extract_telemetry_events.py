"""Beat 3: read the new lines and take the events out of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio.to_thread
import msgspec

from handlers.formats.base import Format
from handlers.formats.encoding import UTF16_ADVICE, is_utf16
from handlers.formats.registry import detect_format
from handlers.formats.scan import extract_block
from handlers.model import Consumed, LogFile, ParserState, TelemetryEvent
from handlers.telemetry.ports import LogPort


class ExtractedTelemetry(msgspec.Struct, frozen=True):
    events: list[TelemetryEvent]
    event_count: int
    parsers: Mapping[str, ParserState]
    """The parser state of each stream that was read."""
    consumed: tuple[Consumed, ...]
    more: bool
    """There is more to read now: the batch was full, or a file holds bytes behind what was read."""
    refused: tuple[str, ...]
    """Files of which nothing was read, since no format is known yet or they are no UTF-8: path and reason."""


async def extract_telemetry_events(
    files: Sequence[LogFile],
    *,
    port: LogPort,
    formats: Mapping[str, Format],
    wanted_format: str,
    parsers: Mapping[str, ParserState],
    batch_bytes: int,
    at_end: bool,
) -> ExtractedTelemetry:
    """Reads at most `batch_bytes` from the files, in their order, and extracts the events.

    `parsers` is what the last commit left of each stream. `at_end`: nothing will follow what is there now.
    """
    events: list[TelemetryEvent] = []
    states = dict(parsers)
    consumed: list[Consumed] = []
    refused: list[str] = []
    more = False
    for file in files:
        if batch_bytes <= 0:
            more = True
            break
        log_format = formats.get(file.format)
        if log_format is None or file.offset == 0:
            head = await port.head(file)
            if is_utf16(head):
                refused.append(f"{file.path}: {UTF16_ADVICE}")
                continue
            log_format = log_format or detect_format(head, formats, wanted_format)
        if log_format is None:
            refused.append(f"{file.path}: no log format recognises it")
            continue
        block = await port.read(file, batch_bytes, flush=at_end)
        if block is None:
            continue
        batch_bytes -= len(block.data)
        more = more or block.end < file.size_bytes
        ends = at_end and block.end >= file.size_bytes
        state = states.get(file.stream) or ParserState()
        extraction = await anyio.to_thread.run_sync(extract_block, log_format, block, state, ends)
        states[file.stream] = extraction.state
        events += extraction.events
        consumed.append(
            Consumed(
                source=file.source,
                stream=file.stream,
                format=log_format.name,
                end_offset=block.end,
                lines=extraction.lines,
                matched=extraction.matched,
                unreadable=extraction.unreadable,
                undecodable=extraction.undecodable,
                events=len(extraction.events),
            )
        )
    return ExtractedTelemetry(events, len(events), states, tuple(consumed), more, tuple(refused))
