"""Error budgets: what is bad, how fast it burns, and from when on that is grave."""

from __future__ import annotations

import pytest

from config.objective import Objective
from handlers.model import BeatStats, Budget, RunStats, Spent
from handlers.objectives import LIMITS, budget_of, burn_rate, exceeded, spans_ms
from handlers.sketch import bin_of

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_700_000_040_000


def beat(completed: int = 10, failed: int = 0, slow: int = 0) -> BeatStats:
    """`slow` executions take 300 ms, all other ones 20 ms."""
    bins = {bin_of(20_000): completed - failed - slow, bin_of(300_000): slow}
    return BeatStats(
        completed=completed, failed=failed, bins={key: count for key, count in bins.items() if count}
    )


@pytest.mark.parametrize(
    ("objective", "stats", "events", "bad"),
    [
        pytest.param({"latency_ms": 200}, beat(slow=3), 10, 3, id="latency: executions that take longer"),
        pytest.param({"latency_ms": 300}, beat(slow=3), 10, 0, id="latency: what is at the limit is in time"),
        pytest.param({"latency_ms": 200}, beat(failed=4), 6, 0, id="latency: what failed has no duration"),
        pytest.param({"error_rate": 0.01}, beat(failed=4), 10, 4, id="error rate: executions that fail"),
        pytest.param(
            {"availability": 0.99}, beat(failed=4), 10, 4, id="availability: the same, said otherwise"
        ),
        pytest.param(
            {"availability": 0.99},
            RunStats(completed=7, failed=2, unfinished=1),
            10,
            3,
            id="availability of a sequence: runs that fail or never end",
        ),
    ],
)
def test_what_is_bad(objective: dict[str, float], stats: BeatStats | RunStats, events: int, bad: int) -> None:
    declared = Objective.model_validate({"match": "*", **objective})
    budget = budget_of("o", declared, {NOW_MS - MINUTE_MS: stats}, MINUTE_MS, NOW_MS)
    assert {(each.events, each.bad) for each in budget.spent} == {(events, bad)}


def test_a_minute_without_the_throughput_is_bad_also_if_nothing_ran() -> None:
    declared = Objective(match="*", throughput=5, target=0.9)
    history = {NOW_MS - 10 * MINUTE_MS: beat(), NOW_MS - 8 * MINUTE_MS: beat(4), NOW_MS - MINUTE_MS: beat()}
    budget = budget_of("o", declared, history, MINUTE_MS, NOW_MS)
    assert budget.allowed == pytest.approx(0.1)
    assert (budget.spent[-1].events, budget.spent[-1].bad) == (10, 8)


def test_each_span_counts_what_began_in_it() -> None:
    declared = Objective(match="*", error_rate=0.01, window_d=1)
    ages_ms = (MINUTE_MS, 20 * MINUTE_MS, 50 * MINUTE_MS, 5 * HOUR_MS, 20 * HOUR_MS, 30 * HOUR_MS)
    history = {NOW_MS - each: beat(failed=1) for each in ages_ms}
    budget = budget_of("o", declared, history, MINUTE_MS, NOW_MS)
    assert [(each.span_ms, each.bad) for each in budget.spent] == [
        (5 * MINUTE_MS, 1),
        (30 * MINUTE_MS, 2),
        (HOUR_MS, 3),
        (6 * HOUR_MS, 4),
        (DAY_MS, 5),
    ]


def burning(*rates: float) -> Budget:
    """Burn rates of 5 min, 30 min, 1 h, 6 h, 3 days and 30 days."""
    spans = spans_ms(30 * DAY_MS)
    spent = (Spent(span, 1_000_000, round(rate * 1000)) for span, rate in zip(spans, rates, strict=True))
    return Budget("o", 0.001, 30 * DAY_MS, tuple(spent))


@pytest.mark.parametrize(
    ("budget", "severity"),
    [
        pytest.param(burning(20, 20, 20, 3, 0.3, 0.1), "critical", id="fast for an hour, and still"),
        pytest.param(burning(0, 7, 20, 7, 0.9, 0.1), "high", id="fast for an hour, but over now"),
        pytest.param(burning(20, 2, 2, 0.5, 0.1, 0.1), None, id="fast for five minutes alone"),
        pytest.param(burning(8, 8, 8, 8, 2, 1), "high", id="for six hours, and still"),
        pytest.param(burning(1, 1, 1, 1.5, 1.2, 1), "medium", id="slowly, for days"),
        pytest.param(burning(1, 1, 1, 0.4, 1.2, 1), None, id="slowly, for days, but over now"),
        pytest.param(burning(0, 0, 0, 0, 0, 0), None, id="not at all"),
    ],
)
def test_a_long_and_a_short_span_decide_how_grave_it_is(budget: Budget, severity: str | None) -> None:
    limit = exceeded(budget)
    assert (limit.severity if limit else None) == severity


@pytest.mark.parametrize(("limit", "spent"), list(zip(LIMITS, (0.02, 0.05, 0.10), strict=True)))
def test_the_limits_are_those_parts_of_a_budget_of_30_days(limit: object, spent: float) -> None:
    assert isinstance(limit, type(LIMITS[0]))
    assert limit.times * limit.long_ms / (30 * DAY_MS) == pytest.approx(spent)


def test_nothing_burns_where_nothing_ran() -> None:
    assert (
        burn_rate(budget_of("o", Objective(match="*", error_rate=0.5), {}, MINUTE_MS, NOW_MS), HOUR_MS) == 0
    )
