"""Counts runs that are told as one event, as their steps would be counted one by one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from handlers.metrics import add_variant, first_of
from handlers.model import BeatStats, NormalizedEvents, RunStats, VariantStats
from handlers.sketch import add_sorted
from handlers.telemetry.durations import add_durations
from handlers.telemetry.origins import beat_origin, origin_of
from handlers.telemetry.run_endings import MAX_PATH_BEATS
from handlers.telemetry.waits import add_waits


def count_whole_runs(
    stats: RunStats, beats: Sequence[BeatStats], events: NormalizedEvents, indexes: list[int]
) -> None:
    """Counts runs of one path and window. `beats`: the statistics of each beat of the path."""
    path = [beat.event for beat in events.subjects[indexes[0]].beats]
    whole = [events.whole[index] for index in indexes]
    durations_us = [max(0, *run.after_ms) * 1000 for run in whole]
    stats.completed += len(whole)
    stats.total_us += sum(durations_us)
    add_sorted(stats.bins, sorted(durations_us))
    examples = first_of(origin_of(events, index) for index in indexes)
    add_variant(stats, "\t".join(path[:MAX_PATH_BEATS]), VariantStats(len(whole), examples))
    durations = zip(*(run.durations_us for run in whole), strict=True)
    ends_ms = list(zip(*(run.after_ms for run in whole), strict=True))
    begins_ms = [(0,) * len(whole), *ends_ms]
    for number, (beat, beat_us) in enumerate(zip(beats, durations, strict=True)):
        beat.started += len(whole)
        beat.completed += len(whole)
        origin = partial(beat_origin, events, indexes, number)
        add_durations(beat, beat_us, origin)
        times = zip(ends_ms[number], begins_ms[number], beat_us, strict=True)
        add_waits(stats, path[number], [end - begin - us // 1000 for end, begin, us in times], origin)
