"""What a report is about, read from the store in one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from config.settings import Settings
from daemon.cli.ledger import LedgerLine, ledger_of
from daemon.cli.reading import Records, gravest_first
from daemon.cli.state import State, state_of
from daemon.evidence import EvidenceLine, lines_in_store
from daemon.incident import Incident
from daemon.report.series import series_of
from daemon.tiers import Tiers
from handlers.error_groups import in_group
from handlers.model import FixRecommendation, Mark, Point

STEPS_MS: Final = tuple(1000 * seconds for seconds in (10, 30, 60, 300, 900, 3600, 21_600, 86_400))
POINTS: Final = 120
"""Most points of a chart: more than a phone can show."""


class IncidentReport(msgspec.Struct, frozen=True):
    stored: Incident
    recommendations: tuple[FixRecommendation, ...]
    """First ones first; empty when nothing was diagnosed."""
    lines: tuple[EvidenceLine, ...]
    points: tuple[Point, ...]
    marks: tuple[Mark, ...]
    """What happened to the programs and to how they are judged, in the time of the points."""


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
        for stored in gravest_first(records.anomalies.incidents())
        if stored.state != "resolved" or stored.last_seen_ms >= since_ms
    ]
    sources = records.telemetry.sources()
    checkpoints = {source.checkpoint.source: source.checkpoint for source in sources}
    advice: dict[str, list[FixRecommendation]] = {}
    for recommendation in records.anomalies.all_recommendations():
        for anomaly_id in recommendation.anomaly_ids:
            advice.setdefault(anomaly_id, []).append(recommendation)
    return Report(
        made_ms=now_ms,
        since_ms=since_ms,
        state=state_of(settings, records, now_ms),
        incidents=tuple(
            _incident(
                stored,
                settings,
                records,
                advice.get(stored.anomaly.id, ()),
                lines_in_store(stored.anomaly.origins, checkpoints, redact=settings.log.redact),
                since_ms,
            )
            for stored in shown
        ),
        recommendations=tuple(records.anomalies.recommendations()),
        ledger=ledger_of(sources, records.telemetry.watermarks_ms(), now_ms),
    )


def _incident(
    incident: Incident,
    settings: Settings,
    records: Records,
    recommendations: Sequence[FixRecommendation],
    lines: tuple[EvidenceLine, ...],
    since_ms: int,
) -> IncidentReport:
    points, marks = over_time(incident, settings, records, min(since_ms, incident.first_seen_ms), POINTS)
    return IncidentReport(incident, tuple(recommendations), lines, points, marks)


def over_time(
    incident: Incident, settings: Settings, records: Records, since_ms: int, most: int
) -> tuple[tuple[Point, ...], tuple[Mark, ...]]:
    """The figure of an incident in steps, about `most` at most, and what happened meanwhile."""
    until_ms = max(incident.last_seen_ms, records.telemetry.totals().watermark_ms) + 1
    window_ms = settings.ingest.window_s * 1000
    tiers = Tiers(records.store, records.telemetry, window_ms)
    points = _points(incident, records, tiers, since_ms, until_ms, window_ms)
    if points:
        # As fine as the chart can show.
        step_ms = _step_ms(until_ms - points[0].at_ms, window_ms, most)
        if step_ms != window_ms:
            points = _points(incident, records, tiers, points[0].at_ms, until_ms, step_ms)
    shown_from_ms = points[0].at_ms if points else until_ms
    return points, tuple(records.telemetry.marks.between(shown_from_ms, until_ms))


def _points(
    incident: Incident, records: Records, tiers: Tiers, since_ms: int, until_ms: int, step_ms: int
) -> tuple[Point, ...]:
    telemetry = records.telemetry
    grouping = telemetry.templates.grouping
    keys = (in_group(key, grouping) for key in telemetry.subjects.errors().values())
    return series_of(
        incident.anomaly,
        lambda subject: tiers.history(subject, since_ms, until_ms, step_ms),
        step_ms,
        dict.fromkeys(keys),
        until_ms,
    )


def _step_ms(span_ms: int, window_ms: int, most: int) -> int:
    steps = (window_ms, *(step for step in STEPS_MS if step > window_ms))
    return next((step for step in steps if span_ms <= step * most), STEPS_MS[-1])
