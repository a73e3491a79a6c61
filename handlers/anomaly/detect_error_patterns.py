"""Beat 6: groups of errors that are new, came back, grow, burst, or are more frequent than they were."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec.structs import replace

from config.limits import LimitsOf, limits_for, subject_names
from config.settings import Detect
from handlers.anomaly.baseline import ERRORS, Baseline, Judgement, Learned, judge_subject
from handlers.anomaly.closing import closing
from handlers.anomaly.error_claim import error_anomaly
from handlers.anomaly.error_rate import ErrorRate, executions_by_beat, rate_of, spans_ms
from handlers.anomaly.error_trend import Step, trend_with
from handlers.anomaly.error_verdict import ErrorVerdict, error_verdict
from handlers.model import BeatKey, ErrorAnomaly, ErrorKey, ErrorStats, TelemetryMetrics

BURST_MS: Final = 60_000
"""Errors that all came within this time are a burst."""
_BURST_OF: Final = 10
"""How many times as long a group must be known before something is called a burst."""


class DetectedErrors(msgspec.Struct, frozen=True):
    anomalies: tuple[ErrorAnomaly, ...]
    errors: dict[ErrorKey, Learned[ErrorRate]]
    """What was learned."""


def detect_error_patterns(
    metrics: TelemetryMetrics,
    *,
    baseline: Baseline,
    limits: Detect,
    detect_of: LimitsOf = MappingProxyType({}),
    shown: Mapping[str, str] = MappingProxyType({}),
) -> DetectedErrors:
    """Judges each group of errors (beat + type + template + site) against the executions of its beat.

    One group is one anomaly, whatever its kind is at the moment. `shown`: templates for people, by name.
    `detect_of`: limits of handlers and sequences that have their own.
    """
    history = _History(metrics, baseline)
    anomalies: list[ErrorAnomaly] = []
    errors: dict[ErrorKey, Learned[ErrorRate]] = {}
    for key in sorted({*baseline.errors, *(key for each in metrics.windows.values() for key in each.errors)}):
        known, arrivals = history.of(key)
        own = limits_for(limits, detect_of, _names(key, known, arrivals)) if detect_of else limits
        errors[key], judgement = _judged(known, arrivals, own)
        template = shown.get(key[3], key[3])
        if judgement is not None and own.errors:
            kind = _kind(judgement, errors[key], metrics.window_ms)
            anomalies.append(error_anomaly(key, template, kind, judgement, metrics.window_ms, own))
    return DetectedErrors(tuple(anomalies), errors)


def _names(
    key: ErrorKey, known: Learned[ErrorRate], arrivals: Sequence[tuple[int, ErrorRate]]
) -> tuple[str, ...]:
    seen = (known.reference, *(recent.stats for recent in known.recent), *(rate for _, rate in arrivals))
    errors = next((rate.errors for rate in reversed(seen) if rate.errors.handler), ErrorStats())
    return subject_names(*key[:2], errors.plugin, errors.handler)


class _History:
    """What each group is judged by: what is known of it, and its windows."""

    def __init__(self, metrics: TelemetryMetrics, baseline: Baseline) -> None:
        self._windows = metrics.windows
        self._baseline = baseline
        self._spans_ms = [*spans_ms(metrics, baseline.judged_until_ms)]
        self._executions = {start: executions_by_beat(window) for start, window in metrics.windows.items()}
        self._before = _executions_before(baseline)

    def of(self, key: ErrorKey) -> tuple[Learned[ErrorRate], list[tuple[int, ErrorRate]]]:
        """All that the beat did before the first error was done without it.

        Windows in which the beat did not run count only if none is known to run at all.
        """
        beat = key[:2]
        executions = self._before.get(beat, 0)
        known = self._baseline.errors.get(key)
        runs = executions > 0
        arrivals: list[tuple[int, ErrorRate]] = []
        for start_ms, span_ms in self._spans_ms:
            errors, count = self._windows[start_ms].errors.get(key), self._executions[start_ms].get(beat, 0)
            runs = runs or count > 0
            if known is None and errors is None:
                executions += count
                continue
            if known is None:
                known = Learned(ErrorRate(executions=executions))
            if errors is not None or count or not runs:
                arrivals.append((start_ms, rate_of(errors, count, start_ms, span_ms)))
        return known or Learned(ErrorRate(executions=executions)), arrivals


def _executions_before(baseline: Baseline) -> dict[BeatKey, int]:
    executions: dict[BeatKey, int] = {}
    for (sequence, event), learned in baseline.beats.items():
        count = learned.reference.completed + sum(recent.stats.completed for recent in learned.recent)
        for key in dict.fromkeys(((sequence, event), (sequence, ""), ("", ""))):
            executions[key] = executions.get(key, 0) + count
    return executions


def _judged(
    known: Learned[ErrorRate], arrivals: Sequence[tuple[int, ErrorRate]], limits: Detect
) -> tuple[Learned[ErrorRate], Judgement[ErrorVerdict] | None]:
    told, trend = known.reference.told, known.reference.trend
    waiting = deque(arrivals)

    def judge(limits: Detect, current: ErrorRate, reference: ErrorRate) -> ErrorVerdict | None:
        nonlocal told, trend
        while waiting and waiting[0][0] <= current.until_ms:
            trend = trend_with(trend, _step(*waiting.popleft()))
        verdict = error_verdict(current, replace(reference, told=told, trend=trend), limits)
        if verdict is not None:
            told = verdict.told
        return verdict

    state, judgement = judge_subject(
        known, arrivals, ERRORS, limits.min_samples, partial(judge, limits), partial(judge, closing(limits))
    )
    if (told, trend) != (state.reference.told, state.reference.trend):
        state = replace(state, reference=replace(state.reference, told=told, trend=trend))
    return state, judgement


def _step(start_ms: int, rate: ErrorRate) -> Step:
    return Step(start_ms, rate.errors.count, rate.executions, rate.span_ms)


def _kind(judgement: Judgement[ErrorVerdict], learned: Learned[ErrorRate], window_ms: int) -> str:
    """More frequent for a moment only is a burst, as far as that can be known already."""
    verdict = judgement.verdict
    current = verdict.current
    if verdict.kind != "more-frequent" or current.first_ms is None:
        return verdict.kind
    faulty_ms = [each.start_ms for each in learned.recent if each.tainted and each.stats.errors.count]
    last_ms = current.until_ms if current.last_ms is None else current.last_ms
    lasted_ms = max(last_ms, *faulty_ms, 0) - min(current.first_ms, *faulty_ms, last_ms) + window_ms
    known_ms = verdict.reference.windows * window_ms
    return "burst" if lasted_ms <= min(BURST_MS, known_ms // _BURST_OF) else "more-frequent"
