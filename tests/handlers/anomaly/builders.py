"""Telemetry as the tests need it: windows of beats, runs and errors, with what matters given."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import NormalDist

from config.settings import Detect
from handlers.anomaly.aggregate_anomaly_results import AggregatedAnomalies, aggregate_anomaly_results
from handlers.anomaly.baseline import Baseline, Learned, Recent, baseline_of
from handlers.metrics import Stop, add_stop, add_variant, first_of, slowest_of
from handlers.model import (
    BeatKey,
    BeatStats,
    BehavioralAnomaly,
    ErrorAnomaly,
    ErrorKey,
    ErrorStats,
    Origin,
    PerformanceAnomaly,
    RunStats,
    Severity,
    TelemetryMetrics,
    VariantStats,
    Window,
)
from handlers.sketch import bin_of
from handlers.telemetry.waits import add_waits

WINDOW_MS = 10_000
BEAT: BeatKey = ("cart-symphony", "cart:add")
ERROR: ErrorKey = (*BEAT, "TypeError", "item <*> is null", "addItem (cart.mjs)")


def durations(count: int, median_ms: float, sigma: float = 0.1) -> tuple[float, ...]:
    """Log-normal durations without chance: the quantiles in the middle of `count` equal parts."""
    normal = NormalDist()
    return tuple(median_ms * math.exp(sigma * normal.inv_cdf((i + 0.5) / count)) for i in range(count))


def beat(
    durations_ms: Iterable[float], failed: int = 0, plugin: str = "CartPlugin", handler: str = "addItem"
) -> BeatStats:
    """Executions: those that took `durations_ms`, and failed ones."""
    stats = BeatStats(plugin, handler)
    all_us = [round(each * 1000) for each in durations_ms]
    for duration_us in all_us:
        index = bin_of(duration_us)
        stats.bins[index] = stats.bins.get(index, 0) + 1
    stats.started = stats.completed = len(all_us) + failed
    stats.failed = failed
    stats.total_us = sum(all_us)
    stats.max_us = max(all_us, default=0)
    stats.slowest = slowest_of((us, Origin(0, 1, offset)) for offset, us in enumerate(all_us))
    return stats


def runs(
    paths: Mapping[tuple[str, ...], int], failed: int = 0, unfinished: int = 0, disturbed: bool = False
) -> RunStats:
    """Completed runs by path."""
    stats = RunStats(sum(paths.values()), failed, unfinished)
    for offset, (path, count) in enumerate(paths.items()):
        variant = VariantStats(count, (Origin(0, 1, offset),), count if disturbed else 0)
        add_variant(stats, "\t".join(path), variant)
    return stats


def hanging(completed: RunStats, stops: Mapping[Stop, int]) -> RunStats:
    """As `completed`, and runs that fell silent at these places."""
    for offset, (stop, count) in enumerate(stops.items(), 100):
        add_stop(completed, str(stop), VariantStats(count, (Origin(0, 1, offset),)))
        completed.unfinished += count
    return completed


def waiting(completed: RunStats, event: str, waits_ms: Iterable[float]) -> RunStats:
    """As `completed`, with the waits for one beat."""
    add_waits(completed, event, [round(each) for each in waits_ms], lambda at: Origin(0, 1, at))
    return completed


def errors(count: int) -> ErrorStats:
    origins = (Origin(0, 1, offset) for offset in range(count))
    return ErrorStats("CartPlugin", "addItem", "addItem (cart.mjs:7:3)", count, first_of(origins))


def metrics(*windows: Window) -> TelemetryMetrics:
    return TelemetryMetrics(WINDOW_MS, {window.start_ms: window for window in windows})


def of_beat(stats: BeatStats, key: BeatKey = BEAT, start_ms: int = 0) -> TelemetryMetrics:
    """One window with one beat."""
    return metrics(Window(start_ms, beats={key: stats}))


def learned(*windows: Window) -> Baseline:
    """What is known when these windows were healthy."""
    return baseline_of(metrics(*windows))


def anomaly(
    anomaly_id: str = "perf-1", severity: Severity = "medium", last_seen_ms: int = 20_000, ratio: float = 2.0
) -> PerformanceAnomaly:
    """A slow handler."""
    return PerformanceAnomaly(
        id=anomaly_id,
        kind="slow",
        severity=severity,
        severity_reason="",
        sequence=BEAT[0],
        event=BEAT[1],
        plugin="CartPlugin",
        handler="addItem",
        description="addItem is slow",
        actual=20.0 * ratio,
        expected=20.0,
        limit=30.0,
        unit="ms",
        interval=(19.0 * ratio, 21.0 * ratio),
        confidence=0.99,
        samples=40,
        baseline_samples=60,
        first_seen_ms=10_000,
        last_seen_ms=last_seen_ms,
        origins=(),
        affected=(BEAT[0],),
        ratio=ratio,
        p95=50.0,
        added_us_per_execution=20_000,
        expected_from="baseline",
    )


def aggregate(
    performance: Sequence[PerformanceAnomaly] = (),
    behavior: Sequence[BehavioralAnomaly] = (),
    errors: Sequence[ErrorAnomaly] = (),
    *,
    running: Sequence[BeatKey] = (),
    open_ids: Collection[str] = (),
    limits: Detect | None = None,
) -> AggregatedAnomalies:
    """`running`: the beats that run, beside those that the anomalies are about."""
    beats = {key: beat(durations(9, 20), plugin="Quiet", handler=key[1]) for key in running}
    for each in (*performance, *errors):
        key = (each.sequence, each.event)
        beats[key] = beat(durations(9, 20), plugin=each.plugin, handler=each.handler)
    known = {key: Learned(stats, 1, [Recent(0, stats)]) for key, stats in beats.items()}
    return aggregate_anomaly_results(
        performance, behavior, (), errors, beats=known, open_ids=open_ids, limits=limits or Detect()
    )
