"""Runs that were announced, fell silent and never ended: a handler hangs."""

from __future__ import annotations

import msgspec

from config.settings import Detect
from handlers.anomaly.behavior import Behavior, news_confidence, usual_path
from handlers.metrics import OTHER_PLACE, Stop, first_of
from handlers.model import RunStats


def unfinished_runs(current: RunStats, reference: RunStats, limits: Detect) -> tuple[Behavior, ...]:
    """Judges how many runs never end, and names the beat in which most of them stop.

    Runs that a restart cut off, or in which a beat failed, are not among them.
    """
    stopped = sum(stats.runs for stats in current.stops.values())
    if not stopped:
        return ()
    known = [(stats.runs, place) for place, stats in current.stops.items() if place != OTHER_PLACE]
    runs, place = min(known, key=lambda each: (-each[0], each[1]), default=(stopped, str(Stop(0, "", False))))
    stop = Stop.of(place)
    where = f"{'in' if stop.is_inside else 'after'} beat {stop.number} ({stop.event})"
    if not stop.number:
        where = "before the first beat"
    most = "they stop" if runs == stopped else f"{runs} of them stop"
    found = Behavior(
        kind="unfinished",
        says=f"never ended: {most} {where}",
        events=(stop.event,) if stop.event else (),
        runs=stopped,
        of=ended(current),
        base_runs=sum(stats.runs for stats in reference.stops.values()),
        base_of=ended(reference),
        confidence=limits.confidence,
        expected=usual_path(reference),
        origins=first_of(origin for stats in current.stops.values() for origin in stats.examples),
    )
    confidence = news_confidence(found, limits)
    return () if confidence is None else (msgspec.structs.replace(found, confidence=confidence),)


def ended(stats: RunStats) -> int:
    """Runs that ended, or should have."""
    return stats.completed + stats.failed + sum(stop.runs for stop in stats.stops.values())
