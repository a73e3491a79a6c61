"""The sketch of durations: quantiles within 2 %, and a merge is the sketch of all."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.sketch import ALPHA, ZERO_BIN, add_bins, bin_of, quantile_us, quantiles_us

durations_us = st.lists(st.integers(0, 10**13), min_size=1, max_size=60)
WITHIN = ALPHA * (1 + 1e-9)
"""And the rounding of floats."""
QUANTILES = (0.0, 0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


def sketch(values_us: Sequence[int]) -> dict[int, int]:
    return dict(Counter(bin_of(value_us) for value_us in values_us))


def exact(values_us: Sequence[int], quantile: float) -> int:
    """The lower of the two values that a quantile lies between."""
    return sorted(values_us)[int(quantile * (len(values_us) - 1))]


@given(durations_us, st.floats(0, 1))
def test_a_quantile_is_within_2_percent_of_the_exact_one(values_us: list[int], quantile: float) -> None:
    assert quantile_us(sketch(values_us), quantile) == pytest.approx(exact(values_us, quantile), rel=WITHIN)


def test_so_are_the_quantiles_of_a_latency_distribution() -> None:
    generator = random.Random(7)
    values_us = [round(generator.lognormvariate(9, 1.5)) for _ in range(20_000)]
    for quantile, found_us in zip(QUANTILES, quantiles_us(sketch(values_us), QUANTILES), strict=True):
        assert found_us == pytest.approx(exact(values_us, quantile), rel=WITHIN), quantile


@given(durations_us, durations_us)
def test_the_merge_of_two_is_the_sketch_of_all(these: list[int], those: list[int]) -> None:
    bins = sketch(these)
    add_bins(bins, sketch(those))
    assert bins == sketch(these + those)


@given(durations_us)
def test_several_quantiles_are_those_that_are_asked_for_one_by_one(values_us: list[int]) -> None:
    bins = sketch(values_us)
    assert quantiles_us(bins, QUANTILES) == [quantile_us(bins, quantile) for quantile in QUANTILES]


@given(st.integers(1, 10**13), st.integers(1, 10**13))
def test_a_longer_duration_is_never_in_a_lower_bin(one: int, other: int) -> None:
    assert bin_of(min(one, other)) <= bin_of(max(one, other))


def test_nothing_at_all_has_a_bin_below_every_duration() -> None:
    assert bin_of(0) == ZERO_BIN < bin_of(1)
    assert quantile_us(sketch([0, 0, 5]), 0.5) == 0


def test_a_quantile_outside_of_0_and_1_is_the_nearest_there_is() -> None:
    bins = sketch([10, 1000])
    assert quantile_us(bins, -1) == quantile_us(bins, 0)
    assert quantile_us(bins, 2) == quantile_us(bins, 1)


def test_an_empty_sketch_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="empty sketch"):
        quantile_us({}, 0.5)


def test_a_sketch_stays_small() -> None:
    """One bin per 4 %: from a microsecond to a month."""
    assert len(sketch([round(1.01**power) for power in range(2862)])) <= 720
