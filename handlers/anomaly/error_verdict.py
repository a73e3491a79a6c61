"""Whether the errors of a group are more than they were: a pure function of two rates and the limits."""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec

from config.settings import Detect
from handlers.anomaly.error_rate import ErrorRate, Told, exposures
from handlers.anomaly.statistics import binomial_greater, fisher_greater

ErrorKind = Literal["new", "came-back", "more-frequent", "burst", "growing"]

RETURNS: Final = 3
"""A group that has come so often, and been gone in between, is known to come and go."""
_WINDOWS_FOR_SPREAD: Final = 10
_MILLION: Final = 1_000_000


class ErrorVerdict(msgspec.Struct, frozen=True):
    """That there are more errors, and what was compared."""

    kind: ErrorKind
    count: int
    of: int
    """Executions, or ms."""
    before: int
    base_of: int
    by_time: bool
    current: ErrorRate
    told: Told
    """What is told of the group from now on."""


def error_verdict(current: ErrorRate, reference: ErrorRate, limits: Detect) -> ErrorVerdict | None:
    """Judges the errors of some windows by what was known before.

    A group without errors in the reference is new from `error_min_count` errors on, or has come back. A known
    one is told when its rate is over the reference's by more than `error_over_baseline`, and chance would do
    that less than once in a hundred times (`confidence`) as long as the reference.
    """
    count, before = current.errors.count, reference.errors.count
    if count < limits.error_min_count or current.first_ms is None or current.last_ms is None:
        return None
    of, base_of, by_time = exposures(current, reference)
    told, gone_ms = reference.told, 0
    if before == 0:
        gone_ms = _gone_ms(current.first_ms, reference, limits)
        if gone_ms and told.times >= RETURNS and count <= told.most:
            return None
    else:
        is_over = count * base_of > before * of * (1 + limits.error_over_baseline)
        if not is_over or _chance(current, reference) > 1 - limits.confidence:
            return None
    told = Told(
        times=told.times + (gone_ms > 0 or not told.times),
        last_ms=max(told.last_ms, current.last_ms),
        gone_ms=gone_ms or told.gone_ms,
        windows=reference.windows,
        most=max(told.most, count),
    )
    kind: ErrorKind = "more-frequent" if before else "came-back" if told.times > 1 else "new"
    return ErrorVerdict(kind, count, of, before, base_of, by_time, current, told)


def _gone_ms(first_ms: int, reference: ErrorRate, limits: Detect) -> int:
    """How long the group was gone before it came now; 0 if it was told of the first time, or has not gone.

    It is gone when it was not there for `hold_s`, in which the beat ran without it.
    """
    told = reference.told
    gone_ms = first_ms - told.last_ms
    is_gone = told.times and gone_ms > limits.hold_s * 1000 and reference.windows > told.windows
    return gone_ms if is_gone else 0


def _chance(current: ErrorRate, reference: ErrorRate) -> float:
    """How often chance would bring so many errors, in a time as long as the reference.

    Exact: Fisher's test for executions, the conditional test of two Poisson rates for time (Przyborowski and
    Wilenski 1940). Errors that come in clusters say less: counts are divided by their design effect (Rao and
    Scott 1992). The shorter the span, the more often it was looked at: so often it may come by chance.
    """
    of, base_of, by_time = exposures(current, reference)
    effect = design_effect(reference, by_time=by_time)
    hits, base_hits = int(current.errors.count / effect), math.ceil(reference.errors.count / effect)
    if by_time:
        chance = binomial_greater(hits, hits + base_hits, of / max(1, of + base_of))
    else:
        trials, base_trials = max(hits, round(of / effect)), max(base_hits, round(base_of / effect))
        chance = fisher_greater(hits, trials, base_hits, base_trials)
    return chance * max(1.0, base_of / max(1, of))


def design_effect(reference: ErrorRate, *, by_time: bool) -> float:
    """Variance of the counts over that of independent errors (Pearson's chi-square over its degrees), 1 or
    more; 1 while too few windows are known."""
    count, windows = reference.errors.count, reference.windows
    if windows < _WINDOWS_FOR_SPREAD or not count:
        return 1.0
    rate = count / (windows if by_time else max(reference.executions, count))
    independent = (windows - 1) * (1.0 if by_time else max(1e-9, 1 - rate))
    return max(1.0, (reference.spread / _MILLION / rate - count) / independent)
