"""Of which durations a comparison says nothing, because they are too few."""

from __future__ import annotations

from collections.abc import Mapping

from config.settings import Detect
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.subject_names import beat_names, operators_figure
from handlers.metrics import merged
from handlers.model import BeatKey, BeatStats, TelemetryMetrics


def too_few_samples(
    baseline: Baseline, current: TelemetryMetrics, limits: Detect, expected_ms: Mapping[str, float]
) -> tuple[BeatKey, ...]:
    """The beats of the current side with fewer than `min_samples` durations on a side.

    The baseline's do not matter where the operator's figure says what is normal.
    """
    few: list[BeatKey] = []
    for key, stats in sorted(merged(current.windows.values(), 0).beats.items()):
        known = baseline.beats[key].reference if key in baseline.beats else BeatStats()
        is_fixed = operators_figure(beat_names(key, (known, stats)), expected_ms) is not None
        least = min(sum(each.bins.values()) for each in ((stats,) if is_fixed else (stats, known)))
        if least < limits.min_samples:
            few.append(key)
    return tuple(few)
