"""The streaming detector: what alarms, what stays silent, and that it can be stopped and stored anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.anomaly.streaming import (
    ALARM,
    LAG_POINTS,
    LEARN_POINTS,
    LOUDER,
    QUIET_POINTS,
    DetectorState,
    Score,
    update,
)
from tests.examples import examples

MINUTES_5 = 300_000
DAY = 288
"""Points of a day, one every five minutes."""


def scores_of(
    values: Iterable[float], state: DetectorState | None = None, start: int = 0, step_ms: int = MINUTES_5
) -> list[Score]:
    state = state or DetectorState()
    return [update(state, (start + i) * step_ms, value) for i, value in enumerate(values)]


def alarms(scores: list[Score]) -> list[int]:
    return [i for i, score in enumerate(scores) if score.score >= ALARM]


def noise(points: int, level: float = 100.0, share: float = 0.05, seed: int = 1) -> list[float]:
    """Log-normal noise around a level: what latencies look like."""
    random = Random(seed)
    return [level * math.exp(random.gauss(0, share)) for _ in range(points)]


def season(points: int, seed: int = 1) -> list[float]:
    """Few requests by night and three times as many by day."""
    random = Random(seed)
    return [
        200 * (1 - 0.5 * math.cos(2 * math.pi * i / DAY)) * math.exp(random.gauss(0, 0.05))
        for i in range(points)
    ]


def bursts(points: int, seed: int = 1) -> list[float]:
    """Mostly zero, with a burst of any size once in a while: disk writes."""
    random = Random(seed)
    return [math.exp(random.gauss(10, 1)) if random.random() < 0.15 else 0.0 for _ in range(points)]


KINDS: dict[str, Callable[[int, int], list[float]]] = {
    "latency": lambda points, seed: noise(points, seed=seed),
    "season": season,
    "bursts": bursts,
    "negative": lambda points, seed: [value - 121 for value in noise(points, seed=seed)],
    "walk": lambda points, seed: [math.sin(i / 50 + seed) * i for i in range(points)],
}


@settings(max_examples=20)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 10**6), st.integers(0, 900))
def test_a_prefix_of_the_series_gives_the_prefix_of_the_scores(kind: str, seed: int, cut: int) -> None:
    values = KINDS[kind](900, seed)
    changed = values[:cut] + [-5 * value for value in values[cut:]]
    assert scores_of(values[:cut]) == scores_of(changed)[:cut] == scores_of(values)[:cut]


@settings(max_examples=20)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 10**6), st.integers(0, 900))
def test_a_state_that_is_stored_and_read_again_goes_on_as_if_nothing_were(
    kind: str, seed: int, cut: int
) -> None:
    values = KINDS[kind](900, seed)
    whole = DetectorState()
    expected = scores_of(values, whole)
    state = DetectorState()
    first = scores_of(values[:cut], state)
    state = msgspec.json.decode(msgspec.json.encode(state), type=DetectorState)
    assert first + scores_of(values[cut:], state, cut) == expected
    assert msgspec.json.encode(state) == msgspec.json.encode(whole)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_state_has_a_bounded_size(kind: str) -> None:
    state = DetectorState()
    most = 0
    for i, value in enumerate(KINDS[kind](10_000, 1)):
        update(state, i * MINUTES_5, value)
        if i % 50 == 0:
            most = max(most, len(msgspec.msgpack.encode(state)))
    assert most < 9000


@settings(max_examples=20)
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 10**6), st.sampled_from([2.0**-20, 2.0**-3, 2.0**30]))
def test_the_unit_does_not_matter(kind: str, seed: int, factor: float) -> None:
    values = KINDS[kind](900, seed)
    expected = [score.score for score in scores_of(values)]
    assert [score.score for score in scores_of([factor * value for value in values])] == expected


@settings(max_examples=examples(50))
@given(
    st.integers(0, 2000),
    st.lists(
        st.one_of(st.floats(), st.sampled_from([0.0, 5e-324, 1e100, -1e100, 1e308, 1.0])),
        min_size=1,
        max_size=50,
    ),
    st.sampled_from([0.0, 5e-324, 1.0, 1e100]),
    st.integers(-(10**15), 10**15),
)
def test_any_number_at_any_time_gets_a_score_below_one(
    learned: int, values: list[float], level: float, at_ms: int
) -> None:
    state = DetectorState()
    scores_of([level] * learned, state)
    for value in values:
        score = update(state, at_ms, value)
        assert 0 <= score.score < 1
        assert score.reason()
    assert state.refused == sum(not abs(value) <= 1e100 for value in values)
    msgspec.json.decode(msgspec.json.encode(state), type=DetectorState)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_not_a_number_is_counted_and_changes_nothing_else(value: float) -> None:
    state = DetectorState()
    scores_of(noise(500), state)
    before = msgspec.json.decode(msgspec.json.encode(state), type=DetectorState)
    assert update(state, 500 * MINUTES_5, value) == Score()
    assert state.refused == 1
    before.refused = 1
    assert state == before


@pytest.mark.parametrize("value", [0.0, 45.0, -3.0, 1e9])
def test_a_constant_series_is_silent(value: float) -> None:
    assert not any(score.score for score in scores_of([value] * 3000))


def test_a_constant_series_that_is_not_perfectly_so_is_silent() -> None:
    assert not alarms(scores_of([45.0] * 2000 + [45.004] * 1000))


def test_while_learning_nothing_is_said() -> None:
    values = noise(LEARN_POINTS - 1)
    assert scores_of([*values, 1e6]) == [Score()] * LEARN_POINTS


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        pytest.param("latency", 1.0, id="latencies: at most one in a thousand points"),
        pytest.param("season", 1.0, id="a season: at most one in a thousand points"),
        pytest.param("negative", 1.0, id="negative values: at most one in a thousand points"),
        pytest.param("bursts", 2.0, id="bursts of any size, whose largest is never the last: at most two"),
    ],
)
def test_false_alarms_of_a_healthy_series_are_rare(kind: str, most: float) -> None:
    count = sum(len(alarms(scores_of(KINDS[kind](4000, seed)))) for seed in range(5))
    assert count <= most * 20


def jump(values: list[float], at: int) -> list[float]:
    return values[:at] + [1.5 * value for value in values[at:]]


def collapse(values: list[float], at: int) -> list[float]:
    return values[:at] + [0.05 * value for value in values[at:]]


def spike(values: list[float], at: int) -> list[float]:
    return [*values[:at], 3 * max(values), *values[at + 1 :]]


def stop(values: list[float], at: int) -> list[float]:
    return values[:at] + [0.0] * (len(values) - at)


def flat(values: list[float], at: int) -> list[float]:
    return values[:at] + [values[at]] * (len(values) - at)


def drift(values: list[float], at: int) -> list[float]:
    """Twice as much after 600 points, slowly."""
    return [value * (1 + min(max(i - at, 0) / 600, 1)) for i, value in enumerate(values)]


def unrest(values: list[float], at: int) -> list[float]:
    return values[:at] + [value * (1 + 0.4 * math.sin(i)) for i, value in enumerate(values[at:])]


@pytest.mark.parametrize(
    ("kind", "fault", "within"),
    [
        pytest.param("latency", jump, 5, id="a jump of latency by half is seen within five points"),
        pytest.param("latency", collapse, 1, id="a collapse is seen at once"),
        pytest.param("latency", spike, 1, id="a spike is seen at once"),
        pytest.param("latency", flat, 60, id="a sensor that is stuck is seen"),
        pytest.param("latency", drift, 200, id="a slow drift is seen before it is a third"),
        pytest.param("latency", unrest, 60, id="flapping around the same level is seen"),
        pytest.param("season", collapse, 20, id="a collapse of a seasonal series is seen"),
        pytest.param(
            "season", flat, 72, id="a seasonal series that stays at its level is seen within six hours"
        ),
        pytest.param("season", drift, 600, id="a slow drift of a seasonal series is seen"),
        pytest.param("latency", stop, 1, id="silence is seen at once"),
        pytest.param("bursts", stop, 150, id="bursts that stop are seen when it is longer than ever"),
        pytest.param("negative", jump, 20, id="a jump of negative values is seen"),
    ],
)
def test_faults(kind: str, fault: Callable[[list[float], int], list[float]], within: int) -> None:
    at = 2600
    found = []
    for seed in range(5):
        scores = scores_of(fault(KINDS[kind](3400, seed), at))
        found.append(any(at <= alarm < at + within for alarm in alarms(scores)))
    assert sum(found) >= 4


def processor(points: int, seed: int) -> list[float]:
    """A quiet level with peaks of any height in every fifth point."""
    random = Random(seed)
    peaks = [random.uniform(20, 70) if random.random() < 0.2 else 0.0 for _ in range(points)]
    return [quiet + peak for quiet, peak in zip(noise(points, 20.0, 0.03, seed), peaks, strict=True)]


def raised(values: list[float], at: int) -> list[float]:
    """The quiet level is higher, the peaks are as before."""
    return values[:at] + [max(value, 26 + i % 7 / 5) for i, value in enumerate(values[at:])]


def to_and_fro(values: list[float], at: int) -> list[float]:
    """Neither higher nor lower than before, but never in between."""
    return values[:at] + [88.0 + 24 * (i % 2) + i % 5 for i in range(len(values) - at)]


def slightly(values: list[float], at: int) -> list[float]:
    return values[:at] + [1.1 * value for value in values[at:]]


def dip(values: list[float], at: int) -> list[float]:
    return [*values[:at], 0.75 * 100, *values[at + 1 :]]


def by_night(values: list[float], at: int) -> list[float]:
    at = 11 * DAY
    return [*values[:at], values[at] + 150, *values[at + 1 :]]


@pytest.mark.parametrize(
    ("kind", "fault", "view"),
    [
        pytest.param(KINDS["latency"], spike, "level", id="level: a spike"),
        pytest.param(KINDS["season"], by_night, "deviation", id="deviation: a value of the day by night"),
        pytest.param(KINDS["latency"], dip, "deviation", id="deviation, not floor: one low value"),
        pytest.param(KINDS["latency"], slightly, "mean deviation", id="mean deviation: a tenth more"),
        pytest.param(processor, raised, "floor", id="floor: a level that rises below its peaks"),
        pytest.param(KINDS["latency"], to_and_fro, "unrest", id="unrest: to and fro between usual values"),
        pytest.param(KINDS["bursts"], stop, "standstill", id="standstill: bursts that stop"),
    ],
)
def test_each_view_sees_what_it_is_for(
    kind: Callable[[int, int], list[float]], fault: Callable[[list[float], int], list[float]], view: str
) -> None:
    seen = []
    for seed in range(1, 6):
        scores = scores_of(fault(kind(3400, seed), 2600))
        seen.append([scores[i].view for i in alarms(scores) if i >= 2600])
    assert sum(view in views for views in seen) >= 4


def test_what_is_normal_by_day_is_an_anomaly_by_night() -> None:
    values = season(3400)
    at = 11 * DAY
    scores = scores_of(values[:at] + [value + 150 for value in values[at : at + 20]])
    assert values[at] + 150 < max(values[:at])
    assert alarms(scores)[-1] >= at
    assert scores[alarms(scores)[-1]].view in {"deviation", "mean deviation"}


def test_a_point_is_compared_with_its_hour_from_the_second_day_on() -> None:
    scores = scores_of(season(DAY + 2 * LEARN_POINTS))
    assert {score.view for score in scores[: DAY + LEARN_POINTS]} <= {
        "",
        "level",
        "floor",
        "unrest",
        "standstill",
    }
    assert "deviation" in {score.view for score in scores[DAY + LEARN_POINTS :]}


@pytest.mark.parametrize(
    ("step_ms", "points"),
    [
        pytest.param(3_600_000, 50, id="a point an hour: fifty days"),
        pytest.param(300_000, 50, id="a point every five minutes: fifty points"),
        pytest.param(60_000, 240, id="a point a minute: four days"),
        pytest.param(1000, 14_400, id="a point a second: four days"),
        pytest.param(0, 4 * 3_600_000, id="all at one time: no more than a point a millisecond"),
    ],
)
def test_the_memory_of_an_hour(step_ms: int, points: int) -> None:
    state = DetectorState()
    scores_of(noise(LEARN_POINTS), state, step_ms=step_ms)
    assert state.hour_points == points


def test_missing_points_change_no_verdict_on_a_season() -> None:
    random = Random(5)
    values = season(4000)
    values[3000:3072] = [values[3000] * 0.1] * 72
    state = DetectorState()
    told = [
        i
        for i, value in enumerate(values)
        if random.random() > 0.2
        and not 1000 < i < 1200
        and update(state, i * MINUTES_5, value).score >= ALARM
    ]
    assert [i for i in told if 3000 <= i < 3072]
    assert len([i for i in told if not 3000 <= i < 3072]) <= 4


def test_after_an_alarm_it_holds_its_peace_unless_something_far_worse_comes() -> None:
    values = noise(2000)
    for i in range(8):
        values[1500 + i * 12] = 200.0 + 20 * i
    values[1598] = 1e5
    scores = scores_of(values)
    first, *rest = [i for i in alarms(scores) if i >= 1500]
    assert first == 1500
    assert rest[0] == 1598 < first + QUIET_POINTS
    assert scores[1512].quiet
    assert scores[1598].distance / scores[1598].limit > LOUDER * scores[1500].distance / scores[1500].limit


def test_the_same_value_again_is_not_new() -> None:
    values = noise(3000)
    for at in (1500, 2000, 2500):
        values[at] = 300.0
    scores = scores_of(values)
    assert [i for i in alarms(scores) if i >= 1500 and scores[i].view == "level"] == [1500]


def test_a_silence_that_lasts_is_told_ever_more_rarely() -> None:
    scores = scores_of(stop(bursts(9000), 2600))
    told = [i - 2600 for i in alarms(scores) if i >= 2600 and scores[i].view == "standstill"]
    assert 2 <= len(told) <= 8
    gaps = [after - before for before, after in pairwise(told)]
    assert gaps == sorted(gaps)


def test_a_verdict_names_the_view_the_figures_and_the_limit() -> None:
    score = scores_of([*noise(2000), 1000.0])[-1]
    assert score.view == "level"
    assert score.actual == 1000.0
    assert score.nearest == max(noise(2000)[:-LAG_POINTS])
    assert score.limit == pytest.approx(0.35 * (1 + 1000 / (2000 - LAG_POINTS)))
    assert score.score == score.distance / (score.distance + score.limit)
    assert score.reason() == (
        f"value: 1000, nearest ever {score.nearest:.4g}, {score.distance:.2f} spreads away, limit 0.53"
    )
