"""How fast everything together ran on the two sides of a comparison: that is the machine, and no handler.

Two logs come from machines, or from hours, that are not equally busy, and within a log the load comes and
goes. That makes all handlers slower at once, by about the same factor, and is no verdict on any of them. So
each side is cut into spans; the pace of a span is the median, over all handlers alike, of how much longer
than usual they took. A handler is judged by how it differs from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from config.settings import Detect
from handlers.anomaly.latency import LEAST_HANDLERS
from handlers.metrics import merged
from handlers.model import BeatKey, BeatStats, TelemetryMetrics, Window
from handlers.sketch import ZERO_BIN, factor_of, median_bin, shifted_bins

SPAN_EXECUTIONS: Final = 100
"""So many tell the pace of a span within 4 %, with the spread of durations that handlers have (sigma 0.3)."""
MOST_PACE: Final = 2
"""A pace beyond so many times the limit is not put down to the machine."""

Medians = Mapping[BeatKey, int]


class SamePace(msgspec.Struct, frozen=True):
    """Two sides, as if the baseline had run at the pace of the current side, and each at an even one."""

    baseline: TelemetryMetrics
    current: TelemetryMetrics
    slower: float
    """How many times as long as in the baseline everything took in the current side; 1 or more."""
    is_even: bool = True
    """False: everything is so much slower that it is a verdict; the sides are as they were."""


def at_one_pace(baseline: TelemetryMetrics, current: TelemetryMetrics, limits: Detect) -> SamePace:
    """Takes the pace out of both sides. Counts stay as they are; durations of the baseline become longer.

    Only a current side that is slower is made up for: where most handlers became faster, one that did not is
    not slow. Nothing is done where fewer than `LEAST_HANDLERS` ran `detect.min_samples` times on both sides,
    nor where everything is slower than twice the limit allows one handler to be: no load may hide that.
    """
    min_samples = limits.min_samples
    usual = _medians(baseline, min_samples)
    both = usual.keys() & _medians(current, min_samples).keys()
    if len(both) < LEAST_HANDLERS:
        return SamePace(baseline, current, 1.0)
    usual = {key: usual[key] for key in both}
    paces = _paces(baseline, usual)
    even = _shifted(
        baseline,
        {start: dict.fromkeys(baseline.windows[start].beats, -pace) for start, pace in paces.items()},
    )
    even_usual = {key: each for key, each in _medians(even, min_samples).items() if key in both}
    paces = {start: max(0, pace) for start, pace in _paces(current, even_usual).items()}
    means = _means(current, paces)
    ours = {
        start: {key: means[key] - paces[start] for key in window.beats}
        for start, window in current.windows.items()
    }
    theirs = dict.fromkeys(even.windows, means)
    slower = factor_of(_middle(sorted((each, 1) for each in means.values())))
    if slower > MOST_PACE * (1 + limits.over_expected):
        return SamePace(baseline, current, slower, is_even=False)
    return SamePace(_shifted(even, theirs), _shifted(current, ours), slower)


def _medians(metrics: TelemetryMetrics, min_samples: int) -> dict[BeatKey, int]:
    """The bin of the median, of each handler with so many durations."""
    beats = merged(metrics.windows.values(), 0).beats
    return {key: median_bin(each.bins) for key, each in beats.items() if _samples(each) >= min_samples}


def _samples(stats: BeatStats) -> int:
    return sum(stats.bins.values())


def _paces(metrics: TelemetryMetrics, usual: Medians) -> dict[int, int]:
    """By how many bins the durations of each window are longer than usual, by the span in which it lies."""
    paces: dict[int, int] = {}
    spans: list[list[Window]] = []
    executions = SPAN_EXECUTIONS
    for _, window in sorted(metrics.windows.items()):
        if executions >= SPAN_EXECUTIONS:
            spans.append([])
            executions = 0
        spans[-1].append(window)
        executions += sum(_samples(each) for key, each in window.beats.items() if key in usual)
    if executions < SPAN_EXECUTIONS and len(spans) > 1:
        last = spans.pop()
        spans[-1] += last
    for span in spans:
        paces |= dict.fromkeys((window.start_ms for window in span), _pace(span, usual))
    return paces


def _pace(span: list[Window], usual: Medians) -> int:
    """The median of how many bins longer durations are, each handler with the same weight."""
    parts: list[tuple[int, float]] = []
    for key, stats in merged(span, 0).beats.items():
        if key in usual and (samples := _samples(stats)):
            parts += (
                (index - usual[key], count / samples)
                for index, count in stats.bins.items()
                if index != ZERO_BIN
            )
    return _middle(sorted(parts))


def _middle(parts: list[tuple[int, float]]) -> int:
    """The weighted median of values in ascending order; 0 of none."""
    left = sum(weight for _, weight in parts) / 2
    for value, weight in parts:
        left -= weight
        if left <= 0:
            return value
    return 0


def _means(metrics: TelemetryMetrics, paces: Mapping[int, int]) -> dict[BeatKey, int]:
    """The pace that each handler met on average, in bins."""
    sums: dict[BeatKey, tuple[int, int]] = {}
    for start_ms, window in metrics.windows.items():
        for key, stats in window.beats.items():
            samples, total = sums.get(key, (0, 0))
            sums[key] = samples + _samples(stats), total + _samples(stats) * paces[start_ms]
    return {key: round(total / samples) if samples else 0 for key, (samples, total) in sums.items()}


def _shifted(metrics: TelemetryMetrics, offsets: Mapping[int, Medians]) -> TelemetryMetrics:
    return replace(
        metrics,
        windows={
            start: replace(
                window,
                beats={
                    key: replace(stats, bins=shifted_bins(stats.bins, offsets[start].get(key, 0)))
                    for key, stats in window.beats.items()
                },
            )
            for start, window in metrics.windows.items()
        },
    )
