"""A few executions far beyond all others are told if nothing else in the program strays as far."""

from __future__ import annotations

import pytest

from config.settings import Detect
from handlers.anomaly.latency import once
from handlers.anomaly.rare_tail import judge_rare_tail
from handlers.model import BeatStats
from tests.handlers.anomaly.builders import beat, durations

KNOWN = beat(durations(60, 20, 0.3))
STEADY = [beat(durations(60, 15 + number, 0.3)) for number in range(30)]
PAUSED = [beat((*durations(57, 15 + number, 0.3), *[300.0] * 3)) for number in range(30)]


def with_slow(count: int, slow: int, slow_ms: float) -> BeatStats:
    return beat((*durations(count - slow, 20, 0.3), *durations(slow, slow_ms, 0.1)))


@pytest.mark.parametrize(
    ("current", "reference", "others", "found"),
    [
        pytest.param(with_slow(40, 4, 300), KNOWN, STEADY, True, id="four of forty fifteen times slower"),
        pytest.param(with_slow(40, 2, 300), KNOWN, STEADY, False, id="two may happen"),
        pytest.param(
            with_slow(40, 4, 50), KNOWN, STEADY, False, id="beyond all known, by less than the limit"
        ),
        pytest.param(with_slow(40, 4, 300), KNOWN, PAUSED, False, id="the others pause as long now and then"),
        pytest.param(
            with_slow(40, 4, 300),
            beat((*durations(59, 20, 0.3), 300.0)),
            STEADY,
            False,
            id="it paused before",
        ),
        pytest.param(with_slow(400, 4, 300), KNOWN, STEADY, False, id="so few of 400 may be chance"),
        pytest.param(with_slow(40, 4, 300), KNOWN, [], False, id="without others nothing is known of pauses"),
        pytest.param(
            with_slow(40, 4, 300), beat(durations(9, 20, 0.3)), STEADY, False, id="too few are known"
        ),
        pytest.param(with_slow(9, 4, 300), KNOWN, STEADY, False, id="too few are judged"),
    ],
)
def test_few_but_far(current: BeatStats, reference: BeatStats, others: list[BeatStats], found: bool) -> None:
    slow = judge_rare_tail(current, reference, others, Detect(), once(31))
    assert (slow is not None) is found


def test_the_verdict_has_the_figures_of_a_quantile_that_the_few_reach() -> None:
    slow = judge_rare_tail(with_slow(40, 4, 300), KNOWN, STEADY, Detect(), once(31))
    assert slow is not None
    assert (slow.kind, slow.quantile) == ("slow-tail", 0.95)
    assert slow.actual_ms > 250
    assert slow.limit_ms == pytest.approx(1.5 * slow.expected_ms)
