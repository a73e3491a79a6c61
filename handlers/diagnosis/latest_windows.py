"""What a diagnosis looks at: the windows judged last, as many as can be held in memory."""

from __future__ import annotations

from typing import Final

from handlers.model import TelemetryMetrics, Window

MAX_STATISTICS: Final = 2_000
"""Statistics of one subject in one window: they take about 3 KB each."""


def latest(before: TelemetryMetrics, judged: TelemetryMetrics) -> TelemetryMetrics:
    """Both together without the oldest windows, if they hold too much. What was judged now is all in it."""
    windows = {**before.windows, **judged.windows}
    held = sum(map(_size, windows.values()))
    for start_ms in sorted(before.windows.keys() - judged.windows.keys()):
        if held <= MAX_STATISTICS:
            break
        held -= _size(windows.pop(start_ms))
    return TelemetryMetrics(judged.window_ms, dict(sorted(windows.items())))


def _size(window: Window) -> int:
    return len(window.beats) + len(window.runs) + len(window.errors)
