"""What stopped, or runs far less often than usual, while others go on; and everything at once."""

from __future__ import annotations

import msgspec

from handlers.anomaly.activity import (
    MANY,
    RETIRED_MS,
    Activity,
    Block,
    Unit,
    is_idle,
    is_silent,
    stopped_with,
)
from handlers.anomaly.whole_rate import MINUTE_MS, SPAN_MINUTES


class Quiet(msgspec.Struct, frozen=True):
    """A verdict on the rate of one unit, of several that stopped together, or of all."""

    kind: str
    """"silent", or "throughput"."""
    units: tuple[str, ...]
    """Keys as in `Activity.units`; none where all are meant."""
    actual: float
    """Executions a minute."""
    expected: float
    executions: int
    expected_executions: float
    learned_executions: int
    since_ms: int
    until_ms: int
    reason: str = ""
    """What the streaming detector said of it."""


def judge_activity(activity: Activity, observed_until_ms: int) -> list[Quiet]:
    """What stands at the end of the windows that were taken.

    `observed_until_ms`: up to when everything was read while the logs were followed live, or 0. Only then
    can all of them be silent: after the end of an old log comes nothing.
    """
    if is_idle(activity, observed_until_ms):
        return [_all_silent(activity, observed_until_ms)]
    if activity.whole.low_since_ms:
        return [_all_collapsed(activity)]
    silent = {key: unit for key, unit in activity.units.items() if is_silent(unit, activity.until_ms)}
    found: list[Quiet] = []
    together: set[str] = set()
    for key in sorted(silent):
        cohort = stopped_with(activity, silent[key])
        if len(cohort) < MANY:
            found.append(_silent(activity, (key,)))
        else:
            together |= cohort
    if together:
        found.append(_silent(activity, tuple(sorted(together))))
    for key, unit in sorted(activity.units.items()):
        if unit.low is not None and key not in silent and key not in together:
            found.append(_collapsed(key, unit, unit.low))
    return found


def _silent(activity: Activity, keys: tuple[str, ...]) -> Quiet:
    units = [activity.units[key] for key in keys]
    since_ms = min(unit.last_ms for unit in units)
    expected = sum(unit.gap.executions for unit in units)
    return Quiet(
        kind="silent",
        units=keys,
        actual=0.0,
        expected=_per_minute(expected, activity.until_ms - since_ms),
        executions=0,
        expected_executions=expected,
        learned_executions=sum(unit.usual.executions for unit in units),
        since_ms=since_ms,
        until_ms=activity.until_ms,
    )


def _all_silent(activity: Activity, until_ms: int) -> Quiet:
    live = [unit for unit in activity.units.values() if activity.until_ms - unit.last_ms < RETIRED_MS]
    rate = sum(_per_minute(unit.usual.executions, unit.usual.time_ms) for unit in live)
    return Quiet(
        kind="silent",
        units=(),
        actual=0.0,
        expected=rate,
        executions=0,
        expected_executions=rate * (until_ms - activity.until_ms) / 60_000,
        learned_executions=sum(unit.usual.executions for unit in live),
        since_ms=activity.until_ms,
        until_ms=until_ms,
    )


def _all_collapsed(activity: Activity) -> Quiet:
    whole, span_ms = activity.whole, SPAN_MINUTES * MINUTE_MS
    return Quiet(
        kind="throughput",
        units=(),
        actual=_per_minute(sum(whole.recent), span_ms),
        expected=_per_minute(whole.expected, span_ms),
        executions=sum(whole.recent),
        expected_executions=whole.expected,
        learned_executions=sum(usual.executions for usual in whole.hours.values()),
        since_ms=whole.low_since_ms,
        until_ms=activity.until_ms,
        reason=whole.reason,
    )


def _collapsed(key: str, unit: Unit, low: Block) -> Quiet:
    span_ms = low.until_ms - low.since_ms
    return Quiet(
        kind="throughput",
        units=(key,),
        actual=_per_minute(low.executions, span_ms),
        expected=_per_minute(low.expected.executions, span_ms),
        executions=low.executions,
        expected_executions=low.expected.executions,
        learned_executions=unit.usual.executions,
        since_ms=unit.low_since_ms,
        until_ms=low.until_ms,
    )


def _per_minute(executions: float, span_ms: int) -> float:
    return executions * 60_000 / span_ms if span_ms else 0.0
