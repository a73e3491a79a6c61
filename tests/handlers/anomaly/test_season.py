"""What is usual at a time of the day or of the week, and what is not although it is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.anomaly.baseline import BEATS, Learned, judge_subject
from handlers.anomaly.season import HOUR_MS, LEAST_DAYS, LEAST_WEEKS, Season
from handlers.model import BeatStats
from handlers.sketch import add_sorted, bin_of, quantile_us
from tests.handlers.anomaly.builders import beat

MONDAY = 4 * 24
"""Hours since the epoch: 1970-01-05 was a Monday."""
EVERY_MS = HOUR_MS // 4
Known = Learned[BeatStats]


def slow(current: BeatStats, reference: BeatStats) -> float | None:
    """Half over what is expected."""
    if not current.bins or not reference.bins:
        return None
    ratio = quantile_us(current.bins, 0.5) / quantile_us(reference.bins, 0.5)
    return ratio if ratio > 1.5 else None


def window(hour: int, part: int, factor: float) -> tuple[int, BeatStats]:
    """One of the four windows of an hour, with 12 executions of about 20 ms."""
    at_ms = (MONDAY + hour) * HOUR_MS + part * EVERY_MS
    return at_ms, beat(tuple(20.0 * factor * (1 + number / 100) for number in range(12)))


def lived(known: Known, hours: Iterable[int], factor: Callable[[int], float]) -> tuple[Known, list[int]]:
    """Judges hour after hour; the hours since that Monday in which a verdict came, not those it stayed."""
    told: list[int] = []
    stood = False
    for hour in hours:
        for part in range(4):
            known, judgement = judge_subject(known, [window(hour, part, factor(hour))], BEATS, 10, slow)
            if judgement is not None and not stood:
                told.append(hour)
            stood = judgement is not None
    return known, told


def new() -> Known:
    return Learned(BeatStats())


def noon(hour: int) -> float:
    return 2.0 if hour % 24 == 12 else 1.0


def test_what_is_slow_every_noon_is_told_until_the_history_carries_it() -> None:
    _, told = lived(new(), range(24 * 14), noon)
    assert told == [24 * day + 12 for day in range(LEAST_DAYS)]


def test_the_same_slowness_at_midnight_is_told() -> None:
    known, _ = lived(new(), range(24 * 10), noon)
    _, told = lived(known, range(240, 264), lambda hour: 2.0 if hour == 240 else noon(hour))
    assert told == [240]


def test_what_is_slower_than_every_noon_is_told_at_noon() -> None:
    known, _ = lived(new(), range(24 * 10), noon)
    _, told = lived(known, range(240, 264), lambda hour: 2 * noon(hour) if hour == 252 else noon(hour))
    assert told == [252]


def test_what_is_as_slow_at_night_as_by_day_is_told_where_nights_are_fast() -> None:
    def night(hour: int) -> float:
        return 0.5 if hour % 24 < 6 else 1.0

    known, told = lived(new(), range(6, 24 * 10), night)
    assert told == []
    _, told = lived(known, range(240, 264), lambda hour: 1.0 if hour == 243 else night(hour))
    assert told == [243]


def test_what_is_slow_every_monday_is_told_until_three_weeks_carry_it() -> None:
    def monday(hour: int) -> float:
        return 2.0 if hour % 168 == 9 else 1.0

    known, told = lived(new(), range(168 * 5), monday)
    assert told == [168 * week + 9 for week in range(LEAST_WEEKS)]
    _, told = lived(known, range(840, 888), lambda hour: 2.0 if hour == 840 + 33 else monday(hour))
    assert told == [840 + 33]  # Tuesday at nine is no Monday


def test_a_fault_that_lasts_is_told_for_ever_and_never_becomes_usual() -> None:
    known, _ = lived(new(), range(24 * 8), lambda hour: 1.0)
    known, told = lived(known, range(24 * 8, 24 * 22), lambda hour: 2.0)
    assert told == [24 * 8]
    assert judge_subject(known, [], BEATS, 10, slow)[1] is not None


def test_faults_at_ever_other_hours_never_become_usual() -> None:
    known, _ = lived(new(), range(24 * 8), lambda hour: 1.0)
    faulty = {24 * day + (7 * day) % 24 for day in range(8, 22)}
    _, told = lived(known, range(24 * 8, 24 * 22), lambda hour: 2.0 if hour in faulty else 1.0)
    assert set(told) == faulty


def test_the_reference_holds_what_it_would_take_at_any_other_time() -> None:
    known, _ = lived(new(), range(24 * 20), noon)
    assert quantile_us(known.reference.bins, 1.0) < 30_000
    assert known.reference.max_us > 40_000


def test_a_pinned_baseline_learns_no_time_of_day() -> None:
    known, _ = lived(Learned(beat((20.0,) * 100), 1, pinned="v1"), range(24 * 8), noon)
    assert known.season == Season()


@pytest.mark.parametrize("hour", [0, 12], ids=["at midnight", "at noon"])
def test_of_an_hour_with_few_executions_nothing_is_usual(hour: int) -> None:
    season = Season()
    for day in range(30):
        season.take((24 * day + hour) * HOUR_MS, {bin_of(40_000): 9}, faulty=False)
    assert season.offset(24 * 31 + hour, bin_of(20_000)) == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 24 * 60), st.integers(0, 10**7), st.integers(1, 40), st.booleans()),
        max_size=80,
    )
)
def test_it_is_bounded_and_comes_back_from_the_store(arrivals: list[tuple[int, int, int, bool]]) -> None:
    season = Season()
    for hour, duration_us, count, faulty in arrivals:
        bins: dict[int, int] = {}
        add_sorted(bins, [duration_us] * count)
        season.take(hour * HOUR_MS, bins, faulty=faulty)
    stored = msgspec.to_builtins(season, str_keys=True)
    assert msgspec.convert(stored, Season, str_keys=True) == season
    assert len(season.days) <= 28
    assert len(season.levels) == 48 * len(season.days)
