"""How often what runs usually runs, and for how long it is quiet.

A unit is a sequence; where the log tells no runs of it, a beat. The clock by which its silence is measured is
the others: what is expected of it is counted both by the other units that run and by time, and the smaller of
the two holds. So nothing is expected of anybody while the whole system idles or restarts, and a surge of one
says nothing of the others. The usual rate is learned by hour of the day once there are days enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final, TypeVar

import msgspec

from handlers.anomaly.usual import DAY_MS, HOUR_LEARNED_MS, HOUR_MS, MEMORY_MS, Usual, hour_of
from handlers.anomaly.whole_rate import WholeRate, take_executions
from handlers.model import Window

N = TypeVar("N", int, float)

HABIT_DAYS: Final = 7
"""How long the longest gap and the emptiest block of a day are remembered."""
MAX_UNITS: Final = 5_000
BLOCK_EXECUTIONS: Final = 40
"""Executions expected in a block, by which a collapse is judged."""
BLOCK_LEAST_MS: Final = 60_000
LOW_BLOCKS: Final = 2
"""A unit has collapsed when so many blocks in a row were empty."""
LEARNED_BLOCKS: Final = 10
"""So many healthy blocks a unit must have had before an empty one says anything."""
SILENT_EXECUTIONS: Final = 20
"""A chance of e^-20 for what comes at random."""
SILENT_LEAST_MS: Final = 120_000
IDLE_LEAST_MS: Final = 10 * 60_000
SILENT_TIMES: Final = 3
"""A silence is so many times as long as the longest usual one."""
MANY: Final = 3
"""From so many units on that stopped together, what they share stopped."""
TOGETHER_MS: Final = 60_000
QUIET_EXECUTIONS: Final = 5
"""Expected ones after which another unit is taken as silent too, if one is for certain."""
LEARNED_EXECUTIONS: Final = 50
"""So many a unit must have run before its silence says anything."""
HABIT_GAP_MS: Final = HOUR_MS
"""A silence that was told and ended is a habit if it was longer, such as a night: else it was a fault."""
FIRST_HOURS_MS: Final = 3 * HOUR_MS
"""In these the time of day does not matter yet."""
SINCE_START_MS: Final = 10 * 60_000
"""What began so soon after the logs is taken as always there."""
RETIRED_MS: Final = 7 * DAY_MS
"""What is silent for longer was taken out of use: it is forgotten."""


class Expected(msgspec.Struct, array_like=True):
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

    first_ms: int = 0
    last_ms: int = 0
    """End of the last window in which it ran."""
    usual: Usual = msgspec.field(default_factory=Usual)
    hours: dict[int, Usual] = {}
    """By hour of the day, UTC; those of Saturdays and Sundays, which are 24 to 47, by themselves."""
    gap: Expected = msgspec.field(default_factory=Expected)
    """What was expected of it since it ran last."""
    excused: bool = False
    """It fell silent together with others on the first day: that may be the evening."""
    gaps: dict[int, float] = {}
    """The longest usual gap in expected executions, by day since 1970."""
    block: Block = msgspec.field(default_factory=Block)
    low: Block | None = None
    """The last full block, if the unit had collapsed in it."""
    low_blocks: int = 0
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
    whole: WholeRate = msgspec.field(default_factory=WholeRate)
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
    activity: Activity,
    start_ms: int,
    window_ms: int,
    counts: Mapping[str, int],
    drop: float,
    drops: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """Adds one window. `drop`: the share by which the rate of a unit must fall to be told; `drops`: that of
    units that have their own."""
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
    take_executions(activity.whole, start_ms, sum(counts.values()), drop)
    for key in counts:
        if key not in activity.units and len(activity.units) < MAX_UNITS:
            activity.units[key] = Unit(start_ms, end_ms)
    for key, unit in list(activity.units.items()):
        executions = counts.get(key, 0)
        usual = _usual_at(unit, end_ms - 1, activity.first_ms)
        _take(unit, usual, end_ms, executions, len(counts) - (executions > 0), time_ms, drops.get(key, drop))
        if end_ms - unit.last_ms > RETIRED_MS:
            del activity.units[key]
    if end_ms - activity.first_ms < DAY_MS:
        for unit in activity.units.values():
            unit.excused |= is_silent(unit, end_ms) and len(stopped_with(activity, unit)) >= MANY


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


def _usual_at(unit: Unit, at_ms: int, first_ms: int) -> Usual:
    """The rate that is known for this time of day; nothing is expected where none is."""
    of_hour = unit.hours.get(hour_of(at_ms))
    if of_hour is not None and of_hour.time_ms >= HOUR_LEARNED_MS:
        return of_hour
    always = unit.first_ms - first_ms <= SINCE_START_MS and at_ms - first_ms <= FIRST_HOURS_MS
    return unit.usual if always else Usual()


def _take(
    unit: Unit, usual: Usual, end_ms: int, executions: int, others: int, time_ms: int, drop: float
) -> None:
    unit.gap.add(usual, others, time_ms)
    _fill_block(unit, usual, end_ms, executions, others, time_ms, drop)
    if executions:
        _end_gap(unit, end_ms)
    unit.usual.add(executions, others, time_ms, MEMORY_MS)
    unit.hours.setdefault(hour_of(end_ms - 1), Usual()).add(executions, others, time_ms, MEMORY_MS // 24)


def is_silent(unit: Unit, until_ms: int) -> bool:
    """Whether a unit stopped: much was expected, and it was never quiet for nearly as long."""
    usual_gap = max(unit.gaps.values(), default=0.0)
    return (
        not unit.excused
        and until_ms - unit.last_ms >= SILENT_LEAST_MS
        and unit.usual.executions >= LEARNED_EXECUTIONS
        and unit.gap.executions >= max(SILENT_EXECUTIONS, SILENT_TIMES * usual_gap)
    )


def _end_gap(unit: Unit, end_ms: int) -> None:
    length_ms = end_ms - unit.last_ms
    if not is_silent(unit, end_ms) or length_ms >= HABIT_GAP_MS:
        _remember(unit.gaps, end_ms, max, unit.gap.executions)
    unit.last_ms, unit.gap, unit.excused = end_ms, Expected(), False


def stopped_with(activity: Activity, stopped: Unit) -> set[str]:
    """The keys of the units that fell silent at the same time, its own included."""
    return {
        key
        for key, unit in activity.units.items()
        if abs(unit.last_ms - stopped.last_ms) <= TOGETHER_MS and unit.gap.executions >= QUIET_EXECUTIONS
    }


def _fill_block(
    unit: Unit, usual: Usual, end_ms: int, executions: int, others: int, time_ms: int, drop: float
) -> None:
    block = unit.block
    if not usual.time_ms:
        unit.block = Block()
        return
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
    if unit.gap.executions >= QUIET_EXECUTIONS * 2:
        return  # it is silent, or has its habit of being silent
    if unit.blocks >= LEARNED_BLOCKS and share < min(1 - drop, usual_least / 2):
        unit.low_blocks += 1
        unit.low_since_ms = unit.low_since_ms if unit.low_blocks > 1 else block.since_ms
        unit.low = block if unit.low_blocks >= LOW_BLOCKS else None
        return
    unit.low, unit.low_blocks = None, 0
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
