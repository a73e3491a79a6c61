"""Telemetry: new log lines become counts in the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import tzinfo
from typing import Final

import msgspec

from config.globs import matching
from handlers.formats.base import Format
from handlers.model import NameBook, ParserState, StreamState, waiting_sources
from handlers.stage import Performance, define_sequence
from handlers.telemetry.aggregate_telemetry_metrics import aggregate_telemetry_metrics
from handlers.telemetry.extract_telemetry_events import extract_telemetry_events
from handlers.telemetry.load_log_files import load_log_files
from handlers.telemetry.loss import LossLimits, spoiled_time
from handlers.telemetry.normalize_telemetry_data import normalize_telemetry_data
from handlers.telemetry.parse_telemetry_completed import TelemetryCompleted, parse_telemetry_completed
from handlers.telemetry.parse_telemetry_requested import parse_telemetry_requested
from handlers.telemetry.ports import LogPort, TelemetryPort
from handlers.telemetry.store_telemetry_database import store_telemetry_database

TELEMETRY: Final = define_sequence(
    "self-healing-telemetry-parse-sequence",
    ("self-healing:telemetry:parse:requested", parse_telemetry_requested),
    ("self-healing:telemetry:load:logs", load_log_files),
    ("self-healing:telemetry:extract:events", extract_telemetry_events),
    ("self-healing:telemetry:normalize:data", normalize_telemetry_data),
    ("self-healing:telemetry:aggregate:metrics", aggregate_telemetry_metrics),
    ("self-healing:telemetry:store:database", store_telemetry_database),
    ("self-healing:telemetry:parse:completed", parse_telemetry_completed),
)


class TelemetryLimits(msgspec.Struct, frozen=True):
    """What the operator set for reading."""

    window_ms: int
    run_timeout_ms: int
    max_skew_ms: int
    batch_bytes: int
    wanted_format: str
    zone: tzinfo
    zone_of: Mapping[str, tzinfo] = {}
    """Zones of single streams, by glob on their path."""


class ParsedTelemetry(msgspec.Struct, frozen=True):
    """What one play of the sequence did."""

    completed: TelemetryCompleted
    streams: Mapping[str, StreamState]
    """The state of every stream after it."""
    files: int
    """Files that it read from."""
    bytes: int
    lag_bytes: int
    """Bytes that it found and did not read."""
    more: bool
    """Whether it pays to play again at once."""
    lines: int
    events: int
    unreadable: int
    ahead: int
    untimed: int
    refused: tuple[str, ...]
    """Files of which nothing was read, each with the reason."""


async def parse_telemetry(
    run: Performance,
    request_id: str,
    *,
    logs_directory: Sequence[str],
    logs: LogPort,
    store: TelemetryPort,
    formats: Mapping[str, Format],
    streams: Mapping[str, StreamState],
    limits: TelemetryLimits,
    arrival_ms: int,
    at_end: bool = False,
    silent: Collection[str] = (),
) -> ParsedTelemetry:
    """Reads one batch of new lines into the store. `streams` is the state that the last commit left.

    `silent`: streams in which what waits for further lines has ended.
    """
    await run.beat(parse_telemetry_requested, request_id)
    loaded = await run.beat(load_log_files, logs_directory, port=logs)
    lossy_streams = await logs.lossy_streams()
    stream_of = {file.source: file.stream for file in loaded.files}
    stream_of |= {source: name for name, state in streams.items() for source in waiting_sources(state.parser)}
    extracted = await run.beat(
        extract_telemetry_events,
        loaded.files,
        port=logs,
        formats=formats,
        wanted_format=limits.wanted_format,
        stream_formats={name: state.format for name, state in streams.items()},
        parsers={name: state.parser for name, state in streams.items()},
        batch_bytes=limits.batch_bytes,
        at_end=at_end,
        silent=silent,
    )
    offsets = {file.source: file.offset for file in loaded.files}
    read_bytes = sum(piece.end_offset - offsets[piece.source] for piece in extracted.consumed)
    ending = at_end and not extracted.more
    touched = {piece.stream for piece in extracted.consumed} | {*(streams if ending else silent)}
    watermarks_ms = {name: state.watermark_ms for name, state in streams.items()}
    normalized = await run.beat(
        normalize_telemetry_data,
        extracted.events,
        stream_of=stream_of,
        names={name: state.names for name, state in streams.items() if name in touched},
        arrival_ms=arrival_ms,
        zone=limits.zone,
        max_skew_ms=limits.max_skew_ms,
        zones={name: matching(name, limits.zone_of, limits.zone) for name in touched},
        watermarks_ms=watermarks_ms,
    )
    formats_read = {piece.stream: piece.format for piece in extracted.consumed}
    aggregated = await run.beat(
        aggregate_telemetry_metrics,
        normalized.normalized_events,
        runs={name: state.runs for name, state in streams.items() if name in touched},
        watermarks_ms=watermarks_ms,
        window_ms=limits.window_ms,
        run_timeout_ms=limits.run_timeout_ms,
        at_end=ending,
    )
    lossy_spans, losses = spoiled_time(
        normalized.normalized_events,
        losses=extracted.losses,
        lossy_streams=lossy_streams,
        read=[piece.source for piece in extracted.consumed],
        stream_of=stream_of,
        streams=streams,
        runs=aggregated.runs,
        limits=LossLimits(limits.window_ms, limits.run_timeout_ms),
    )
    changed = {
        name: StreamState(
            parser=extracted.parsers.get(name) or ParserState(),
            names=normalized.names.get(name) or (streams[name].names if name in streams else NameBook()),
            runs=aggregated.runs.get(name) or {},
            watermark_ms=aggregated.watermarks_ms.get(name, 0),
            format=formats_read.get(name) or (streams[name].format if name in streams else ""),
            loss=losses.get(name),
        )
        for name in touched | aggregated.runs.keys()
    }
    for name in losses.keys() & streams.keys() - changed.keys():
        changed[name] = msgspec.structs.replace(streams[name], loss=losses[name])
    stored = await run.beat(
        store_telemetry_database,
        aggregated.metrics,
        port=store,
        consumed=extracted.consumed,
        streams=changed,
        ahead=normalized.ahead,
        untimed=normalized.untimed,
        marks=aggregated.marks,
        lossy_spans=lossy_spans,
        templates=normalized.templates,
        told_by=normalized.told_by,
        event_count=extracted.event_count,
    )
    completed = await run.beat(parse_telemetry_completed, stored.record_id)
    return ParsedTelemetry(
        completed=completed,
        streams={**streams, **changed},
        files=len(extracted.consumed),
        bytes=read_bytes,
        lag_bytes=loaded.total_size - read_bytes,
        more=extracted.more,
        lines=sum(piece.lines for piece in extracted.consumed),
        events=extracted.event_count,
        unreadable=sum(piece.unreadable for piece in extracted.consumed),
        ahead=normalized.ahead,
        untimed=normalized.untimed,
        refused=extracted.refused,
    )
