"""How often the detection of slow handlers is wrong, by simulation with fixed seeds.

A handler's durations are log-normal with sigma 0.3, which is what the real logs show.
"""

from __future__ import annotations

import itertools
import random

import pytest

from config.settings import Detect
from handlers.anomaly.baseline import Baseline, baseline_of
from handlers.anomaly.detect_performance_anomalies import DetectedPerformance, detect_performance_anomalies
from handlers.model import BeatKey, BeatStats, TelemetryMetrics, Window
from tests.handlers.anomaly.builders import WINDOW_MS, beat, metrics, of_beat

SIGMA = 0.3
LIMITS = Detect()


def drawn(chance: random.Random, count: int, median_ms: float) -> BeatStats:
    return beat(median_ms * chance.lognormvariate(0, SIGMA) for _ in range(count))


def detected(now: TelemetryMetrics, baseline: Baseline) -> DetectedPerformance:
    return detect_performance_anomalies(now, baseline=baseline, limits=LIMITS, expected_ms={})


def test_two_healthy_logs_differ_without_an_alarm() -> None:
    """200 pairs of logs with 40 handlers each; measured: no alarm in 7,576 handlers with enough samples."""
    alarms = judged = 0
    for seed in range(200):
        chance = random.Random(seed)
        machine = chance.uniform(1.0, 1.2)  # all handlers of one log are slower by as much
        medians: dict[BeatKey, float] = {
            ("s", f"e{number}"): 2 * 100 ** chance.random() for number in range(40)
        }
        logs = [
            {key: drawn(chance, chance.randint(8, 80), factor * median) for key, median in medians.items()}
            for factor in (1.0, machine)
        ]
        judged += sum(all(log[key].completed >= LIMITS.min_samples for log in logs) for key in medians)
        before, now = (metrics(Window(0, beats=log)) for log in logs)
        alarms += len(detected(now, baseline_of(before)).anomalies)
    assert judged > 7000
    assert alarms <= 1


@pytest.mark.parametrize(
    ("ratio", "samples", "least", "most"),
    [
        pytest.param(2.2, 60, 475, 500, id="2.2 times with 60 samples is found (measured 98 %)"),
        pytest.param(3.0, 10, 475, 500, id="3 times with 10 samples is found (measured 98 %)"),
        pytest.param(2.2, 10, 200, 350, id="2.2 times with 10 samples is found in half of the cases"),
        pytest.param(1.49, 60, 0, 5, id="1.49 times with 60 samples is silent (measured 0.2 % alarms)"),
    ],
)
def test_the_power(ratio: float, samples: int, least: int, most: int) -> None:
    found = 0
    for seed in range(500):
        chance = random.Random(seed)
        before, now = drawn(chance, 60, 20), drawn(chance, samples, 20 * ratio)
        found += len(detected(of_beat(now), baseline_of(of_beat(before))).anomalies)
    assert least <= found <= most


def followed(seed: int, ratio: float, executions: int) -> list[bool]:
    """Whether the anomaly stands after each of 100 healthy windows and 100 with a slow handler."""
    chance = random.Random(seed)
    baseline, stands = Baseline(), []
    for number in range(200):
        stats = drawn(chance, executions, 20 * (ratio if number >= 100 else 1.0))
        found = detected(of_beat(stats, start_ms=number * WINDOW_MS), baseline)
        baseline = Baseline(beats=found.beats)
        stands.append(bool(found.anomalies))
    return stands


@pytest.mark.parametrize(
    ("executions", "share", "changes"),
    [
        pytest.param(1, 0.6, 10, id="1 execution a window (measured: stands in 78 %, 5 changes)"),
        pytest.param(4, 0.85, 6, id="4 executions a window (measured: stands in 94 %, 3 changes)"),
        pytest.param(12, 0.95, 4, id="12 executions a window (measured: stands in 98 %, 2 changes)"),
    ],
)
def test_a_fault_that_lasts_is_one_anomaly_that_stands(executions: int, share: float, changes: int) -> None:
    """A handler becomes 2.2 times slower: a verdict that comes and goes would tell people the same again."""
    histories = [followed(seed, 2.2, executions) for seed in range(20)]
    assert not any(stands for history in histories for stands in history[:100])
    faulty = [history[100:] for history in histories]
    assert sum(map(sum, faulty)) >= share * 100 * len(faulty)
    changed = sum(a != b for history in faulty for a, b in itertools.pairwise(history))
    assert changed <= changes * len(faulty)
