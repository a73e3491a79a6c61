"""Where in its sequence the added time sits: in the slow beat, in other beats, or between the beats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from handlers.anomaly.baseline import Baseline
from handlers.diagnosis.unexplained_excess import CallNode, Load, Unexplained, rank_unexplained_excess
from handlers.diagnosis.wording import percent, span
from handlers.model import BeatKey, BeatStats, PerformanceAnomaly, RunStats, TelemetryMetrics, Window
from handlers.sketch import add_bins, quantile_us

_RUN: Final = ""
"""The run of the sequence itself, which calls its beats; no event has this name."""

_OF_MEDIANS: Final = frozenset({"slow", "drift"})
"""Kinds of anomalies whose figures are medians, as the figures here are."""


class AddedTime(msgspec.Struct, frozen=True):
    """What a diagnosis says of it."""

    evidence: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()
    worked_ms: float | None = None
    """What the slow beat added to a run by its own work; None where that is not known."""
    waited_ms: float | None = None
    """What the time between the beats added to a run."""


def added_times(
    slow: tuple[PerformanceAnomaly, ...], metrics: TelemetryMetrics, usual_ms: Mapping[BeatKey, float]
) -> tuple[AddedTime, ...]:
    """Compares each slow beat with all of its sequence that can be compared, in the windows of the anomaly.

    `usual_ms`: learned medians, see `usual_times_ms`. The usual time of a beat is what its anomaly expected,
    else its learned median, else that of the windows before the anomaly. What has none of these is left out.
    """
    windows = [metrics.windows[start] for start in sorted(metrics.windows)]
    events: dict[str, set[str]] = {}
    for sequence, event in {key for each in windows for key in each.beats}:
        events.setdefault(sequence, set()).add(event)
    known = dict(usual_ms) | {
        (each.sequence, each.event): each.expected for each in slow if each.kind in _OF_MEDIANS
    }
    return tuple(
        _added_time(
            each, _nodes(each, sorted(events.get(each.sequence, ())), windows, metrics.window_ms, known)
        )
        if each.sequence and each.kind in _OF_MEDIANS
        else AddedTime()
        for each in slow
    )


def _added_time(anomaly: PerformanceAnomaly, nodes: list[CallNode]) -> AddedTime:
    ranked = rank_unexplained_excess(nodes, _RUN)
    this = next((each for each in ranked if each.name == anomaly.event), None)
    if this is None or this.own <= 0 or len(ranked) < 2:
        return AddedTime()
    all_own = sum(each.own for each in ranked if each.own > 0)
    evidence = (
        f"added {span(this.own)}, {percent(this.own / all_own)} of all the time added to {anomaly.sequence}"
    )
    run = next((each for each in ranked if each.name == _RUN), None)
    if run is None:
        return AddedTime((evidence,), tuple(_against(ranked, this)))
    return AddedTime(
        (evidence,), tuple(_against(ranked, this)), this.own / run.requests, run.own / run.requests
    )


def usual_times_ms(baseline: Baseline) -> dict[BeatKey, float]:
    """The learned median of each beat, and under (sequence id, "") that of each sequence."""
    runs = {(sequence, _RUN): learned.reference.bins for sequence, learned in baseline.runs.items()}
    beats = {key: learned.reference.bins for key, learned in baseline.beats.items()}
    return {key: quantile_us(bins, 0.5) / 1000 for key, bins in (runs | beats).items() if bins}


def _against(ranked: tuple[Unexplained, ...], this: Unexplained) -> Iterator[str]:
    for each in ranked:
        if each.own <= this.own or each.name == this.name:
            continue
        if each.name == _RUN:
            yield f"runs lost more between the beats, waiting: {span(each.own)}"
        else:
            yield f"another beat of the sequence added more: {each.reason}"


def _nodes(
    anomaly: PerformanceAnomaly,
    events: list[str],
    windows: list[Window],
    window_ms: int,
    known_ms: Mapping[BeatKey, float],
) -> list[CallNode]:
    """The run and its beats."""
    sequence = anomaly.sequence
    before = [each for each in windows if each.start_ms + window_ms <= anomaly.first_seen_ms]
    during = [each for each in windows[len(before) :] if each.start_ms < anomaly.last_seen_ms]

    def node(name: str, calls: tuple[str, ...], stats_of: _StatsOf) -> CallNode:
        usual_ms = known_ms.get((sequence, name))
        if usual_ms is None and (earlier := _load(map(stats_of, before))):
            usual_ms = earlier.cost
        return CallNode(
            name=name,
            calls=calls,
            usual=() if usual_ms is None else (usual_ms,),
            loads=(_load(map(stats_of, during)),),
        )

    beats = [node(event, (), _beat(sequence, event)) for event in events]
    return [node(_RUN, tuple(events), lambda window: window.runs.get(sequence)), *beats]


_StatsOf = Callable[[Window], BeatStats | RunStats | None]


def _beat(sequence: str, event: str) -> _StatsOf:
    return lambda window: window.beats.get((sequence, event))


def _load(found: Iterable[BeatStats | RunStats | None]) -> Load | None:
    """The median stands for the cost of each, as it does where slow beats are detected."""
    bins: dict[int, int] = {}
    for stats in found:
        if stats is not None:
            add_bins(bins, stats.bins)
    return Load(sum(bins.values()), quantile_us(bins, 0.5) / 1000) if bins else None
