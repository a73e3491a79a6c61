"""Whether errors become more and more: the trend over the newest steps, each of about as many errors.

Steps end after so many errors, not after so much time. So the trend of a rare group shows over days, that of
a frequent one within the hour, and the state stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from handlers.anomaly.statistics import mann_kendall_greater

STEP_ERRORS: Final = 10
STEP_MS: Final = 300_000
"""A step lasts this long at least: what happens within minutes is a burst."""
MAX_STEPS: Final = 12
_LEAST_STEPS: Final = 8


class Step(msgspec.Struct, frozen=True):
    """A part of the history, from its first window to the one in which enough errors had come."""

    start_ms: int
    count: int = 0
    executions: int = 0
    span_ms: int = 0
    last_ms: int = 0
    """Start of the last window with an error."""


class Growth(msgspec.Struct, frozen=True):
    """The newest third of the steps against the oldest."""

    newest: Step
    oldest: Step
    by_time: bool
    until_ms: int
    """Start of the last window with an error."""


def trend_with(trend: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    """The trend with another window. The last step is the one that has not ended."""
    if not trend or _has_ended(trend[-1]):
        return (*trend[-MAX_STEPS:], step)
    return (*trend[:-1], _sum((trend[-1], step)))


def growth_of(trend: Sequence[Step], over: float, confidence: float) -> Growth | None:
    """The growth that is beyond the limit (`over`: 0.5 is 50 %) and the noise (exact Mann-Kendall test).

    The test is made anew with each step, so it must be surer by as many steps as a trend has.
    """
    steps = _told_steps(trend)
    if len(steps) < _LEAST_STEPS:
        return None
    by_time = not all(step.executions for step in steps)
    third = len(steps) // 3
    oldest, newest = _sum(steps[:third]), _sum(steps[-third:])
    if rate_in(newest, by_time=by_time) <= rate_in(oldest, by_time=by_time) * (1 + over):
        return None
    p = mann_kendall_greater([rate_in(step, by_time=by_time) for step in steps])
    until_ms = max(step.last_ms for step in trend)
    return Growth(newest, oldest, by_time, until_ms) if p * MAX_STEPS <= 1 - confidence else None


def rate_in(step: Step, *, by_time: bool) -> float:
    """Errors per execution, or per ms."""
    return step.count / max(1, step.span_ms if by_time else max(step.executions, step.count))


def _told_steps(trend: Sequence[Step]) -> list[Step]:
    """Those that have ended, and the open one once it lasts as long as they did: it tells of less errors."""
    steps = [step for step in trend if _has_ended(step)]
    if steps and not _has_ended(trend[-1]):
        spans_ms = sorted(step.span_ms for step in steps)
        if trend[-1].span_ms >= spans_ms[len(spans_ms) // 2]:
            steps.append(trend[-1])
    return steps


def _has_ended(step: Step) -> bool:
    return step.count >= STEP_ERRORS and step.span_ms >= STEP_MS


def _sum(steps: Sequence[Step]) -> Step:
    return Step(
        steps[0].start_ms,
        sum(step.count for step in steps),
        sum(step.executions for step in steps),
        sum(step.span_ms for step in steps),
        max(step.last_ms for step in steps),
    )
