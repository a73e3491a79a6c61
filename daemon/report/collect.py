"""What a report is about, read from the store in one snapshot."""

from __future__ import annotations

from typing import Final

import msgspec

from config.settings import Settings
from daemon.anomaly_records import StoredAnomaly
from daemon.cli.ledger import LedgerLine, ledger_of
from daemon.cli.reading import Records, gravest_first
from daemon.cli.state import State, state_of
from daemon.evidence import EvidenceLine, lines_in_store
from daemon.report.series import Point, series_of
from handlers.model import FixRecommendation

STEPS_MS: Final = tuple(1000 * seconds for seconds in (10, 30, 60, 300, 900, 3600, 21_600, 86_400))
POINTS: Final = 120
"""Most points of a chart: more than a phone can show."""


class IncidentReport(msgspec.Struct, frozen=True):
    stored: StoredAnomaly
    recommendations: tuple[FixRecommendation, ...]
    """First ones first; empty when nothing was diagnosed."""
    lines: tuple[EvidenceLine, ...]
    points: tuple[Point, ...]


class Report(msgspec.Struct, frozen=True):
    made_ms: int
    since_ms: int
    state: State
    incidents: tuple[IncidentReport, ...]
    """What is open, gravest first, and then what was resolved since `since_ms`."""
    recommendations: tuple[FixRecommendation, ...]
    """For what is open, in order of priority."""
    ledger: tuple[LedgerLine, ...]


def collect(settings: Settings, records: Records, since_ms: int, now_ms: int) -> Report:
    """Reads all that the report shows of what was seen since `since_ms`."""
    shown = [
        stored
        for stored in gravest_first(records.anomalies.anomalies())
        if stored.state != "resolved" or stored.last_seen_ms >= since_ms
    ]
    sources = records.telemetry.sources()
    checkpoints = {source.checkpoint.source: source.checkpoint for source in sources}
    advice: dict[str, list[FixRecommendation]] = {}
    for recommendation in records.anomalies.all_recommendations():
        advice.setdefault(recommendation.anomaly_id, []).append(recommendation)
    return Report(
        made_ms=now_ms,
        since_ms=since_ms,
        state=state_of(settings, records, now_ms),
        incidents=tuple(
            IncidentReport(
                stored,
                tuple(advice.get(stored.anomaly.id, ())),
                lines_in_store(stored.anomaly.origins, checkpoints),
                _points(stored, records, since_ms, now_ms),
            )
            for stored in shown
        ),
        recommendations=tuple(records.anomalies.recommendations()),
        ledger=ledger_of(sources, records.telemetry.watermarks_ms(), now_ms),
    )


def _points(stored: StoredAnomaly, records: Records, since_ms: int, now_ms: int) -> tuple[Point, ...]:
    first_ms = min(since_ms, stored.first_seen_ms)
    windows = [*records.telemetry.windows(first_ms, now_ms, 1 << 30).windows.values()]
    if not windows:
        return ()
    span_ms = windows[-1].start_ms - windows[0].start_ms
    return series_of(stored.anomaly, windows, _step_ms(span_ms))


def _step_ms(span_ms: int) -> int:
    return next((step for step in STEPS_MS if span_ms <= step * POINTS), STEPS_MS[-1])
