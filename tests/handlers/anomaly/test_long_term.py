"""What no short span shows: rare slow executions, and what gets slower little by little."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Detect
from handlers.anomaly.baseline import Baseline, Learned
from handlers.anomaly.detect_performance_anomalies import DetectedPerformance, detect_performance_anomalies
from handlers.anomaly.drift import MAX_SLICES
from handlers.model import RunStats, TelemetryMetrics, Window
from tests.handlers.anomaly.builders import BEAT, WINDOW_MS, beat, metrics

HOUR_MS = 3_600_000


def detected(current: TelemetryMetrics, known: Baseline) -> DetectedPerformance:
    return detect_performance_anomalies(current, baseline=known, limits=Detect(), expected_ms={})


def after(found: DetectedPerformance) -> Baseline:
    return Baseline(0, found.beats, performance=found.memory)


def windows(medians_ms: list[float], every_ms: int = WINDOW_MS, slow_share: float = 0.0) -> list[Window]:
    """Twelve executions a window; the seed is fixed, so that no run differs."""
    chance = random.Random(1)
    return [
        Window(
            number * every_ms,
            beats={
                BEAT: beat(
                    median_ms * chance.lognormvariate(0, 0.3) * (10 if chance.random() < slow_share else 1)
                    for _ in range(12)
                )
            },
        )
        for number, median_ms in enumerate(medians_ms)
    ]


def kinds(found: DetectedPerformance) -> list[str]:
    return [anomaly.kind for anomaly in found.anomalies]


def later(windows: list[Window], by_ms: int) -> list[Window]:
    return [Window(window.start_ms + by_ms, window.beats) for window in windows]


def test_a_twentieth_that_is_ten_times_slower_is_told_with_its_quantile() -> None:
    known = after(detected(metrics(*windows([20.0] * 300)), Baseline()))
    slow = later(windows([20.0] * 70, slow_share=0.06), 300 * WINDOW_MS)
    (anomaly,) = detected(metrics(*slow), known).anomalies
    assert anomaly.kind == "slow-tail"
    assert anomaly.quantile in {0.95, 0.99}
    assert f"(p{anomaly.quantile * 100:g})" in anomaly.description
    assert anomaly.actual == pytest.approx(200, rel=0.6)


def test_a_slow_tail_stands_until_a_block_is_healthy_again() -> None:
    known = after(detected(metrics(*windows([20.0] * 300)), Baseline()))
    slow = later(windows([20.0] * 70, slow_share=0.06), 300 * WINDOW_MS)
    faulty = detected(metrics(*slow), known)
    assert kinds(detected(metrics(), after(faulty))) == ["slow-tail"]
    healthy = later(windows([20.0] * 80), 370 * WINDOW_MS)
    assert kinds(detected(metrics(*healthy), after(faulty))) == []


def test_a_fault_of_two_minutes_is_no_slow_tail_long_after_it() -> None:
    """A block is full in window 40, the next in 74: until then no other verdict says that it is over."""
    known = after(detected(metrics(*windows([20.0] * 300)), Baseline()))
    told = []
    for number, window in enumerate(windows([20.0] * 30 + [60.0] * 3 + [20.0] * 67)):
        found = detected(metrics(*later([window], 300 * WINDOW_MS)), known)
        known = after(found)
        told += [number] if found.anomalies else []
    assert told
    assert 30 <= told[0] <= 32
    assert told[-1] < 56


def growing(count: int, factor: float) -> list[float]:
    return [20.0 * factor ** (number / count) for number in range(count)]


@pytest.mark.parametrize(
    ("medians_ms", "every_ms", "found"),
    [
        pytest.param(growing(400, 3.0), WINDOW_MS, True, id="three times slower within an hour"),
        pytest.param(growing(400, 1.4), WINDOW_MS, False, id="slower by less than the limit"),
        pytest.param(growing(480, 3.0), 3 * HOUR_MS, True, id="three times slower within two months"),
        pytest.param(
            [20.0 if number % 24 < 12 else 45.0 for number in range(24 * 30)],
            HOUR_MS,
            False,
            id="slow by day and fast by night is no drift",
        ),
        pytest.param([20.0] * 400, WINDOW_MS, False, id="what stays as it is"),
    ],
)
def test_a_drift_is_told_although_the_reference_learns_it(
    medians_ms: list[float], every_ms: int, found: bool
) -> None:
    """The windows come one by one in the daemon, in larger pieces here: the verdict is the same."""
    known, seen = Baseline(), set[str]()
    stretch = windows(medians_ms, every_ms)
    for first in range(0, len(stretch), 40):
        result = detected(metrics(*stretch[first : first + 40]), known)
        seen |= set(kinds(result))
        known = after(result)
    assert ("drift" in seen) is found


def test_a_drift_says_since_when_and_from_what() -> None:
    found = detected(metrics(*windows(growing(400, 2.2))), Baseline())
    anomaly = found.anomalies[0]
    assert anomaly.kind == "drift"
    assert "little by little since 1970-01-01" in anomaly.description
    assert anomaly.expected == pytest.approx(20, rel=0.1)
    assert 0 <= anomaly.first_seen_ms < 200 * WINDOW_MS


def test_the_history_of_a_beat_is_bounded() -> None:
    found = detected(metrics(*windows([20.0] * 2000)), Baseline())
    assert len(found.memory.beats[BEAT].drift.slices) < MAX_SLICES


@settings(max_examples=10)
@given(st.lists(st.integers(1, 199), max_size=6, unique=True))
def test_the_same_windows_in_any_pieces_give_the_same_verdicts_and_memory(cuts: list[int]) -> None:
    stretch = windows(growing(200, 4.0), slow_share=0.05)
    for window in stretch[50:]:
        window.runs["cart-symphony"] = RunStats(12)
    at_once = detected(metrics(*stretch), Baseline())
    known, result = Baseline(), at_once
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), 200], strict=True):
        piece = metrics(*stretch[first:last])
        result = detected(piece, known)
        seen = {sequence for window in piece.windows.values() for sequence in window.runs}
        runs = known.runs | {sequence: Learned(RunStats()) for sequence in seen}
        known = Baseline(0, result.beats, runs, performance=result.memory)
    assert result.memory == at_once.memory
    assert result.anomalies == at_once.anomalies
