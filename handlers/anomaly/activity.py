"""How often what runs usually runs, and for how long it is quiet.

A unit is a sequence; where the log tells no runs of it, a beat. The clock by which its silence is measured is
the others: what is expected of it is counted both by the other units that run and by time, and the smaller of
the two holds. So nothing is expected of anybody while the whole system idles or restarts, and a surge of one
says nothing of the others. The usual rate is learned by hour of the day once there are days enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

import msgspec

from handlers.model import Window

N = TypeVar("N", int, float)

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
HABIT_DAYS: Final = 7
"""How long the longest gap and the emptiest block of a day are remembered."""
HOUR_LEARNED_MS: Final = 3 * HOUR_MS
"""An hour of the day is judged by itself once it was seen on about three days."""
MEMORY_MS: Final = 14 * DAY_MS
"""Rates are those of about two weeks: what is older fades."""
MAX_UNITS: Final = 5_000
BLOCK_EXECUTIONS: Final = 40
"""Executions expected in a block, by which a collapse is judged."""
BLOCK_LEAST_MS: Final = 60_000
LEARNED_BLOCKS: Final = 10
"""So many healthy blocks a unit must have had before an empty one says anything."""
SILENT_EXECUTIONS: Final = 20
"""A chance of e^-20 for what comes at random."""
SILENT_LEAST_MS: Final = 120_000
IDLE_LEAST_MS: Final = 10 * 60_000
SILENT_TIMES: Final = 3
"""A silence is so many times as long as the longest usual one."""
LEARNED_EXECUTIONS: Final = 50
"""So many a unit must have run before its silence says anything."""
HABIT_GAP_MS: Final = HOUR_MS
"""A silence that was told and ended is a habit if it was longer, such as a night: else it was a fault."""
RETIRED_MS: Final = 7 * DAY_MS
"""What is silent for longer was taken out of use: it is forgotten."""


class Usual(msgspec.Struct):
    """How often a unit ran, while how much else did. Sums of whole numbers."""

    executions: int = 0
    others: int = 0
    """Other units that ran, summed over the windows."""
    time_ms: int = 0

    def add(self, executions: int, others: int, time_ms: int, memory_ms: int) -> None:
        self.executions += executions
        self.others += others
        self.time_ms += time_ms
        if self.time_ms > memory_ms:
            self.executions //= 2
            self.others //= 2
            self.time_ms //= 2


class Expected(msgspec.Struct):
    """What was expected of a unit in a span."""

    by_others: float = 0.0
    by_time: float = 0.0

    def add(self, usual: Usual, others: int, time_ms: int) -> None:
        self.by_others += usual.executions * others / usual.others if usual.others else 0.0
        self.by_time += usual.executions * time_ms / usual.time_ms if usual.time_ms else 0.0

    @property
    def executions(self) -> float:
        return min(self.by_others, self.by_time)


class Block(msgspec.Struct):
    """A span in which `BLOCK_EXECUTIONS` are expected."""

    since_ms: int = 0
    until_ms: int = 0
    executions: int = 0
    expected: Expected = msgspec.field(default_factory=Expected)


class Unit(msgspec.Struct):
    """What is known of one unit; of bounded size."""

    last_ms: int = 0
    """End of the last window in which it ran."""
    usual: Usual = msgspec.field(default_factory=Usual)
    hours: dict[int, Usual] = {}
    """By hour of the day, UTC."""
    gap: Expected = msgspec.field(default_factory=Expected)
    """What was expected of it since it ran last."""
    gaps: dict[int, float] = {}
    """The longest usual gap in expected executions, by day since 1970."""
    block: Block = msgspec.field(default_factory=Block)
    low: Block | None = None
    """The last full block, if the unit had collapsed in it."""
    low_since_ms: int = 0
    shares: dict[int, float] = {}
    """The emptiest usual block, as executions over expected ones, by day since 1970."""
    blocks: int = 0


class Activity(msgspec.Struct):
    """What is known of all units, and up to when."""

    first_ms: int = 0
    until_ms: int = 0
    idle_ms: dict[int, int] = {}
    """The longest usual time without any window, by day since 1970."""
    units: dict[str, Unit] = {}
    """By "sequence<TAB>event"; the event is "" where the unit is a sequence."""


def unit_key(sequence: str, event: str) -> str:
    """The key of a unit in `Activity.units`."""
    return f"{sequence}\t{event}"


def executions_by_unit(window: Window, with_runs: AbstractSet[str]) -> dict[str, int]:
    """How often each unit ran in a window: a sequence as often as that of its beats which ran most.

    `with_runs`: the sequences of which the logs tell runs.
    """
    counts: dict[str, int] = {}
    for (sequence, event), beat in window.beats.items():
        key = unit_key(sequence, "" if sequence in with_runs else event)
        if beat.completed:
            counts[key] = max(counts.get(key, 0), beat.completed)
    return counts


def join_beats(activity: Activity, sequence: str) -> None:
    """Runs of a sequence were seen: from now on it is the unit, not its beats."""
    for key in [key for key in activity.units if key.startswith(unit_key(sequence, ""))]:
        if key != unit_key(sequence, ""):
            del activity.units[key]


def take_window(
    activity: Activity, start_ms: int, window_ms: int, counts: Mapping[str, int], drop: float
) -> None:
    """Adds one window. `drop`: the share by which the rate of a unit must fall to be told."""
    end_ms = start_ms + window_ms
    if start_ms < activity.until_ms:
        _take_late(activity, end_ms, counts)
        return
    activity.first_ms = activity.first_ms or start_ms
    if activity.until_ms:
        _end_idle(activity, start_ms)
    # While nothing is written for hours, the program is off.
    time_ms = min(end_ms - (activity.until_ms or start_ms), HOUR_MS)
    activity.until_ms = end_ms
    for key in counts:
        if key not in activity.units and len(activity.units) < MAX_UNITS:
            activity.units[key] = Unit(last_ms=end_ms)
    for key, unit in list(activity.units.items()):
        executions = counts.get(key, 0)
        _take(unit, end_ms, executions, len(counts) - (executions > 0), time_ms, drop)
        if end_ms - unit.last_ms > RETIRED_MS:
            del activity.units[key]


def is_idle(activity: Activity, until_ms: int) -> bool:
    """Whether everything stopped: it was never quiet for nearly as long.

    What a night is like is known after a week, unless the first day showed that there is none.
    """
    known_ms = activity.until_ms - activity.first_ms
    longest_ms = max(activity.idle_ms.values(), default=0)
    return known_ms >= (
        DAY_MS if longest_ms < HOUR_MS else 7 * DAY_MS
    ) and until_ms - activity.until_ms >= max(IDLE_LEAST_MS, SILENT_TIMES * longest_ms)


def _end_idle(activity: Activity, start_ms: int) -> None:
    length_ms = start_ms - activity.until_ms
    if length_ms and (not is_idle(activity, start_ms) or length_ms >= HABIT_GAP_MS):
        _remember(activity.idle_ms, start_ms, max, length_ms, 2 * HABIT_DAYS)


def _take_late(activity: Activity, end_ms: int, counts: Mapping[str, int]) -> None:
    """It came after later windows were judged: who ran then was not silent since before."""
    for key in counts:
        unit = activity.units.get(key)
        if unit is not None and end_ms > unit.last_ms:
            unit.last_ms, unit.gap = end_ms, Expected()


def _take(unit: Unit, end_ms: int, executions: int, others: int, time_ms: int, drop: float) -> None:
    hour = (end_ms - 1) % DAY_MS // HOUR_MS
    of_hour = unit.hours.setdefault(hour, Usual())
    usual = of_hour if of_hour.time_ms >= HOUR_LEARNED_MS else unit.usual
    unit.gap.add(usual, others, time_ms)
    _fill_block(unit, usual, end_ms, executions, others, time_ms, drop)
    if executions:
        _end_gap(unit, end_ms)
    unit.usual.add(executions, others, time_ms, MEMORY_MS)
    of_hour.add(executions, others, time_ms, MEMORY_MS // 24)


def is_silent(unit: Unit, until_ms: int) -> bool:
    """Whether a unit stopped: much was expected, and it was never quiet for nearly as long."""
    usual_gap = max(unit.gaps.values(), default=0.0)
    return (
        until_ms - unit.last_ms >= SILENT_LEAST_MS
        and unit.usual.executions >= LEARNED_EXECUTIONS
        and unit.gap.executions >= max(SILENT_EXECUTIONS, SILENT_TIMES * usual_gap)
    )


def _end_gap(unit: Unit, end_ms: int) -> None:
    length_ms = end_ms - unit.last_ms
    if not is_silent(unit, end_ms) or length_ms >= HABIT_GAP_MS:
        _remember(unit.gaps, end_ms, max, unit.gap.executions)
    unit.last_ms, unit.gap = end_ms, Expected()


def _fill_block(
    unit: Unit, usual: Usual, end_ms: int, executions: int, others: int, time_ms: int, drop: float
) -> None:
    block = unit.block
    block.since_ms = block.since_ms or end_ms - time_ms
    block.until_ms = end_ms
    block.executions += executions
    block.expected.add(usual, others, time_ms)
    expected = block.expected.executions
    if expected < BLOCK_EXECUTIONS or end_ms - block.since_ms < BLOCK_LEAST_MS:
        return
    share = block.executions / expected
    usual_least = min(unit.shares.values(), default=0.0)
    unit.block = Block()
    if unit.blocks >= LEARNED_BLOCKS and share < min(1 - drop, usual_least / 2):
        unit.low_since_ms = unit.low_since_ms if unit.low is not None else block.since_ms
        unit.low = block
        return
    unit.low = None
    unit.blocks += 1
    _remember(unit.shares, end_ms, min, share)


def _remember(
    by_day: dict[int, N], at_ms: int, extreme: Callable[[N, N], N], value: N, days: int = HABIT_DAYS
) -> None:
    """Keeps the most extreme value of each of the last days."""
    day = at_ms // DAY_MS
    by_day[day] = extreme(by_day.get(day, value), value)
    for old in [each for each in by_day if each <= day - days]:
        del by_day[old]
