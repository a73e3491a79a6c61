"""What lies at the limit does not come and go: it takes more to end a verdict than not to begin one."""

from __future__ import annotations

import pytest

from config.settings import Detect
from handlers.anomaly.baseline import Baseline, Learned
from handlers.anomaly.closing import closing
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.model import Window
from tests.handlers.anomaly.builders import BEAT, ERROR, WINDOW_MS, beat, durations, errors, learned, metrics


def slow_in(*medians_ms: float, close_share: float) -> list[bool]:
    """Whether the handler, usually 20 ms, is slow after each window of 12 executions."""
    baseline = Baseline(0, {BEAT: Learned(beat(durations(600, 20, 0.3)), 50, [])})
    found = []
    for number, median_ms in enumerate(medians_ms):
        window = Window(number * WINDOW_MS, beats={BEAT: beat(durations(12, median_ms, 0.3))})
        limits = Detect(close_share=close_share)
        detected = detect_performance_anomalies(
            metrics(window), baseline=baseline, limits=limits, expected_ms={}
        )
        baseline = Baseline(window.start_ms + WINDOW_MS, detected.beats)
        found.append(bool(detected.anomalies))
    return found


def failing_in(*counts: int, close_share: float) -> list[bool]:
    """Whether an error, usual in 10 % of the executions, is told after each window of 4,000."""
    beats = {BEAT: beat(durations(4000, 20))}
    usual = [Window(n * WINDOW_MS, beats=beats, errors={ERROR: errors(400)}) for n in range(30)]
    baseline = learned(*usual)
    found = []
    for number, count in enumerate(counts, 40):
        window = Window(number * WINDOW_MS, beats=beats, errors={ERROR: errors(count)})
        limits = Detect(close_share=close_share)
        detected = detect_error_patterns(metrics(window), baseline=baseline, limits=limits)
        baseline = Baseline(window.start_ms + WINDOW_MS, baseline.beats, {}, detected.errors)
        found.append(bool(detected.anomalies))
    return found


def test_a_handler_at_the_limit_stays_slow_once_it_is() -> None:
    falls = [60.0] * 6 + [32.0] * 8
    assert slow_in(*falls, close_share=1.0)[-1] is False
    assert all(slow_in(*falls, close_share=0.5)[1:])
    assert not any(slow_in(*[32.0] * 14, close_share=0.5))


def test_it_is_told_with_the_limit_that_it_went_over() -> None:
    baseline = Baseline(0, {BEAT: Learned(beat(durations(600, 20, 0.05)), 50, [], stands=True)})
    window = Window(0, beats={BEAT: beat(durations(400, 29, 0.05))})
    [anomaly] = detect_performance_anomalies(
        metrics(window), baseline=baseline, limits=Detect(), expected_ms={}
    ).anomalies
    assert anomaly.actual < anomaly.limit == pytest.approx(1.5 * anomaly.expected)


def test_an_error_at_the_limit_stays_too() -> None:
    falls = [1200] * 3 + [560] * 4
    assert failing_in(*falls, close_share=1.0) == [True] * 3 + [False] * 4
    assert failing_in(*falls, close_share=0.5) == [True] * 7
    assert not any(failing_in(*[560] * 7, close_share=0.5))


def test_it_is_over_when_it_is_clearly_below() -> None:
    found = slow_in(*[60.0] * 6, *[23.0] * 8, close_share=0.5)
    assert found[5] is True
    assert found[8:] == [False] * 6


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_only_the_limits_are_lower(share: float) -> None:
    limits = Detect(over_expected=0.8, error_over_baseline=0.4, close_share=share)
    lower = closing(limits)
    assert (lower.over_expected, lower.error_over_baseline) == (0.8 * share, 0.4 * share)
    same = {"over_expected": 0.8, "error_over_baseline": 0.4}
    assert lower.model_copy(update=same) == limits
