"""Whether the errors of a group are more than they were: a pure function of two rates and the limits."""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec

from config.settings import Detect
from handlers.anomaly.error_rate import ErrorRate, Told, exposures
from handlers.anomaly.error_trend import Trend, is_growing, newest_steps, steps_before_newest, total
from handlers.anomaly.statistics import binomial_greater, clumps, fisher_greater

ErrorKind = Literal["new", "came-back", "more-frequent", "burst", "growing"]

RETURNS: Final = 3
"""A group that has come so often, and been gone in between, is known to come and go."""
_WINDOWS_FOR_SPREAD: Final = 10
_MILLION: Final = 1_000_000


class ErrorVerdict(msgspec.Struct, frozen=True):
    """That there are more errors, and what was compared."""

    kind: ErrorKind
    current: ErrorRate
    reference: ErrorRate
    told: Told
    """What is told of the group from now on."""


def error_verdict(current: ErrorRate, reference: ErrorRate, limits: Detect) -> ErrorVerdict | None:
    """Judges the errors of some windows by what was known before.

    A group without errors in the reference is new from `error_min_count` errors on, or has come back. A known
    one is told when its rate, or that of the newest steps of its trend, is over the reference's by more than
    `error_over_baseline`, and chance does that less than once in a hundred such references (`confidence`).
    """
    if reference.errors.count == 0:
        return _newcomer(current, reference, limits)
    usual = _usual(reference, reference.trend[:-1])
    if _is_more(current, usual, limits):
        return ErrorVerdict("more-frequent", current, usual, _told(current, reference))
    newest = newest_steps(reference.trend, limits.confidence)
    if newest is None:
        return None
    errors = msgspec.structs.replace(current.errors, count=newest.count)
    long = msgspec.structs.replace(
        current, errors=errors, executions=newest.executions, span_ms=newest.span_ms, first_ms=newest.start_ms
    )
    usual = _usual(reference, steps_before_newest(reference.trend))
    if not _is_over(long, usual, limits):
        return None
    if is_growing(reference.trend, limits.error_over_baseline, limits.confidence):
        return ErrorVerdict("growing", long, usual, reference.told)
    is_more = _is_more(long, usual, limits)
    return ErrorVerdict("more-frequent", long, usual, reference.told) if is_more else None


def _usual(reference: ErrorRate, past: Trend) -> ErrorRate:
    """The reference; of a group that is known to come and go the steps of its past, if they hold more.

    The windows in which such a group was told are never learned: those in between know too few of its errors.
    """
    if reference.told.times < RETURNS or not past:
        return reference
    known = total(past)
    errors = msgspec.structs.replace(reference.errors, count=known.count)
    usual = msgspec.structs.replace(
        reference, errors=errors, executions=known.executions, span_ms=known.span_ms
    )
    of, base_of, _ = exposures(usual, reference)
    return usual if known.count * base_of > reference.errors.count * of else reference


def _newcomer(current: ErrorRate, reference: ErrorRate, limits: Detect) -> ErrorVerdict | None:
    count, told = current.errors.count, reference.told
    if count < limits.error_min_count or current.first_ms is None:
        return None
    gone_ms = _gone_ms(current.first_ms, reference, limits)
    if gone_ms and told.times >= RETURNS and count <= told.most:
        return None
    told = _told(current, reference, gone_ms)
    return ErrorVerdict("came-back" if told.times > 1 else "new", current, reference, told)


def _told(current: ErrorRate, reference: ErrorRate, gone_ms: int = 0) -> Told:
    told = reference.told
    return Told(
        times=told.times + (gone_ms > 0 or not told.times),
        last_ms=max(told.last_ms, current.last_ms or 0),
        gone_ms=gone_ms or told.gone_ms,
        windows=reference.windows,
        most=max(told.most, current.errors.count),
    )


def _is_more(current: ErrorRate, reference: ErrorRate, limits: Detect) -> bool:
    is_over = _is_over(current, reference, limits)
    return is_over and _chance(current, reference) <= 1 - limits.confidence


def _is_over(current: ErrorRate, reference: ErrorRate, limits: Detect) -> bool:
    count, before = current.errors.count, reference.errors.count
    of, base_of, _ = exposures(current, reference)
    return count >= limits.error_min_count and count * base_of > before * of * (
        1 + limits.error_over_baseline
    )


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
    Scott 1992). Spans shorter than the reference have been looked at more often, see `clumps`.
    """
    of, base_of, by_time = exposures(current, reference)
    effect = design_effect(reference, by_time=by_time)
    hits, base_hits = int(current.errors.count / effect), math.ceil(reference.errors.count / effect)
    if by_time:
        chance = binomial_greater(hits, hits + base_hits, of / max(1, of + base_of))
    else:
        trials, base_trials = max(hits, round(of / effect)), max(base_hits, round(base_of / effect))
        chance = fisher_greater(hits, trials, base_hits, base_trials)
    return chance * clumps(hits, of, base_of)


def design_effect(reference: ErrorRate, *, by_time: bool) -> float:
    """Variance of the counts over that of independent errors (Pearson's chi-square over its degrees), 1 or
    more; 1 while too few windows are known."""
    count, windows = reference.errors.count, reference.windows
    if windows < _WINDOWS_FOR_SPREAD or not count:
        return 1.0
    rate = count / (windows if by_time else max(reference.executions, count))
    independent = (windows - 1) * (1.0 if by_time else max(1e-9, 1 - rate))
    return max(1.0, (reference.spread / _MILLION / rate - count) / independent)
