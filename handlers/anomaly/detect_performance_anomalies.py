"""Beat 3: handlers that are slower than expected, beyond the limit and beyond the noise."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from config.settings import Detect
from handlers.anomaly.baseline import BEATS, Baseline, Judgement, Learned, judge_subject
from handlers.anomaly.closing import closing
from handlers.anomaly.identity import anomaly_id
from handlers.anomaly.statistics import log_median, z_of
from handlers.anomaly.subject_names import beat_names, operators_figure
from handlers.model import BeatKey, BeatStats, PerformanceAnomaly, Severity, TelemetryMetrics
from handlers.sketch import quantile_us


class DetectedPerformance(msgspec.Struct, frozen=True):
    anomalies: tuple[PerformanceAnomaly, ...]
    beats: dict[BeatKey, Learned[BeatStats]]
    """What was learned."""


class _Slow(msgspec.Struct, frozen=True):
    actual_ms: float
    expected_ms: float
    interval_ms: tuple[float, float]
    expected_from: str
    current: BeatStats
    reference_samples: int


def detect_performance_anomalies(
    metrics: TelemetryMetrics, *, baseline: Baseline, limits: Detect, expected_ms: Mapping[str, float]
) -> DetectedPerformance:
    """Judges each beat: is the median of its current windows over the expected one by more than the limit?

    Expected is the operator's figure (`expected_ms`, a glob on event, "Plugin.handler" or
    "sequence/event"), else the median of the learned reference. The limit must lie below the lower bound of
    the ratio's confidence interval, which holds the sampling error of both medians and the difference that
    two runs of one healthy program have anyway (`run_noise`).
    """
    arrivals: dict[BeatKey, list[tuple[int, BeatStats]]] = {key: [] for key in baseline.beats}
    for start_ms, window in sorted(metrics.windows.items()):
        for key, stats in window.beats.items():
            arrivals.setdefault(key, []).append((start_ms, stats))
    to_close = closing(limits)
    anomalies: list[PerformanceAnomaly] = []
    beats: dict[BeatKey, Learned[BeatStats]] = {}
    for key, windows in sorted(arrivals.items()):
        known = baseline.beats.get(key) or Learned(BeatStats())
        fixed_ms = _operators_figure(key, known, windows, expected_ms)

        def judge(
            current: BeatStats, reference: BeatStats, fixed_ms: float | None = fixed_ms
        ) -> _Slow | None:
            return _judge(current, reference, fixed_ms, limits)

        def still(
            current: BeatStats, reference: BeatStats, fixed_ms: float | None = fixed_ms
        ) -> _Slow | None:
            return _judge(current, reference, fixed_ms, to_close)

        beats[key], judgement = judge_subject(known, windows, BEATS, limits.min_samples, judge, still)
        if judgement is not None and limits.performance:
            anomalies.append(_anomaly(key, judgement, metrics.window_ms, limits))
    return DetectedPerformance(tuple(anomalies), beats)


def _operators_figure(
    key: BeatKey,
    known: Learned[BeatStats],
    windows: list[tuple[int, BeatStats]],
    expected_ms: Mapping[str, float],
) -> float | None:
    if not expected_ms:
        return None
    seen = (known.reference, *(recent.stats for recent in known.recent), *(stats for _, stats in windows))
    return operators_figure(beat_names(key, seen), expected_ms)


def _judge(current: BeatStats, reference: BeatStats, fixed_ms: float | None, limits: Detect) -> _Slow | None:
    samples, known = sum(current.bins.values()), sum(reference.bins.values())
    if samples < limits.min_samples or (fixed_ms is None and known < limits.min_samples):
        return None
    z = z_of(limits.confidence)
    actual_us, error = log_median(current.bins, z)
    if fixed_ms is not None:
        expected_us, expected_error, noise = fixed_ms * 1000, 0.0, 0.0
    else:
        expected_us, expected_error = log_median(reference.bins, z)
        noise = limits.run_noise
    expected_us = max(expected_us, 1.0)
    margin = z * math.sqrt(error**2 + expected_error**2 + noise**2)
    ratio = actual_us / expected_us
    if math.log(max(ratio, 1e-9)) - margin <= math.log(1 + limits.over_expected):
        return None
    if actual_us - expected_us < limits.min_added_ms * 1000:
        return None
    return _Slow(
        actual_ms=actual_us / 1000,
        expected_ms=expected_us / 1000,
        interval_ms=(actual_us / 1000 * math.exp(-margin), actual_us / 1000 * math.exp(margin)),
        expected_from="settings" if fixed_ms is not None else "baseline",
        current=current,
        reference_samples=known,
    )


def _severity(ratio: float, limit: float) -> tuple[Severity, str]:
    figure = f"{ratio:.2f} times the expected median, limit {limit:.2f}"
    if ratio >= 5:
        return "critical", f"{figure} (critical from 5.00)"
    if ratio >= 3:
        return "high", f"{figure} (high from 3.00)"
    if ratio >= 2:
        return "medium", f"{figure} (medium from 2.00)"
    return "low", f"{figure} (low below 2.00)"


def _anomaly(key: BeatKey, judgement: Judgement[_Slow], window_ms: int, limits: Detect) -> PerformanceAnomaly:
    sequence, event = key
    slow = judgement.verdict
    ratio = slow.actual_ms / slow.expected_ms
    limit_ms = slow.expected_ms * (1 + limits.over_expected)
    severity, reason = _severity(ratio, 1 + limits.over_expected)
    name = slow.current.handler or event
    return PerformanceAnomaly(
        id=anomaly_id("performance", sequence, event),
        kind="slow",
        severity=severity,
        severity_reason=reason,
        sequence=sequence,
        event=event,
        plugin=slow.current.plugin,
        handler=slow.current.handler,
        description=(
            f"{name} takes {slow.actual_ms:.1f} ms (median), {ratio:.2f} times the expected "
            f"{slow.expected_ms:.1f} ms; the limit is {limit_ms:.1f} ms"
        ),
        actual=slow.actual_ms,
        expected=slow.expected_ms,
        limit=limit_ms,
        unit="ms",
        interval=slow.interval_ms,
        confidence=limits.confidence,
        samples=sum(slow.current.bins.values()),
        baseline_samples=slow.reference_samples,
        first_seen_ms=judgement.first_ms,
        last_seen_ms=judgement.last_ms + window_ms,
        origins=tuple(origin for _, origin in slow.current.slowest),
        affected=(sequence,) if sequence else (),
        ratio=ratio,
        p95=quantile_us(slow.current.bins, 0.95) / 1000,
        added_us_per_execution=round((slow.actual_ms - slow.expected_ms) * 1000),
        expected_from=slow.expected_from,
    )
