"""Where in its sequence the added time sits: in the slow beat, in other beats, or between the beats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from handlers.anomaly.baseline import Baseline
from handlers.diagnosis.unexplained_excess import CallNode, Load, Unexplained, rank_unexplained_excess
from handlers.diagnosis.wording import percent, span
from handlers.model import BeatKey, BeatStats, PerformanceAnomaly, RunStats, TelemetryMetrics
from handlers.sketch import quantile_us

_RUN: Final = ""
"""The run of the sequence itself, which calls its beats; no event has this name."""

_OF_MEDIANS: Final = frozenset({"slow", "drift"})
"""Kinds of anomalies whose figures are medians, as the figures here are."""


class AddedTime(msgspec.Struct, frozen=True):
    """What a diagnosis says of it."""

    evidence: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()


def added_time(
    anomaly: PerformanceAnomaly,
    slow: tuple[PerformanceAnomaly, ...],
    metrics: TelemetryMetrics,
    usual_ms: Mapping[BeatKey, float],
) -> AddedTime:
    """Compares the beat with all of its sequence that can be compared, in the windows of the anomaly.

    The usual time of a beat is what its anomaly expected, else its median in `usual_ms`, else that of the
    windows before the anomaly. What has none of these is left out.
    """
    if not anomaly.sequence or anomaly.kind not in _OF_MEDIANS:
        return AddedTime()
    nodes = _nodes(anomaly, slow, metrics, usual_ms)
    ranked = rank_unexplained_excess(nodes, _RUN)
    this = next((each for each in ranked if each.name == anomaly.event), None)
    more = [each for each in ranked if each.own > 0]
    if this is None or this.own <= 0 or len(ranked) < 2:
        return AddedTime()
    share = this.own / sum(each.own for each in more)
    evidence = f"added {span(this.own)}, {percent(share)} of all the time added to {anomaly.sequence}"
    return AddedTime((evidence,), tuple(_against(more, this)))


def usual_times_ms(baseline: Baseline) -> dict[BeatKey, float]:
    """The learned median of each beat, and under (sequence id, "") that of each sequence."""
    runs = {(sequence, _RUN): learned.reference.bins for sequence, learned in baseline.runs.items()}
    beats = {key: learned.reference.bins for key, learned in baseline.beats.items()}
    return {key: quantile_us(bins, 0.5) / 1000 for key, bins in (runs | beats).items() if bins}


def _against(ranked: list[Unexplained], this: Unexplained) -> Iterator[str]:
    for each in ranked:
        if each.own <= this.own or each.name == this.name:
            continue
        if each.name == _RUN:
            yield f"runs lost more between the beats, waiting: {span(each.own)}"
        else:
            yield f"another beat of the sequence added more: {each.reason}"


def _nodes(
    anomaly: PerformanceAnomaly,
    slow: tuple[PerformanceAnomaly, ...],
    metrics: TelemetryMetrics,
    usual_ms: Mapping[BeatKey, float],
) -> list[CallNode]:
    sequence = anomaly.sequence
    windows = [metrics.windows[start] for start in sorted(metrics.windows)]
    length_ms = metrics.window_ms
    before = [each for each in windows if each.start_ms + length_ms <= anomaly.first_seen_ms]
    during = [
        each
        for each in windows
        if each.start_ms + length_ms > anomaly.first_seen_ms and each.start_ms < anomaly.last_seen_ms
    ]
    known = dict(usual_ms) | {
        (each.sequence, each.event): each.expected for each in slow if each.kind in _OF_MEDIANS
    }
    events = sorted({event for each in windows for of, event in each.beats if of == sequence})
    beats = [
        _node(
            event,
            (),
            known.get((sequence, event)),
            [each.beats.get((sequence, event)) for each in before],
            [each.beats.get((sequence, event)) for each in during],
        )
        for event in events
    ]
    run = _node(
        _RUN,
        tuple(events),
        known.get((sequence, _RUN)),
        [each.runs.get(sequence) for each in before],
        [each.runs.get(sequence) for each in during],
    )
    return [run, *beats]


def _node(
    name: str,
    calls: tuple[str, ...],
    usual_ms: float | None,
    before: list[BeatStats | None] | list[RunStats | None],
    during: list[BeatStats | None] | list[RunStats | None],
) -> CallNode:
    earlier = tuple(load.cost for stats in before if (load := _load(stats)))
    return CallNode(
        name=name,
        calls=calls,
        usual=earlier if usual_ms is None else (usual_ms,),
        loads=tuple(_load(stats) for stats in during),
    )


def _load(stats: BeatStats | RunStats | None) -> Load | None:
    """The median stands for the cost of each, as it does where slow beats are detected."""
    if stats is None or not stats.bins:
        return None
    return Load(sum(stats.bins.values()), quantile_us(stats.bins, 0.5) / 1000)
