"""The tail is slow when more executions than usual take longer than usual, both over limit and noise."""

from __future__ import annotations

import pytest

from config.settings import Detect
from handlers.anomaly.latency import REPEATED, Rigour, judge_latency, once
from handlers.model import BeatStats
from tests.handlers.anomaly.builders import beat, durations


def partly_slow(count: int, share: float, factor: float = 10.0, median_ms: float = 20.0) -> BeatStats:
    """The given share of the executions takes `factor` times as long as usual."""
    slow = round(count * share)
    return beat((*durations(count - slow, median_ms, 0.3), *durations(slow, factor * median_ms, 0.3)))


HEALTHY = beat(durations(1000, 20, 0.3))


@pytest.mark.parametrize(
    ("current", "reference", "kind"),
    [
        pytest.param(partly_slow(40, 1 / 3), HEALTHY, "slow-tail", id="a third ten times slower, of 40"),
        pytest.param(partly_slow(400, 0.05), HEALTHY, "slow-tail", id="a twentieth ten times slower, of 400"),
        pytest.param(partly_slow(40, 0.05), HEALTHY, None, id="a twentieth of 40 is too few to tell"),
        pytest.param(
            partly_slow(100, 1 / 3),
            partly_slow(100, 0),
            "slow-tail",
            id="a third, a hundred on each side",
        ),
        pytest.param(partly_slow(400, 0.8), HEALTHY, "slow", id="most slower is the median's matter"),
        pytest.param(
            partly_slow(1000, 0.3),
            partly_slow(1000, 0.25),
            None,
            id="a slow mode, a little more frequent",
        ),
        pytest.param(
            partly_slow(1000, 0.05, factor=1.4),
            HEALTHY,
            None,
            id="a tail slower by less than the limit",
        ),
        pytest.param(
            beat(durations(400, 28, 0.3)), HEALTHY, None, id="all slower by less than the limit is no tail"
        ),
        pytest.param(
            partly_slow(400, 0.1, median_ms=0.05),
            beat(durations(1000, 0.05, 0.3)),
            None,
            id="a tail that is slower by less than min_added_ms",
        ),
    ],
)
def test_the_kind_of_slowness(current: BeatStats, reference: BeatStats, kind: str | None) -> None:
    slow = judge_latency(current, reference, None, Detect())
    assert (slow.kind if slow else None) == kind


def test_a_slow_tail_has_the_figures_of_its_quantile() -> None:
    slow = judge_latency(partly_slow(400, 0.1), HEALTHY, None, Detect())
    assert slow is not None
    assert slow.quantile == 0.95
    assert slow.expected_ms == pytest.approx(20 * 1.638, rel=0.08)
    assert slow.limit_ms == pytest.approx(1.5 * slow.expected_ms)
    assert slow.actual_ms > 150
    assert slow.interval_ms[0] < slow.actual_ms < slow.interval_ms[1]


def test_without_an_upper_bound_the_interval_ends_at_the_longest_that_was_seen() -> None:
    slow = judge_latency(partly_slow(40, 1 / 3), HEALTHY, None, Detect())
    assert slow is not None
    assert slow.interval_ms[1] == pytest.approx(partly_slow(40, 1 / 3).max_us / 1000, rel=0.03)


def test_with_an_operators_figure_the_learned_tail_has_no_say() -> None:
    assert judge_latency(partly_slow(400, 1 / 3), HEALTHY, 20.0, Detect()) is None


def test_two_modes_of_equal_weight_are_no_slowness_when_the_median_leaps_between_them() -> None:
    low, high = partly_slow(100, 0.47), partly_slow(100, 0.53)
    assert judge_latency(high, low, None, Detect()) is None


@pytest.mark.parametrize(
    ("current", "reference", "rigour", "kind"),
    [
        pytest.param(
            beat(durations(30, 35, 0.3)),
            beat(durations(30, 20, 0.3)),
            once(40),
            "slow",
            id="1.75 times with 30 samples is told by a comparison",
        ),
        pytest.param(
            beat(durations(30, 35, 0.3)),
            beat(durations(30, 20, 0.3)),
            REPEATED,
            None,
            id="1.75 times with 30 samples is not told all day",
        ),
        pytest.param(
            beat(durations(30, 35, 0.3)),
            beat(durations(30, 20, 0.3)),
            once(4),
            None,
            id="of four handlers the machine may account for 1.75 times",
        ),
        pytest.param(
            beat(durations(1000, 23, 0.3)),
            HEALTHY,
            once(40),
            None,
            id="1.15 times with a thousand samples is silent",
        ),
        pytest.param(
            beat(durations(20, 29, 0.3)),
            beat(durations(20, 20, 0.3)),
            once(40),
            None,
            id="20 samples that differ by 1.45 times are silent",
        ),
        pytest.param(
            partly_slow(71, 0.28, factor=8), partly_slow(50, 0), once(40), "slow-tail", id="28 % of 71 slower"
        ),
        pytest.param(
            partly_slow(71, 0.28, factor=8),
            partly_slow(71, 0.2, factor=8),
            once(40),
            None,
            id="as many before",
        ),
    ],
)
def test_a_comparison_asks_once(
    current: BeatStats, reference: BeatStats, rigour: Rigour, kind: str | None
) -> None:
    slow = judge_latency(current, reference, None, Detect(), rigour)
    assert (slow.kind if slow else None) == kind
