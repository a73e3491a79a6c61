"""When an anomaly began: where its figure leaves its usual range for the one that was reported.

Page's cumulative sum with known levels: each step speaks for the level that is expected or for the one that
is there now, by its log-likelihood ratio. The beginning is where the sum from there to the end is largest;
all places whose sum is less by at most 2 are possible too.

E. S. Page: "Continuous Inspection Schemes", Biometrika 41, 1954. D. V. Hinkley: "Inference about the
change-point in a sequence of random variables", Biometrika 57, 1970.
"""

from __future__ import annotations

from itertools import accumulate
from math import log, sqrt
from statistics import median
from typing import Final

import msgspec

from handlers.model import AnyAnomaly, Past, PerformanceAnomaly, Point

_POSSIBLE: Final = 2.0
"""The log-likelihood by which a place may be less likely than the best one."""
_MIN_SIGMA: Final = 0.05
"""Of the logarithm of a median of one sample: two healthy runs differ by so much."""
_LOWEST: Final = 1e-9
_SHARES: Final = frozenset({"runs/run", "errors/execution"})


class Onset(msgspec.Struct, frozen=True):
    """It began between these two times."""

    since_ms: int
    """Until then it was as usual."""
    until_ms: int
    """By then it was there."""
    before: tuple[Point, ...]
    after: tuple[Point, ...]


def onset(anomaly: AnyAnomaly, past: Past) -> Onset | None:
    """None where nothing is remembered of the time before, where it grew little by little, and for what has
    no figure over time."""
    points = [each for each in past.points if each.at_ms < anomaly.last_seen_ms]
    if len(points) < 2 or anomaly.kind == "drift" or anomaly.actual == anomaly.expected:
        return None
    ratios = _of_shares(points, anomaly) if anomaly.unit in _SHARES else _of_sizes(points, anomaly)
    sums = [*accumulate(reversed(ratios))][::-1]
    best = max(range(len(sums)), key=lambda index: (sums[index], index))
    possible = [index for index, each in enumerate(sums) if each >= sums[best] - _POSSIBLE]
    first = last = best
    while first - 1 in possible:
        first -= 1
    while last + 1 in possible:
        last += 1
    if sums[best] <= 0 or first == 0:
        return None
    return Onset(
        since_ms=min(points[first - 1].at_ms + past.step_ms, points[first].at_ms),
        until_ms=points[last].at_ms + past.step_ms,
        before=tuple(points[:best]),
        after=tuple(points[best:]),
    )


def _of_shares(points: list[Point], anomaly: AnyAnomaly) -> list[float]:
    """Of binomial counts. A share that never occurred is taken as half an occurrence."""
    usual = max(anomaly.expected, 0.5 / (anomaly.baseline_samples + 1))
    now = min(max(anomaly.actual, 2 * usual), 1 - 0.5 / (anomaly.samples + 1))
    usual = min(usual, now / 2)
    hit, miss = log(now / usual), log((1 - now) / (1 - usual))
    return [
        round(each.value * each.samples) * hit + (each.samples - round(each.value * each.samples)) * miss
        for each in points
    ]


def _of_sizes(points: list[Point], anomaly: AnyAnomaly) -> list[float]:
    """Of durations and rates on the log scale, each kept between the two levels: one of ten times the size
    says no more than that it is there."""
    usual, now = log(max(anomaly.expected, _LOWEST)), log(max(anomaly.actual, _LOWEST))
    low, high = min(usual, now), max(usual, now)
    weights = [each.samples if anomaly.unit == "ms" else 1 for each in points]
    logs = [log(max(each.value, _LOWEST)) for each in points]
    residuals = [
        min(abs(each - usual), abs(each - now)) * sqrt(weight)
        for each, weight in zip(logs, weights, strict=True)
    ]
    sigma = max(_MIN_SIGMA, 1.4826 * median(residuals))
    return [
        weight * (now - usual) * (min(max(each, low), high) - (usual + now) / 2) / sigma**2
        for each, weight in zip(logs, weights, strict=True)
    ]


def load_factor(found: Onset, anomaly: AnyAnomaly) -> float | None:
    """How many times as often the subject ran after the beginning as before it, over equal spans; None where
    that cannot be told, or is what the anomaly is about."""
    if isinstance(anomaly, PerformanceAnomaly) and anomaly.unit != "ms":
        return None
    if anomaly.unit == "errors/minute" or not (found.before and found.after):
        return None
    middle_ms = found.after[0].at_ms
    span_ms = min(middle_ms - found.before[0].at_ms, found.after[-1].at_ms - middle_ms)
    before = sum(each.samples for each in found.before if each.at_ms >= middle_ms - span_ms)
    after = sum(each.samples for each in found.after if each.at_ms < middle_ms + span_ms)
    return after / before if before and span_ms > 0 else None
