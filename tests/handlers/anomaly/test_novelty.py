"""The history of values in bounded size."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.anomaly.novelty import MAX_REPRESENTATIVES, Seen

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300)


def seen_of(values: list[float]) -> Seen:
    seen = Seen()
    for value in values:
        seen.learn(value)
    return seen


@given(VALUES)
def test_the_spread_is_the_standard_deviation(values: list[float]) -> None:
    assert seen_of(values).spread() == pytest.approx(statistics.pstdev(values), rel=1e-6, abs=1e-6)


@given(VALUES)
def test_the_extremes_are_kept_and_the_rest_is_bounded_and_in_order(values: list[float]) -> None:
    known = seen_of(values).representatives
    assert (known[0], known[-1]) == (min(values), max(values))
    assert len(known) <= MAX_REPRESENTATIVES
    assert known == sorted(set(known))


@given(st.permutations(range(3 * MAX_REPRESENTATIVES)))
def test_the_extremes_are_kept_of_more_values_than_representatives(order: list[int]) -> None:
    values = [1.1**index for index in order]
    known = seen_of(values).representatives
    assert (known[0], known[-1]) == (min(values), max(values))
    assert len(known) <= MAX_REPRESENTATIVES


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=MAX_REPRESENTATIVES), st.integers(-2000, 2000))
def test_the_nearest_of_few_values_is_exact_up_to_the_grain(values: list[int], probe: int) -> None:
    seen = seen_of([float(value) for value in values])
    exact = min(abs(value - probe) for value in values)
    assert abs(abs(seen.nearest(probe) - probe) - exact) <= 0.03 * (max(values) - min(values))


def test_of_many_values_a_gap_between_two_clusters_stays_a_gap() -> None:
    seen = seen_of([math.sin(i) + (100 if i % 2 else 0) for i in range(5000)])
    assert seen.nearest(50.0) in {seen.nearest(1.0), seen.nearest(99.0)}
    assert abs(seen.nearest(50.0) - 50) > 48


def test_values_between_which_all_is_known_are_not_new() -> None:
    seen = seen_of([(i * 7919 % 10_000) / 100 for i in range(10_000)])
    assert max(abs(seen.nearest(i / 10) - i / 10) for i in range(1000)) < 0.1 * seen.spread()


def test_of_nothing_there_is_no_nearest() -> None:
    assert Seen().spread() == 0
    with pytest.raises(ValueError, match="empty"):
        Seen().nearest(1.0)
