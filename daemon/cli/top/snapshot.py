"""What the live view shows, as of one moment."""

from __future__ import annotations

from typing import Final

import msgspec

from config.settings import Settings
from daemon.cli.ledger import LedgerLine, ledger_of
from daemon.cli.reading import gravest_first, reading
from daemon.cli.state import State, state_of
from daemon.incident import Incident
from handlers.anomaly.baseline import Baseline, Learned
from handlers.metrics import add_beats
from handlers.model import BeatKey, BeatStats, TelemetryMetrics
from handlers.sketch import quantile_us

WINDOWS: Final = 20
"""Windows of a sparkline."""


class HandlerRow(msgspec.Struct, frozen=True):
    """One beat in the last windows."""

    sequence: str
    event: str
    handler: str
    completed: int
    failed: int
    median_ms: float | None
    expected_ms: float | None
    """Median of the learned reference; None while it is learned."""
    expected_failed: float | None
    """Share of the executions that failed in the learned reference; None while it is learned."""
    medians_ms: tuple[float | None, ...]
    """By window, the oldest first; None where it did not run."""


class Snapshot(msgspec.Struct, frozen=True):
    state: State
    ledger: tuple[LedgerLine, ...]
    handlers: tuple[HandlerRow, ...]
    """The busiest first."""
    open: tuple[Incident, ...]
    """Gravest first."""
    taken_ms: int


def snapshot(settings: Settings, now_ms: int) -> Snapshot:
    """Reads one. Raises CannotRunError."""
    with reading(settings) as records:
        totals = records.telemetry.totals()
        window_ms = settings.ingest.window_s * 1000
        last_ms = totals.watermark_ms - totals.watermark_ms % window_ms
        first_ms = last_ms - (WINDOWS - 1) * window_ms
        metrics = records.telemetry.windows(max(first_ms, 0), last_ms + window_ms, WINDOWS)
        anomalies = gravest_first(records.anomalies.incidents())
        return Snapshot(
            state=state_of(settings, records, now_ms),
            ledger=ledger_of(records.telemetry.sources(), records.telemetry.watermarks_ms(), now_ms),
            handlers=_rows(metrics, records.anomalies.baselines.load(), first_ms),
            open=tuple(each for each in anomalies if each.is_open),
            taken_ms=now_ms,
        )


def _failing(learned: Learned[BeatStats] | None) -> float | None:
    known = learned.reference if learned else None
    return known.failed / known.completed if known and known.completed else None


def _rows(metrics: TelemetryMetrics, baseline: Baseline, first_ms: int) -> tuple[HandlerRow, ...]:
    totals: dict[BeatKey, BeatStats] = {}
    medians: dict[BeatKey, list[float | None]] = {}
    for start_ms, window in metrics.windows.items():
        for key, stats in window.beats.items():
            add_beats(totals.setdefault(key, BeatStats()), stats)
            place = (start_ms - first_ms) // metrics.window_ms
            medians.setdefault(key, [None] * WINDOWS)[place] = _median_ms(stats)
    rows = (
        HandlerRow(
            sequence=key[0],
            event=key[1],
            handler=stats.handler,
            completed=stats.completed,
            failed=stats.failed,
            median_ms=_median_ms(stats),
            expected_ms=_median_ms(baseline.beats[key].reference) if key in baseline.beats else None,
            expected_failed=_failing(baseline.beats.get(key)),
            medians_ms=tuple(medians[key]),
        )
        for key, stats in totals.items()
    )
    return tuple(sorted(rows, key=lambda row: (-row.completed, row.sequence, row.event)))


def _median_ms(stats: BeatStats) -> float | None:
    return quantile_us(stats.bins, 0.5) / 1000 if stats.bins else None
