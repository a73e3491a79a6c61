"""Counts beats that belong to no run: their order means nothing, so they are counted together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from operator import itemgetter

from handlers.metrics import slowest_of
from handlers.model import BeatStats, NormalizedEvents, Origin, PackedNormalizedEvents, Subject
from handlers.sketch import EDGES_US, add_bins
from handlers.telemetry.durations import add_durations
from handlers.telemetry.normalize_telemetry_data import MAX_DURATION_MS
from handlers.telemetry.origins import origin_at
from handlers.telemetry.tally import tally

StatsAt = Callable[[int, Subject], BeatStats]
"""The statistics of a beat in the window of a time."""


def are_lone_beats(events: NormalizedEvents) -> bool:
    """Whether they are beats of no run."""
    return events.kinds <= {"beat-started", "beat-completed"} and not any(events.runs)


def count_lone_beats(
    events: NormalizedEvents | PackedNormalizedEvents, window_ms: int, stats_at: StatsAt
) -> int:
    """Counts beats of no run, all of one subject and window at once; the latest time, 0 without any."""
    if isinstance(events, PackedNormalizedEvents):
        _count_packed(events, window_ms, stats_at)
        return events.beats.latest_ms
    windows = [at_ms // window_ms for at_ms in events.at_ms]
    by_window: dict[int, dict[int, list[int]]] = {window: defaultdict(list) for window in sorted({*windows})}
    for index, (window, key) in enumerate(zip(windows, map(id, events.subjects), strict=True)):
        by_window[window][key].append(index)
    for window, groups in by_window.items():
        for group in groups.values():
            subject = events.subjects[group[0]]
            _count_group(stats_at(window * window_ms, subject), subject, events, group)
    return max(events.at_ms, default=0)


def _count_group(stats: BeatStats, subject: Subject, events: NormalizedEvents, indexes: list[int]) -> None:
    """Counts beats of one subject and window."""
    if subject.kind == "beat-started":
        stats.started += len(indexes)
        return
    stats.completed += len(indexes)
    if subject.failed:
        stats.failed += len(indexes)
    else:
        durations_us = [*map(events.durations_us.__getitem__, indexes)]
        add_durations(stats, durations_us, partial(origin_at, events, indexes))


def _count_packed(events: PackedNormalizedEvents, window_ms: int, stats_at: StatsAt) -> None:
    beats = events.beats
    groups = tally(beats.rows, len(beats.subjects), window_ms, MAX_DURATION_MS, EDGES_US)
    for window, number, count, total_us, bins, slowest in sorted(groups, key=itemgetter(0)):
        subject = beats.subjects[number]
        stats = stats_at(window * window_ms, subject)
        if subject.kind == "beat-started":
            stats.started += count
            continue
        stats.completed += count
        if slowest:
            origins = ((us, Origin(at_ms, beats.source, offset)) for us, at_ms, offset in slowest)
            stats.total_us += total_us
            stats.max_us = max(stats.max_us, slowest[0][0])
            stats.slowest = slowest_of((*stats.slowest, *origins))
            add_bins(stats.bins, bins)
