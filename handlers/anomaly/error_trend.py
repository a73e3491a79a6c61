"""The long view on the errors of a group: steps of about as many errors each.

A step ends after so many errors, not after so much time. So the trend of a rare group shows over days, that
of a frequent one within the hour, and the state stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from handlers.anomaly.statistics import mann_kendall_greater, poisson_less

STEP_ERRORS: Final = 10
STEP_MS: Final = 300_000
"""A step lasts this long at least: what happens within minutes shows in the windows."""
MAX_STEPS: Final = 24
_LEAST_STEPS: Final = 8
_NEWEST: Final = 3


class Step(msgspec.Struct, frozen=True, array_like=True):
    """A part of the history, from its first window to the one in which enough errors had come."""

    start_ms: int
    count: int
    executions: int
    span_ms: int

    def rate(self, *, by_time: bool) -> float:
        """Errors per execution, or per ms."""
        return self.count / max(1, self.span_ms if by_time else max(self.executions, self.count))

    @property
    def has_ended(self) -> bool:
        return self.count >= STEP_ERRORS and self.span_ms >= STEP_MS


Trend = tuple[Step, ...]
"""In order of time; the last one may not have ended."""


def trend_with(trend: Trend, step: Step) -> Trend:
    """The trend with another window."""
    if not trend or trend[-1].has_ended:
        return (*trend[-MAX_STEPS:], step)
    return (*trend[:-1], total((trend[-1], step)))


def total(steps: Sequence[Step]) -> Step:
    """Several steps as one."""
    return Step(
        steps[0].start_ms,
        sum(step.count for step in steps),
        sum(step.executions for step in steps),
        sum(step.span_ms for step in steps),
    )


def newest_steps(trend: Trend, confidence: float) -> Step | None:
    """What the newest steps hold together; None if they are too few, or it is clearly over since."""
    ended, opened = _parts(trend)
    if len(ended) < _NEWEST:
        return None
    newest = total(ended[-_NEWEST:])
    if opened is None:
        return newest
    by_time = not newest.executions
    expected = newest.rate(by_time=by_time) * (opened.span_ms if by_time else opened.executions)
    is_over = poisson_less(opened.count, expected) <= 1 - confidence
    return None if is_over else total((newest, opened))


def steps_before_newest(trend: Trend) -> Trend:
    """What came before the steps that `newest_steps` takes together."""
    return _parts(trend)[0][:-_NEWEST]


def is_growing(trend: Trend, over: float, confidence: float) -> bool:
    """Whether the trend is upwards beyond the limit and the noise.

    The limit: from the oldest third to the newest by more than `over`, 0.5 is 50 %. The noise: an exact
    Mann-Kendall test, which is made anew with each step.
    """
    ended, _ = _parts(trend)
    if len(ended) < _LEAST_STEPS:
        return False
    by_time = not all(step.executions for step in ended)
    third = len(ended) // 3
    oldest, newest = (total(part).rate(by_time=by_time) for part in (ended[:third], ended[-third:]))
    if newest <= oldest * (1 + over):
        return False
    p = mann_kendall_greater([step.rate(by_time=by_time) for step in ended])
    return p * MAX_STEPS <= 1 - confidence


def _parts(trend: Trend) -> tuple[Trend, Step | None]:
    """The steps that have ended, and the one that has not."""
    return (trend, None) if not trend or trend[-1].has_ended else (trend[:-1], trend[-1])
