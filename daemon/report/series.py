"""The figure of an incident over time, for charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from daemon.subjects import Subject
from daemon.tiers import Stats
from handlers.anomaly.conformance import deviations
from handlers.anomaly.identity import anomaly_id
from handlers.metrics import SHORT_WAIT_MS
from handlers.model import (
    AnyAnomaly,
    BeatStats,
    BehavioralAnomaly,
    ErrorAnomaly,
    ErrorKey,
    ErrorStats,
    PerformanceAnomaly,
    Point,
    RunStats,
)
from handlers.sketch import quantile_us

MINUTE_MS: Final = 60_000
_RATES: Final = frozenset({"silent", "throughput"})

History = Callable[[Subject], Mapping[int, Stats]]
"""What a subject did, by start of the step."""


def series_of(
    anomaly: AnyAnomaly,
    history: History,
    step_ms: int,
    error_keys: Iterable[ErrorKey] = (),
    until_ms: int = 0,
) -> tuple[Point, ...]:
    """The figure that the anomaly is about in each step in which it was seen.

    What stopped is shown up to `until_ms`, to which the logs were read.
    `error_keys`: what is stored of its group of errors. Of an anomaly with members the first one is shown,
    which is the gravest. Empty for what has no figure over time, as a missing test.
    """
    first = anomaly.members[0] if anomaly.members else anomaly
    beat: Subject = ("beat", (first.sequence, first.event))
    match anomaly:
        case PerformanceAnomaly(kind=kind) if kind in _RATES:
            return _rates(history, first.sequence, first.event, step_ms, until_ms)
        case PerformanceAnomaly(kind=kind):
            quantile = 0.95 if kind == "slow-tail" else 0.5
            return tuple(
                Point(at_ms, quantile_us(stats.bins, quantile) / 1000, sum(stats.bins.values()))
                for at_ms, stats in history(beat).items()
                if isinstance(stats, BeatStats) and stats.bins
            )
        case ErrorAnomaly(unit=unit):
            about = [key for key in error_keys if anomaly_id("error", *key) == first.id]
            a_minute = MINUTE_MS / step_ms if unit == "errors/minute" else None
            return _error_rates(history, beat, about, a_minute)
        case BehavioralAnomaly(unit="runs/run"):
            runs = history(("run", (first.sequence,)))
            shares = (
                (at, *_deviating(each, anomaly)) for at, each in runs.items() if isinstance(each, RunStats)
            )
            return tuple(Point(at_ms, hits / of, of) for at_ms, hits, of in shares if of)
        case BehavioralAnomaly(kind="too-late"):
            waits = (
                (at, each.waits[first.event].bins)
                for at, each in history(("run", (first.sequence,))).items()
                if isinstance(each, RunStats) and first.event in each.waits
            )
            return tuple(
                Point(at_ms, max(quantile_us(bins, 0.5) / 1000, SHORT_WAIT_MS), sum(bins.values()))
                for at_ms, bins in waits
            )
        case _:
            return ()


def _rates(history: History, sequence: str, event: str, step_ms: int, until_ms: int) -> tuple[Point, ...]:
    """Executions a minute; steps without any are 0, since nothing is what it is about."""
    known = history(("beat", (sequence, event))) if event else history(("run", (sequence,)))
    if not known:
        return ()
    counts = {at: each.completed for at, each in known.items() if isinstance(each, BeatStats | RunStats)}
    steps = range(min(counts), max(max(counts) + 1, until_ms), step_ms)
    return tuple(Point(at, counts.get(at, 0) * MINUTE_MS / step_ms, counts.get(at, 0)) for at in steps)


def _error_rates(
    history: History, beat: Subject, keys: Iterable[ErrorKey], a_minute: float | None
) -> tuple[Point, ...]:
    errors: dict[int, int] = {}
    for key in keys:
        for at_ms, stats in history(("error", key)).items():
            if isinstance(stats, ErrorStats):
                errors[at_ms] = errors.get(at_ms, 0) + stats.count
    if a_minute is not None:
        return tuple(Point(at_ms, count * a_minute, count) for at_ms, count in sorted(errors.items()))
    done = {at: each.completed for at, each in history(beat).items() if isinstance(each, BeatStats)}
    executions = {at: max(done.get(at, 0), errors.get(at, 0)) for at in done.keys() | errors.keys()}
    return tuple(
        Point(at_ms, errors.get(at_ms, 0) / of, of) for at_ms, of in sorted(executions.items()) if of
    )


def _deviating(runs: RunStats, anomaly: BehavioralAnomaly) -> tuple[int, int]:
    """How many runs deviate, of how many."""
    if anomaly.kind == "unfinished":
        stopped = sum(stop.runs for stop in runs.stops.values())
        return stopped, runs.completed + stopped
    hits = (
        variant.runs
        for path, variant in runs.variants.items()
        if _deviates(tuple(path.split("\t")) if path else (), anomaly)
    )
    return sum(hits), runs.completed


def _deviates(path: tuple[str, ...], anomaly: BehavioralAnomaly) -> bool:
    return any(each.kind == anomaly.kind for each in deviations(anomaly.declared, path))
