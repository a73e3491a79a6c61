"""A diagnosis sees the windows judged last, and memory stays bounded."""

from __future__ import annotations

from handlers.diagnosis.latest_windows import MAX_STATISTICS, latest
from handlers.model import BeatStats, TelemetryMetrics, Window

HALF = MAX_STATISTICS // 2


def metrics(*starts_ms: int, beats: int = HALF) -> TelemetryMetrics:
    windows = (Window(at, {("s", f"e{n}"): BeatStats() for n in range(beats)}) for at in starts_ms)
    return TelemetryMetrics(10_000, {window.start_ms: window for window in windows})


def test_the_oldest_windows_go_when_they_hold_too_much() -> None:
    assert list(latest(metrics(10_000, 0), metrics(20_000)).windows) == [10_000, 20_000]


def test_what_was_judged_now_stays_however_much_it_is() -> None:
    assert list(latest(metrics(0), metrics(10_000, 20_000, 30_000)).windows) == [10_000, 20_000, 30_000]


def test_a_window_that_is_judged_again_counts_once() -> None:
    assert list(latest(metrics(0), metrics(0, 10_000)).windows) == [0, 10_000]


def test_nothing_is_forgotten_while_there_is_room() -> None:
    assert list(latest(metrics(0, 10_000, beats=3), metrics(20_000, beats=3)).windows) == [0, 10_000, 20_000]
