"""How declared objectives are kept: good and bad events, error budgets and how fast they burn.

Budgets and the alerts on several windows: B. Beyer and others, "The Site Reliability Workbook", chapter 5
(https://sre.google/workbook/alerting-on-slos/).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from config.objective import Objective
from handlers.model import BeatStats, Budget, RunStats, Severity, Spent
from handlers.sketch import bin_of

MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000


class BurnLimit(msgspec.Struct, frozen=True):
    """A budget that burns this many times as fast as allowed, in a long span and still in a short one."""

    long_ms: int
    short_ms: int
    times: float
    severity: Severity


LIMITS: Final = (
    BurnLimit(_HOUR_MS, 5 * MINUTE_MS, 14.4, "critical"),
    BurnLimit(6 * _HOUR_MS, 30 * MINUTE_MS, 6.0, "high"),
    BurnLimit(3 * DAY_MS, 6 * _HOUR_MS, 1.0, "medium"),
)
"""Gravest first: 2 % of the budget of 30 days in an hour, 5 % in six hours, 10 % in three days."""


def spans_ms(window_ms: int) -> tuple[int, ...]:
    """The spans of which events are counted for an objective with this window; ascending, its own last."""
    spans = {each for limit in LIMITS for each in (limit.long_ms, limit.short_ms) if each < window_ms}
    return (*sorted(spans), window_ms)


def budget_of(
    name: str,
    objective: Objective,
    history: Mapping[int, BeatStats | RunStats],
    step_ms: int,
    until_ms: int,
) -> Budget:
    """Counts the steps of a history before `until_ms`; each step belongs to the spans that it begins in.

    Steps without anything are bad for a throughput once the subject was seen.
    """
    window_ms = round(objective.window_d * DAY_MS)
    events = {at_ms: _events(objective, stats, step_ms) for at_ms, stats in history.items()}
    if objective.throughput is not None and events:
        events = dict.fromkeys(range(min(events), until_ms, step_ms), (1, 1)) | events
    spent = []
    for span_ms in spans_ms(window_ms):
        inside = [each for at_ms, each in events.items() if until_ms - span_ms <= at_ms < until_ms]
        spent.append(Spent(span_ms, sum(of for of, _ in inside), sum(bad for _, bad in inside)))
    return Budget(name, objective.allowed, window_ms, tuple(spent))


def _events(objective: Objective, stats: BeatStats | RunStats, step_ms: int) -> tuple[int, int]:
    """Events and bad ones of one step."""
    if objective.latency_ms is not None:
        last_bin = bin_of(round(objective.latency_ms * 1000))  # to 2 %, as exactly as durations are kept
        slow = sum(count for index, count in stats.bins.items() if index > last_bin)
        return sum(stats.bins.values()), slow
    if objective.throughput is not None:
        return 1, int(stats.completed * MINUTE_MS < objective.throughput * step_ms)
    if isinstance(stats, RunStats):
        bad = stats.failed + stats.unfinished
        return stats.completed + bad, bad
    return max(stats.completed, stats.failed), stats.failed


def burn_rate(budget: Budget, span_ms: int) -> float:
    """How many times as fast as allowed the budget burnt in a span; 0 where nothing ran."""
    spent = next((each for each in budget.spent if each.span_ms == span_ms), None)
    return spent.bad / spent.events / budget.allowed if spent and spent.events else 0.0


def exceeded(budget: Budget) -> BurnLimit | None:
    """The gravest limit that the budget burns beyond in both of its spans."""
    for limit in LIMITS:
        if min(burn_rate(budget, limit.long_ms), burn_rate(budget, limit.short_ms)) >= limit.times:
            return limit
    return None
