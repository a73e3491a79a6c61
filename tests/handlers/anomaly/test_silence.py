"""What stopped while others went on is told; what idles, restarts or sleeps as usual is not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from handlers.anomaly.activity import (
    RETIRED_MS,
    Activity,
    executions_by_unit,
    join_beats,
    take_window,
    unit_key,
)
from handlers.anomaly.silence import Quiet, judge_activity
from handlers.anomaly.usual import DAY_MS, HOUR_MS
from handlers.model import BeatStats, Window

MINUTE_MS = 60_000
MONDAY_MS = 4 * DAY_MS
UNITS = [unit_key(f"sequence-{number}", "") for number in range(6)]
STOPS = UNITS[0]
Rate = Callable[[str, int], float]
"""Executions a minute of a unit, so long after Monday."""


def minutes(rate: Rate, until_ms: int) -> Iterator[tuple[int, dict[str, int]]]:
    """Minutes as they come: executions at random, the seed fixed. Where nothing runs there is no window."""
    chance = random.Random(1)
    for at_ms in range(0, until_ms, MINUTE_MS):
        counts = {unit: sum(chance.random() < rate(unit, at_ms) / 10 for _ in range(10)) for unit in UNITS}
        if counts := {unit: count for unit, count in counts.items() if count}:
            yield MONDAY_MS + at_ms, counts


def observed(rate: Rate, until_ms: int) -> tuple[Activity, list[Quiet]]:
    """The memory at the end, and all that was told on the way, once for each kind and subject."""
    activity, told = Activity(), dict[tuple[str, tuple[str, ...]], Quiet]()
    for start_ms, counts in minutes(rate, until_ms):
        take_window(activity, start_ms, MINUTE_MS, counts, 0.8)
        for quiet in judge_activity(activity, 0):
            told.setdefault((quiet.kind, quiet.units), quiet)
    return activity, [*told.values()]


def falls(to: float, at_ms: int, units: list[str], until_ms: int = 1 << 60) -> Rate:
    """Four a minute, but for the units that fall to `to`."""
    return lambda unit, now_ms: to if unit in units and at_ms <= now_ms < until_ms else 4.0


def surges(unit: str, at_ms: int) -> float:
    return 9.0 if unit == STOPS and at_ms > HOUR_MS else 1.0


def idles(_unit: str, at_ms: int) -> float:
    return 0.0 if HOUR_MS < at_ms < 2 * HOUR_MS else 4.0


def sleeps(_unit: str, at_ms: int) -> float:
    return 4.0 if 8 * HOUR_MS <= at_ms % DAY_MS < 18 * HOUR_MS and at_ms // DAY_MS % 7 < 5 else 0.0


def sleeps_alone(unit: str, at_ms: int) -> float:
    return sleeps(unit, at_ms) if unit in UNITS[:2] else 4.0


@pytest.mark.parametrize(
    ("rate", "until_ms", "told"),
    [
        pytest.param(falls(0, HOUR_MS, [STOPS]), 2 * HOUR_MS, [("silent", 1)], id="one that stops"),
        pytest.param(falls(0, 58 * HOUR_MS, [STOPS]), 60 * HOUR_MS, [("silent", 1)], id="on the third day"),
        pytest.param(
            falls(0, 58 * HOUR_MS, UNITS[:4]), 60 * HOUR_MS, [("silent", 4)], id="several at once are one"
        ),
        pytest.param(
            falls(0.4, 58 * HOUR_MS, [STOPS]),
            64 * HOUR_MS,
            [("throughput", 1)],
            id="one at a tenth",
        ),
        pytest.param(
            falls(0.4, 58 * HOUR_MS, UNITS), 60 * HOUR_MS, [("throughput", 0)], id="all that fall to a tenth"
        ),
        pytest.param(falls(2, HOUR_MS, [STOPS]), 3 * HOUR_MS, [], id="one that falls to the half"),
        pytest.param(
            falls(0, HOUR_MS, [STOPS], HOUR_MS + 90_000),
            2 * HOUR_MS,
            [],
            id="a short pause",
        ),
        pytest.param(surges, 2 * HOUR_MS, [], id="a surge of one, of itself and for the others"),
        pytest.param(idles, 3 * HOUR_MS, [], id="when the whole system idles, nothing is expected"),
        pytest.param(sleeps, 8 * DAY_MS, [], id="nights and a weekend of the whole system"),
        pytest.param(sleeps_alone, 8 * DAY_MS, [], id="nights and a weekend of some while others go on"),
    ],
)
def test_what_is_told(rate: Rate, until_ms: int, told: list[tuple[str, int]]) -> None:
    _, quiet = observed(rate, until_ms)
    assert [(each.kind, len(each.units)) for each in quiet] == told


def test_a_silence_says_since_when_and_how_much_was_expected() -> None:
    _, (quiet,) = observed(falls(0, HOUR_MS, [STOPS]), 2 * HOUR_MS)
    assert quiet.since_ms == pytest.approx(MONDAY_MS + HOUR_MS, abs=2 * MINUTE_MS)
    assert quiet.expected == pytest.approx(4, rel=0.3)
    assert quiet.until_ms - quiet.since_ms <= 12 * MINUTE_MS
    assert (quiet.actual, quiet.executions) == (0, 0)


def test_a_silence_ends_when_it_runs_again() -> None:
    activity, told = observed(falls(0, HOUR_MS, [STOPS], HOUR_MS + 30 * MINUTE_MS), 2 * HOUR_MS)
    assert [quiet.kind for quiet in told] == ["silent"]
    assert judge_activity(activity, 0) == []


def test_what_came_late_was_not_silent() -> None:
    activity, _ = observed(falls(0, HOUR_MS, [STOPS]), 2 * HOUR_MS)
    assert judge_activity(activity, 0)
    take_window(activity, activity.until_ms - 5 * MINUTE_MS, MINUTE_MS, {STOPS: 4}, 0.8)
    assert judge_activity(activity, 0) == []


def test_after_the_end_of_an_old_log_comes_no_silence_but_live_everything_can_stop() -> None:
    activity, _ = observed(falls(0, 0, []), 30 * HOUR_MS)
    assert judge_activity(activity, 0) == []
    assert judge_activity(activity, activity.until_ms + 5 * MINUTE_MS) == []
    (quiet,) = judge_activity(activity, activity.until_ms + 15 * MINUTE_MS)
    assert (quiet.kind, quiet.units, quiet.since_ms) == ("silent", (), activity.until_ms)


def test_before_a_week_is_known_a_night_without_any_line_is_no_silence() -> None:
    activity, _ = observed(sleeps, 4 * DAY_MS + 18 * HOUR_MS)
    assert judge_activity(activity, activity.until_ms + 2 * DAY_MS) == []


def test_what_is_silent_for_a_week_is_taken_out_of_use() -> None:
    activity, _ = observed(falls(0, HOUR_MS, [STOPS]), 2 * HOUR_MS)
    for hour in range(1, RETIRED_MS // HOUR_MS + 1):
        take_window(activity, MONDAY_MS + (2 + hour) * HOUR_MS, MINUTE_MS, dict.fromkeys(UNITS[1:], 4), 0.8)
    assert STOPS not in activity.units


def test_a_sequence_counts_as_often_as_that_of_its_beats_which_ran_most() -> None:
    window = Window(0, beats={("a", "x"): BeatStats(completed=3), ("a", "y"): BeatStats(completed=5)})
    assert executions_by_unit(window, {"a"}) == {unit_key("a", ""): 5}
    assert executions_by_unit(window, set()) == {unit_key("a", "x"): 3, unit_key("a", "y"): 5}


def test_beats_are_no_longer_judged_by_themselves_once_runs_of_their_sequence_are_seen() -> None:
    activity = Activity()
    take_window(activity, 0, MINUTE_MS, {unit_key("a", "x"): 3, unit_key("b", "x"): 3}, 0.8)
    join_beats(activity, "a")
    assert set(activity.units) == {unit_key("b", "x")}
