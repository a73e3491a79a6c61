"""Beat 4: one clock, one name a sequence and handler, one template an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from types import MappingProxyType
from typing import Final

import msgspec

from handlers.formats.error_text import error_template
from handlers.formats.time_text import Clock
from handlers.model import NameBook, NormalizedEvent, TelemetryEvent

_MAX_NAMES: Final = 20_000
"""Names kept per stream: a log that registers without end must not fill the memory."""
_MAX_DURATION_MS: Final = 30 * 86_400_000
"""A longer one is a mistake of the writer, and sums must fit into 64 bits."""


class NormalizedTelemetry(msgspec.Struct, frozen=True):
    normalized_events: list[NormalizedEvent]
    names: Mapping[str, NameBook]
    """What is registered in each stream."""
    ahead: int
    """Events left out because their clock is ahead of this machine's by more than the allowed skew."""
    untimed: int
    """Events that have no time, or none that can be read, and got the time of arrival."""


def normalize_telemetry_data(
    events: list[TelemetryEvent],
    *,
    stream_of: Mapping[int, str],
    names: Mapping[str, NameBook],
    arrival_ms: int,
    zone: tzinfo,
    max_skew_ms: int,
    zones: Mapping[str, tzinfo] = MappingProxyType({}),
    watermarks_ms: Mapping[str, int] = MappingProxyType({}),
) -> NormalizedTelemetry:
    """Normalizes timestamps (epoch ms), handler names and errors.

    `stream_of` maps the sources of the events to their streams. Times without a zone are in that of their
    stream in `zones`, else in `zone`. `watermarks_ms`: the latest time of each stream so far.
    """
    books = {stream: NameBook(dict(book.sequence_ids), dict(book.plugins)) for stream, book in names.items()}
    normalized: list[NormalizedEvent] = []
    ahead = untimed = 0
    clocks: dict[str, Clock] = {}
    latest_ms = arrival_ms + max_skew_ms
    source = -1
    for event in events:
        if event.source != source:
            source = event.source
            stream = stream_of[source]
            book = books.setdefault(stream, NameBook())
            clock = clocks.get(stream) or Clock(
                zones.get(stream, zone), arrival_ms, max_skew_ms, watermarks_ms.get(stream, 0)
            )
            clocks[stream] = clock
        if event.kind == "registered":
            _register(book, event)
            continue
        at_ms = clock.epoch_ms(event.time)
        if at_ms is None:
            untimed += 1
            at_ms = arrival_ms
        elif at_ms > latest_ms:
            ahead += 1
            continue
        normalized.append(_normalize(event, at_ms, book))
    return NormalizedTelemetry(normalized, books, ahead, untimed)


def _normalize(event: TelemetryEvent, at_ms: int, book: NameBook) -> NormalizedEvent:
    sequence = book.sequence_ids.get(event.sequence, event.sequence)
    plugin = event.plugin
    if not plugin and book.plugins:
        plugin = book.plugins.get(f"{sequence}\t{event.event}", "")
    duration_ms = event.duration_ms
    if duration_ms is not None and duration_ms > _MAX_DURATION_MS:
        duration_ms = None
    return NormalizedEvent(
        kind=event.kind,
        at_ms=at_ms,
        source=event.source,
        offset=event.offset,
        sequence=sequence,
        run=event.request_id,
        event=event.event,
        plugin=plugin,
        handler=event.handler,
        beat=event.beat,
        duration_us=None if duration_ms is None else round(duration_ms * 1000),
        failed=event.failed,
        error_type=event.error_type,
        error_template=error_template(event.error_message) if event.error_message else "",
        error_frame=event.error_frame,
    )


def _register(book: NameBook, event: TelemetryEvent) -> None:
    if event.event and len(book.plugins) < _MAX_NAMES:
        book.plugins[f"{event.sequence_id}\t{event.event}"] = event.plugin
    elif event.sequence and len(book.sequence_ids) < _MAX_NAMES:
        book.sequence_ids[event.sequence] = event.sequence_id
