"""A busy machine makes everything slower, and no handler guilty."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from config.settings import Detect
from handlers.anomaly.baseline import baseline_of
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.anomaly.pace import at_one_pace
from handlers.metrics import merged
from handlers.model import BeatKey, TelemetryMetrics, Window
from tests.handlers.anomaly.builders import WINDOW_MS, beat, metrics

HANDLERS = 20
WINDOWS = 6
Load = Callable[[int], float]
"""How many times as long everything takes, by window."""


def steady(_window: int) -> float:
    return 1.0


def busy(_window: int) -> float:
    return 2.0


def busy_at_first(window: int) -> float:
    return 4.0 if window < WINDOWS // 2 else 1.0


def side(seed: int, load: Load, slow: float = 1.0, handlers: int = HANDLERS) -> TelemetryMetrics:
    """Each handler runs in each window as often as chance will have it; the first one is so much slower."""
    chance = random.Random(seed)
    windows: list[Window] = []
    for number in range(WINDOWS):
        beats: dict[BeatKey, tuple[float, ...]] = {}
        for handler in range(handlers):
            median_ms = 20 * load(number) * (slow if handler == 0 else 1.0)
            times = chance.randint(1, 12)
            beats["s", f"e{handler}"] = tuple(median_ms * chance.lognormvariate(0, 0.3) for _ in range(times))
        windows.append(Window(number * WINDOW_MS, beats={key: beat(each) for key, each in beats.items()}))
    return metrics(*windows)


def told(before: TelemetryMetrics, now: TelemetryMetrics) -> list[str]:
    """The events that are called slow."""
    paced = at_one_pace(before, now, Detect())
    whole = TelemetryMetrics(WINDOWS * WINDOW_MS, {0: merged(paced.current.windows.values(), 0)})
    found = detect_performance_anomalies(
        whole, baseline=baseline_of(paced.baseline), limits=Detect(), expected_ms={}, is_once=True
    )
    return sorted(each.event for each in found.anomalies)


@pytest.mark.parametrize("before", [steady, busy, busy_at_first])
@pytest.mark.parametrize("now", [steady, busy, busy_at_first])
def test_two_healthy_logs_under_any_load_differ_without_an_alarm(before: Load, now: Load) -> None:
    """Measured: no alarm in 9 x 40 pairs with 20 handlers each."""
    alarms = [told(side(seed, before), side(1000 + seed, now)) for seed in range(10)]
    assert alarms == [[]] * 10


@pytest.mark.parametrize("now", [steady, busy, busy_at_first])
def test_a_slow_handler_is_told_whatever_the_load(now: Load) -> None:
    found = [told(side(seed, steady), side(1000 + seed, now, slow=2.5)) for seed in range(10)]
    assert found == [["e0"]] * 10


def test_the_pace_is_told() -> None:
    paced = at_one_pace(side(1, steady), side(2, busy), Detect())
    assert paced.slower == pytest.approx(2.0, rel=0.1)


def test_what_became_faster_makes_nobody_slow() -> None:
    assert at_one_pace(side(1, busy), side(2, steady), Detect()).slower == 1.0
    assert told(side(1, busy), side(2, steady, slow=2.0)) == []


def test_what_no_load_explains_is_told_of_everything() -> None:
    def crawling(_window: int) -> float:
        return 4.0

    assert len(told(side(1, steady), side(2, crawling))) >= 15


def test_of_few_handlers_the_pace_is_not_known() -> None:
    before, now = side(1, steady, handlers=4), side(2, busy, handlers=4)
    paced = at_one_pace(before, now, Detect())
    assert (paced.baseline, paced.current, paced.slower) == (before, now, 1.0)


def test_no_execution_is_lost() -> None:
    before, now = side(1, busy_at_first), side(2, busy)
    paced = at_one_pace(before, now, Detect())
    for given, made in ((before, paced.baseline), (now, paced.current)):
        for start_ms, window in given.windows.items():
            for key, stats in window.beats.items():
                assert sum(made.windows[start_ms].beats[key].bins.values()) == sum(stats.bins.values())
