"""Beat 3: handlers that are slower than expected, and what runs no more as often as it did."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import msgspec

from config.limits import LimitsOf, limits_for, subject_names
from config.settings import Detect
from handlers.anomaly import activity, drift, tail_block
from handlers.anomaly.activity import Activity, unit_key
from handlers.anomaly.baseline import BEATS, Baseline, Judgement, Learned, judge_subject
from handlers.anomaly.closing import closing
from handlers.anomaly.drift import judge_drift
from handlers.anomaly.latency import REPEATED, Rigour, Slow, judge_latency, once
from handlers.anomaly.long_term import LongTerm, PerformanceMemory, copied
from handlers.anomaly.performance_anomaly import quiet_anomaly, slow_anomaly
from handlers.anomaly.rare_tail import judge_rare_tail
from handlers.anomaly.silence import judge_activity
from handlers.anomaly.subject_names import beat_names, operators_figure
from handlers.metrics import add_beats
from handlers.model import BeatKey, BeatStats, PerformanceAnomaly, TelemetryMetrics


class DetectedPerformance(msgspec.Struct, frozen=True):
    anomalies: tuple[PerformanceAnomaly, ...]
    beats: dict[BeatKey, Learned[BeatStats]]
    """What was learned."""
    memory: PerformanceMemory
    """What was learned beyond that; records that did not change are those of the baseline itself."""


def detect_performance_anomalies(
    metrics: TelemetryMetrics,
    *,
    baseline: Baseline,
    limits: Detect,
    expected_ms: Mapping[str, float],
    detect_of: LimitsOf = MappingProxyType({}),
    observed_until_ms: int = 0,
    is_once: bool = False,
) -> DetectedPerformance:
    """Judges the durations of each beat, and the rate of each sequence.

    Durations: the median and the tail of the current windows against what is expected; the tail of many
    executions taken together; the newest against the oldest. Expected is the operator's figure
    (`expected_ms`, a glob on event, "Plugin.handler" or "sequence/event"), else the learned reference. Each
    verdict must beat the limit, and the noise: sampling error on both sides and the difference that two runs
    of one healthy program have anyway (`run_noise`). A beat is one anomaly, of the first kind that holds.

    `detect_of`: limits of subjects that have their own (see `config.limits`).
    `observed_until_ms`: up to when everything was read while the logs were followed live, 0 if they were not.
    `is_once`: these windows are one side of a comparison, which nobody judges again.
    """
    arrivals: dict[BeatKey, list[tuple[int, BeatStats]]] = {key: [] for key in baseline.beats}
    for start_ms, window in sorted(metrics.windows.items()):
        for key, stats in window.beats.items():
            arrivals.setdefault(key, []).append((start_ms, stats))
    to_close = closing(limits)
    rigour = once(_judged(arrivals, baseline, limits)) if is_once else REPEATED
    anomalies: list[PerformanceAnomaly] = []
    beats: dict[BeatKey, Learned[BeatStats]] = {}
    long_term = dict(baseline.performance.beats)
    for key, windows in sorted(arrivals.items()):
        known = baseline.beats.get(key) or Learned(BeatStats())
        names = _names(key, known, windows) if expected_ms or detect_of else ()
        fixed_ms, own = operators_figure(names, expected_ms), limits_for(limits, detect_of, (*names, key[0]))
        judge = partial(judge_latency, fixed_ms=fixed_ms, limits=own, rigour=rigour)
        still = partial(
            _still_slow, fixed_ms=fixed_ms, limits=own, to_close=to_close if own is limits else closing(own)
        )
        beats[key], judgement = judge_subject(known, windows, BEATS, own.min_samples, judge, still)
        if windows:
            long_term[key] = _remembered(long_term.get(key), windows, metrics.window_ms, own)
        if judgement is None and fixed_ms is None and key in long_term:
            judgement = _judge_long_term(long_term[key], beats[key], own)
        if judgement is None and fixed_ms is None and is_once and windows:
            judgement = _judge_rare_tail(key, arrivals, baseline, own, rigour)
        if judgement is not None and own.performance:
            last_ms = judgement.last_ms + metrics.window_ms
            anomalies.append(slow_anomaly(key, judgement.verdict, judgement.first_ms, last_ms, own))
    references = {key: learned.reference for key, learned in beats.items()}
    rates = _activity_after(metrics, baseline, limits, _drops(references, baseline, limits, detect_of))
    for quiet in judge_activity(rates, observed_until_ms):
        own = (
            _limits_of_unit(quiet.units[0], references, limits, detect_of)
            if len(quiet.units) == 1
            else limits
        )
        if own.performance:
            anomalies.append(quiet_anomaly(quiet, references, own))
    return DetectedPerformance(tuple(anomalies), beats, PerformanceMemory(long_term, rates))


def _judged(
    arrivals: Mapping[BeatKey, list[tuple[int, BeatStats]]], baseline: Baseline, limits: Detect
) -> int:
    """How many handlers have samples enough on both sides of a comparison."""
    enough = 0
    for key, known in baseline.beats.items():
        current = sum(sum(stats.bins.values()) for _, stats in arrivals[key])
        enough += min(current, sum(known.reference.bins.values())) >= limits.min_samples
    return enough


def _still_slow(
    current: BeatStats, reference: BeatStats, fixed_ms: float | None, limits: Detect, to_close: Detect
) -> Slow | None:
    """What must be below `to_close` to be over is told with the limit that it went over."""
    slow = judge_latency(current, reference, fixed_ms, to_close)
    if slow is None:
        return None
    limit_ms = max(slow.limit_ms, slow.expected_ms * (1 + limits.over_expected))
    return msgspec.structs.replace(slow, limit_ms=limit_ms)


def _names(key: BeatKey, known: Learned[BeatStats], windows: list[tuple[int, BeatStats]]) -> tuple[str, ...]:
    seen = (known.reference, *(recent.stats for recent in known.recent), *(stats for _, stats in windows))
    return beat_names(key, seen)


def _limits_of_unit(
    unit: str, references: Mapping[BeatKey, BeatStats], limits: Detect, detect_of: LimitsOf
) -> Detect:
    sequence, event = unit.split("\t", 1)
    stats = references.get((sequence, event), BeatStats())
    return limits_for(limits, detect_of, subject_names(sequence, event, stats.plugin, stats.handler))


def _drops(
    references: Mapping[BeatKey, BeatStats],
    baseline: Baseline,
    limits: Detect,
    detect_of: LimitsOf,
) -> dict[str, float]:
    """`rate_drop` of the units that may have their own."""
    if not any("rate_drop" in given.model_fields_set for given in detect_of.values()):
        return {}
    units = {unit_key(sequence, event) for sequence, event in references}
    units |= {unit_key(sequence, "") for sequence, _ in references}
    units |= baseline.performance.activity.units.keys()
    return {unit: _limits_of_unit(unit, references, limits, detect_of).rate_drop for unit in sorted(units)}


def _remembered(
    before: LongTerm | None, windows: list[tuple[int, BeatStats]], window_ms: int, limits: Detect
) -> LongTerm:
    memory = copied(before) if before is not None else LongTerm()
    judge = partial(judge_latency, fixed_ms=None, limits=limits)
    for start_ms, stats in windows:
        tail_block.take_window(memory.tail, start_ms, stats, limits.min_samples, judge)
        drift.take_window(memory.drift, start_ms, stats.bins, limits)
        memory.last_ms = max(memory.last_ms, start_ms)
    return memory


def _judge_long_term(memory: LongTerm, learned: Learned[BeatStats], limits: Detect) -> Judgement[Slow] | None:
    """What stands of a beat that is not slow by the short spans."""
    tail, slow, first_ms = memory.tail, None, 0
    if tail.faulty is not None:
        slow, first_ms = judge_latency(tail.faulty, tail.reference, None, limits), tail.since_ms
        if slow is not None and tail_block.is_over(tail, slow, limits.confidence):
            slow = None
    if slow is None and memory.drift.anchor is not None:
        current = BeatStats()
        for recent in learned.recent:
            add_beats(current, recent.stats)
        slow, first_ms = (
            judge_drift(current, learned.reference, memory.drift.anchor, limits),
            memory.drift.anchor.since_ms,
        )
    return Judgement(slow, first_ms, memory.last_ms) if slow is not None else None


def _judge_rare_tail(
    key: BeatKey,
    arrivals: Mapping[BeatKey, list[tuple[int, BeatStats]]],
    baseline: Baseline,
    limits: Detect,
    rigour: Rigour,
) -> Judgement[Slow] | None:
    (start_ms, current), known = arrivals[key][-1], baseline.beats.get(key)
    if known is None:
        return None
    others = (windows[-1][1] for other, windows in arrivals.items() if other != key and windows)
    before = (each.reference for other, each in baseline.beats.items() if other != key)
    slow = judge_rare_tail(current, known.reference, (*others, *before), limits, rigour)
    return Judgement(slow, start_ms, start_ms) if slow is not None else None


def _activity_after(
    metrics: TelemetryMetrics, baseline: Baseline, limits: Detect, drops: Mapping[str, float]
) -> Activity:
    after = baseline.performance.activity
    if not metrics.windows:
        return after
    after = copied(after)
    with_runs = {sequence for sequence in baseline.runs if sequence}
    for start_ms, window in sorted(metrics.windows.items()):
        for sequence in sorted(window.runs.keys() - with_runs - {""}):
            with_runs.add(sequence)
            activity.join_beats(after, sequence)
        counts = activity.executions_by_unit(window, with_runs)
        activity.take_window(after, start_ms, metrics.window_ms, counts, limits.rate_drop, drops)
    return after
