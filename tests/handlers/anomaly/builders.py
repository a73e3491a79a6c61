"""Telemetry as the tests need it: windows of beats, runs and errors, with what matters given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import NormalDist

from handlers.anomaly.baseline import Baseline, baseline_of
from handlers.metrics import Stop, add_stop, add_variant, first_of, slowest_of
from handlers.model import (
    BeatKey,
    BeatStats,
    ErrorKey,
    ErrorStats,
    Origin,
    RunStats,
    TelemetryMetrics,
    VariantStats,
    Window,
)
from handlers.sketch import bin_of
from handlers.telemetry.waits import add_waits

WINDOW_MS = 10_000
BEAT: BeatKey = ("cart-symphony", "cart:add")
ERROR: ErrorKey = (*BEAT, "TypeError", "item <number> is null")


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
