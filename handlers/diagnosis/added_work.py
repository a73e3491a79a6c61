"""How much longer than usual the beats of a sequence take while something in it is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from handlers.model import AnyAnomaly, BeatKey, TelemetryMetrics, Window
from handlers.sketch import add_bins, quantile_us


def added_work_ms(
    anomaly: AnyAnomaly, metrics: TelemetryMetrics, usual_ms: Mapping[BeatKey, float]
) -> dict[str, float]:
    """By event, the rise of the median duration in the windows of the anomaly.

    `usual_ms`: learned medians, see `usual_times_ms`; else the windows before the anomaly tell what is usual.
    Beats of which neither is known are left out.
    """
    windows = [metrics.windows[start] for start in sorted(metrics.windows)]
    before = [each for each in windows if each.start_ms + metrics.window_ms <= anomaly.first_seen_ms]
    during = [each for each in windows[len(before) :] if each.start_ms < anomaly.last_seen_ms]
    usual = _medians_ms(before, anomaly.sequence) | {
        event: known_ms for (sequence, event), known_ms in usual_ms.items() if sequence == anomaly.sequence
    }
    now = _medians_ms(during, anomaly.sequence)
    return {event: now[event] - usual[event] for event in sorted(now) if event in usual}


def _medians_ms(windows: Iterable[Window], sequence: str) -> dict[str, float]:
    bins: dict[str, dict[int, int]] = {}
    for window in windows:
        for (of, event), stats in window.beats.items():
            if of == sequence and stats.bins:
                add_bins(bins.setdefault(event, {}), stats.bins)
    return {event: quantile_us(each, 0.5) / 1000 for event, each in bins.items()}
