"""Beat 6: counts, offsets and open state into the store, in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from handlers.model import Consumed, Mark, StreamState, TelemetryMetrics
from handlers.telemetry.ports import TelemetryCommit, TelemetryPort


class StoredTelemetry(msgspec.Struct, frozen=True):
    stored: bool
    record_id: str


async def store_telemetry_database(
    metrics: TelemetryMetrics,
    *,
    port: TelemetryPort,
    consumed: Sequence[Consumed],
    streams: Mapping[str, StreamState],
    ahead: int = 0,
    untimed: int = 0,
    marks: Sequence[Mark] = (),
    lossy_spans: Sequence[tuple[int, int]] = (),
    templates: Sequence[str] = (),
    told_by: Mapping[str, frozenset[str]] = MappingProxyType({}),
    event_count: int = 0,
) -> StoredTelemetry:
    """Commits. What the port raises means that nothing was stored: the lines will be read again."""
    record_id = await port.commit_telemetry(
        TelemetryCommit(
            metrics,
            tuple(consumed),
            streams,
            ahead,
            untimed,
            tuple(marks),
            tuple(lossy_spans),
            tuple(templates),
            told_by,
            event_count,
        )
    )
    return StoredTelemetry(stored=True, record_id=record_id)
