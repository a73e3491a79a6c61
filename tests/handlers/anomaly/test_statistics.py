"""The intervals and tests against enumeration, published figures and simulation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.anomaly.statistics import (
    fisher_greater,
    log_median,
    poisson_interval,
    quantile_bounds,
    wilson_interval,
    z_of,
)
from handlers.sketch import ALPHA
from handlers.sketch import value_us as value
from tests.handlers.anomaly.builders import beat


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    of, base_of = draw(st.integers(1, 30)), draw(st.integers(0, 30))
    return draw(st.integers(0, of)), of, draw(st.integers(0, base_of)), base_of


@given(tables())
def test_fishers_exact_test_is_the_share_of_the_tables_that_are_as_extreme(
    table: tuple[int, int, int, int],
) -> None:
    hits, of, base_hits, base_of = table
    marked = hits + base_hits
    ways = [math.comb(of, k) * math.comb(base_of, marked - k) for k in range(min(of, marked) + 1)]
    assert fisher_greater(*table) == pytest.approx(sum(ways[hits:]) / math.comb(of + base_of, marked))


def test_fishers_exact_test_of_the_tea_tasting_lady() -> None:
    """Fisher, The Design of Experiments, 1935: all right is 1 of 70, three right or more 17 of 70."""
    assert fisher_greater(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert fisher_greater(3, 4, 1, 4) == pytest.approx(17 / 70)


def test_fishers_exact_test_holds_for_a_million_executions() -> None:
    assert 0.4 < fisher_greater(1000, 1_000_000, 1000, 1_000_000) < 0.6
    assert fisher_greater(1200, 1_000_000, 1000, 1_000_000) < 0.001


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)]
)
def test_wilsons_interval_has_the_published_bounds(hits: int, of: int, low: float, high: float) -> None:
    """Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3."""
    assert wilson_interval(hits, of, z_of(0.975)) == pytest.approx((low, high), abs=5e-5)


def test_nothing_seen_says_nothing_of_a_share() -> None:
    assert wilson_interval(0, 0, 2.0) == (0.0, 1.0)


@pytest.mark.parametrize("count", [10, 20, 60, 300])
def test_the_interval_of_the_median_covers_the_true_one_as_often_as_it_says(count: int) -> None:
    """98 % are stated, 99 % to each side; measured 96.7 % to 99.1 % (in 4,000 samples each)."""
    z, covered = z_of(0.99), 0
    for seed in range(1000):
        chance = random.Random(seed)
        median_us, error = log_median(beat(20 * chance.lognormvariate(0, 0.3) for _ in range(count)).bins, z)
        covered += abs(math.log(median_us / 20_000)) <= z * error
    assert 950 <= covered <= 997


def test_the_interval_of_the_median_is_not_tighter_than_the_sketch() -> None:
    _, error = log_median(beat([20.0] * 100_000).bins, z_of(0.99))
    assert z_of(0.99) * error > 0.02


def test_one_duration_and_none_at_all_have_a_median_too() -> None:
    assert log_median(beat([20.0]).bins, 2.0)[0] == pytest.approx(20_000, rel=0.02)
    assert log_median(beat([0.0] * 20).bins, 2.0)[0] == 0


@pytest.mark.parametrize(("count", "quantile"), [(40, 0.75), (200, 0.95), (2000, 0.99), (20_000, 0.99)])
def test_the_bounds_of_a_quantile_are_order_statistics_with_the_ranks_of_the_binomial(
    count: int, quantile: float
) -> None:
    """Durations a bin apart, so that each value tells its rank."""
    bins = dict.fromkeys(range(100, 120), count // 20)
    low_us, value_us, high_us = quantile_bounds(bins, quantile, 0.01)
    assert low_us <= value_us <= high_us
    mean, deviation = count * quantile, math.sqrt(count * quantile * (1 - quantile))
    ranks = [sum(n for index, n in bins.items() if value(index) <= us) for us in (low_us, high_us)]
    assert ranks[0] >= mean - 3 * deviation - 1
    assert ranks[1] <= mean + 3 * deviation + count // 20 + 1 or high_us == math.inf


def test_few_samples_bound_a_high_quantile_from_below_only() -> None:
    assert quantile_bounds({100: 200}, 0.99, 0.01)[2] == math.inf
    assert quantile_bounds({100: 500}, 0.99, 0.01)[2] < math.inf


@pytest.mark.parametrize(("count", "quantile"), [(50, 0.75), (200, 0.95)])
def test_the_bounds_of_a_quantile_miss_it_as_rarely_as_promised(count: int, quantile: float) -> None:
    chance = random.Random(5)
    true_us = 20_000 * math.exp(0.5 * z_of(quantile))
    missed = 0
    for _ in range(500):
        stats = beat(20 * chance.lognormvariate(0, 0.5) for _ in range(count))
        low_us, _, high_us = quantile_bounds(stats.bins, quantile, 0.02)
        missed += not low_us * (1 - ALPHA) <= true_us <= high_us * (1 + ALPHA)
    assert missed <= 500 * 0.05


def test_the_interval_of_a_count_is_near_the_exact_one() -> None:
    """Exact 95 % bounds: Garwood, Biometrika 1936."""
    assert [*poisson_interval(0, 0.95)] == pytest.approx([0.0, 3.69], abs=0.35)
    assert [*poisson_interval(10, 0.95)] == pytest.approx([4.80, 18.39], abs=0.05)
