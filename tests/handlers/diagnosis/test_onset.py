"""The beginning of an anomaly is where its figure leaves the usual range, not where it was first told."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handlers.diagnosis.onset import load_factor, onset
from handlers.model import AnyAnomaly, Past, Point
from tests.handlers.diagnosis.builders import START_MS, deviating, failing, slow

STEP_MS = 10_000


def past(*values: float, samples: int = 10, every: int = 1) -> Past:
    """Steps of ten seconds that end with the anomaly."""
    first_ms = START_MS + 60_000 - len(values) * every * STEP_MS
    points = (Point(first_ms + at * every * STEP_MS, value, samples) for at, value in enumerate(values))
    return Past(tuple(points), step_ms=STEP_MS)


def began_at(anomaly: AnyAnomaly, known: Past) -> tuple[int, int]:
    """The first and the last step in which it may have begun."""
    found = onset(anomaly, known)
    assert found is not None
    first_ms = known.points[0].at_ms
    return (found.since_ms - first_ms) // STEP_MS, (found.until_ms - first_ms) // STEP_MS


NOISE = random.Random(3)
USUAL = [29.2 * NOISE.lognormvariate(0, 0.05) for _ in range(60)]
SLOW = [65.7 * NOISE.lognormvariate(0, 0.05) for _ in range(20)]


@pytest.mark.parametrize(
    ("anomaly", "known", "expected"),
    [
        pytest.param(slow(), past(*USUAL, *SLOW), (60, 61), id="a median that jumps, to the step"),
        pytest.param(
            slow(), past(*USUAL, 600.0, *USUAL[:20], *SLOW), (81, 82), id="one slow step before says nothing"
        ),
        pytest.param(
            slow(),
            past(*USUAL, *SLOW, *USUAL[:2], *SLOW),
            (60, 61),
            id="a short calm in between ends nothing",
        ),
        pytest.param(
            slow(), past(*SLOW, *USUAL, *SLOW), (80, 81), id="an earlier time of trouble is another one"
        ),
        pytest.param(
            failing(count=50, executions=100),
            past(*[0.0] * 40, *[0.5, 0.6, 0.4, 0.5] * 5),
            (40, 41),
            id="half of the executions fail",
        ),
        pytest.param(
            failing(count=2, executions=100),
            past(*[0.0] * 60, 0.1, *[0.0, 0.0, 0.1] * 4),
            (50, 61),
            id="rare errors: it may have begun a while before the first of them",
        ),
        pytest.param(deviating(), past(*[0.0] * 30, *[1.0] * 10), (30, 31), id="every run deviates"),
        pytest.param(
            replace(slow(), actual=2.0, expected=60.0, unit="executions/min"),
            past(*[60.0, 54, 66] * 10, *[0.0, 6, 0] * 3),
            (30, 31),
            id="a rate that falls",
        ),
    ],
)
def test_the_beginning_is_found(anomaly: AnyAnomaly, known: Past, expected: tuple[int, int]) -> None:
    assert began_at(anomaly, known) == expected


def test_between_two_rare_executions_it_may_have_begun_at_any_time() -> None:
    assert began_at(slow(), past(*USUAL[:10], *SLOW[:5], every=6)) == (55, 61)


@pytest.mark.parametrize(
    ("anomaly", "known"),
    [
        pytest.param(slow(), Past(), id="nothing is remembered"),
        pytest.param(slow(), past(*SLOW), id="it was never otherwise"),
        pytest.param(replace(slow(), kind="drift"), past(*USUAL, *SLOW), id="it came little by little"),
        pytest.param(slow(), past(*USUAL), id="the history does not show it"),
    ],
)
def test_no_beginning_is_claimed_where(anomaly: AnyAnomaly, known: Past) -> None:
    assert onset(anomaly, known) is None


@given(
    before=st.integers(5, 80), after=st.integers(3, 40), sigma=st.floats(0, 0.25), seed=st.integers(0, 10**6)
)
def test_a_jump_to_more_than_twice_is_dated_within_a_step(
    before: int, after: int, sigma: float, seed: int
) -> None:
    chance = random.Random(seed)
    usual = [29.2 * chance.lognormvariate(0, sigma / 2) for _ in range(before)]
    slowed = [65.7 * chance.lognormvariate(0, sigma / 2) for _ in range(after)]
    first, last = began_at(slow(), past(*usual, *slowed))
    assert first <= before
    assert last >= before
    assert (before - first, last - before) <= (1, 2)


@pytest.mark.parametrize(
    ("before", "after", "factor"),
    [pytest.param(10, 10, 1.0, id="as often"), pytest.param(10, 25, 2.5, id="more often")],
)
def test_load_is_compared_over_equal_spans(before: int, after: int, factor: float) -> None:
    usual, slowed = past(*USUAL, samples=before), past(*USUAL, *SLOW, samples=after)
    points = tuple(
        replace(each, samples=before) if at < len(usual.points) else each
        for at, each in enumerate(slowed.points)
    )
    found = onset(slow(), replace(slowed, points=points))
    assert found is not None
    assert load_factor(found, slow()) == pytest.approx(factor, rel=0.06)
