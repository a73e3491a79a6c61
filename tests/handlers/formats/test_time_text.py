"""Times as logs write them, and the rules for what they leave open."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.formats.time_text import Clock

SKEW_MS = 60_000
NOON = "2026-11-22T12:00:00Z"


def ms(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1000)


def clock(zone: str = "UTC", arrival: str = "2030-01-01T00:00:00Z", latest: str = "") -> Clock:
    return Clock(ZoneInfo(zone), ms(arrival), SKEW_MS, ms(latest) if latest else 0)


def read(time: str | float, zone: str = "UTC", arrival: str = "2030-01-01T00:00:00Z") -> str | None:
    at_ms = clock(zone, arrival).epoch_ms(time)
    if at_ms is None:
        return None
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds").replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-11-22T12:00:00Z", NOON),
        ("2026-11-22T12:00:00+0000", NOON),
        ("2026-11-22T17:30:00+05:30", NOON),
        ("2026-11-22T07:00:00-05:00", NOON),
        ("2026-11-22T07:00:00-05", NOON),
        ("2026-11-22 07:00:00 -05:00", NOON),
        ("2026-11-22 12:00:00 UTC", NOON),
        ("2026-11-22t12:00:00z", NOON),
        ("2026/11/22 12:00:00", NOON),
        ("2026-11-22 12:00:00,250", "2026-11-22T12:00:00.250Z"),
        ("2026-11-22 12:00:00,250 +0000", "2026-11-22T12:00:00.250Z"),
        ("2026-11-22T12:00:00.250999999Z", "2026-11-22T12:00:00.251Z"),
        ("2026-11-22T12:00:00.250123456789 +00:00", "2026-11-22T12:00:00.250Z"),
        (1795348800, NOON),
        (1795348800250, "2026-11-22T12:00:00.250Z"),
        (1795348800250000, "2026-11-22T12:00:00.250Z"),
        (1795348800250000000, "2026-11-22T12:00:00.250Z"),
        ("1795348800", NOON),
        ("1795348800.25", "2026-11-22T12:00:00.250Z"),
        ("1795348800250", "2026-11-22T12:00:00.250Z"),
        ("1795348800250000", "2026-11-22T12:00:00.250Z"),
        ("1795348800250000000", "2026-11-22T12:00:00.250Z"),
        ("1710101231212", "2024-03-10T20:07:11.212Z"),
        ("2026-11-22 12:00:61", None),
        ("2026-13-22 12:00:00 +00:00", None),
        ("Nov 31 12:00:00", None),
        ("Foo 22 12:00:00", None),
        ("Nov 22", None),
        ("12:00:00", None),
    ],
)
def test_a_time_is_read(time: str | float, expected: str | None) -> None:
    assert read(time) == expected


class TestWithoutAYear:
    """The latest year in which the time is no more than a day after its arrival."""

    @pytest.mark.parametrize(
        ("time", "arrival", "expected"),
        [
            pytest.param("Nov 22 14:30:45", "2026-11-22T14:30:46Z", "2026-11-22T14:30:45Z", id="syslog"),
            pytest.param(
                "Nov  2 14:30:45.5", "2026-11-22T00:00:00Z", "2026-11-02T14:30:45.500Z", id="a space"
            ),
            pytest.param(
                "Nov 22 14:30:45+01:00", "2026-12-01T00:00:00Z", "2026-11-22T13:30:45Z", id="offset"
            ),
            pytest.param(
                "--11-22T14:30:45", "2026-11-22T14:30:46Z", "2026-11-22T14:30:45Z", id="truncated ISO"
            ),
            pytest.param(
                "Dec 31 23:59:59", "2027-01-01T00:00:01Z", "2026-12-31T23:59:59Z", id="New Year's Eve"
            ),
            pytest.param(
                "Jan  1 00:00:20",
                "2026-12-31T23:59:50Z",
                "2027-01-01T00:00:20Z",
                id="a clock that is ahead of it",
            ),
            pytest.param("Jan  1 00:00:20", "2027-01-01T00:00:21Z", "2027-01-01T00:00:20Z", id="New Year"),
            pytest.param(
                "Nov 22 15:00:00",
                "2026-11-22T14:00:00Z",
                "2026-11-22T15:00:00Z",
                id="ahead by an hour, to be told",
            ),
            pytest.param(
                "Nov 23 15:00:00", "2026-11-22T14:00:00Z", "2025-11-23T15:00:00Z", id="ahead by a day"
            ),
            pytest.param("Feb 29 12:00:00", "2026-11-22T14:00:00Z", "2024-02-29T12:00:00Z", id="leap day"),
            pytest.param(
                "Feb 29 12:00:00", "2104-02-28T14:00:00Z", "2104-02-29T12:00:00Z", id="leap day, ahead"
            ),
            pytest.param(
                "Feb 29 12:00:00", "2103-11-22T14:00:00Z", "2096-02-29T12:00:00Z", id="seven years ago"
            ),
        ],
    )
    def test_it_is(self, time: str, arrival: str, expected: str) -> None:
        assert read(time, arrival=arrival) == expected

    @pytest.mark.parametrize(
        ("zone", "time", "arrival", "expected"),
        [
            ("Pacific/Kiritimati", "Jan  1 00:10:00", "2026-12-31T10:10:01Z", "2026-12-31T10:10:00Z"),
            ("Pacific/Kiritimati", "Dec 31 23:50:00", "2026-12-31T10:10:01Z", "2026-12-31T09:50:00Z"),
            ("America/Los_Angeles", "Dec 31 23:50:00", "2027-01-01T07:50:01Z", "2027-01-01T07:50:00Z"),
        ],
        ids=["far east, where the year has begun", "far east, just before", "west, where it has not"],
    )
    def test_the_year_is_that_of_its_zone(self, zone: str, time: str, arrival: str, expected: str) -> None:
        assert read(time, zone, arrival) == expected

    @given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.integers(-80_000, 300 * 86_400))
    def test_every_line_that_comes_within_300_days_has_its_own_year(
        self, moment: datetime, lag_s: int
    ) -> None:
        moment = moment.replace(microsecond=0, tzinfo=UTC)
        arrival = (moment + timedelta(seconds=lag_s)).isoformat()
        found = clock("UTC", arrival).epoch_ms(f"{moment:%b} {moment.day:2} {moment:%H:%M:%S}")
        assert found == round(moment.timestamp() * 1000)


def times_of(zone: str, *times: str, latest: str = "", arrival: str = "2030-01-01T00:00:00Z") -> list[str]:
    stream = clock(zone, arrival, latest)
    found = [stream.epoch_ms(time) or 0 for time in times]
    return [datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S") for at_ms in found]


class TestDaylightSaving:
    """In Berlin, 2026-10-25 has 02:00 to 03:00 twice, and 2026-03-29 has it not at all."""

    def test_an_hour_that_comes_twice_is_the_first_until_time_would_go_back_and_then_the_second(self) -> None:
        times = ["02:00:00", "02:30:00", "02:59:59", "02:00:00", "02:30:00", "02:59:59", "03:00:00"]
        found = times_of("Europe/Berlin", *(f"2026-10-25T{time}" for time in times))
        assert found == ["00:00:00", "00:30:00", "00:59:59", "01:00:00", "01:30:00", "01:59:59", "02:00:00"]

    def test_a_line_that_is_out_of_order_by_less_than_a_minute_does_not_begin_the_second_hour(self) -> None:
        times = ["02:30:10", "02:29:20", "02:30:11"]
        found = times_of("Europe/Berlin", *(f"2026-10-25 {time}" for time in times))
        assert found == ["00:30:10", "00:29:20", "00:30:11"]

    def test_what_the_batch_before_has_read_counts(self) -> None:
        assert times_of("Europe/Berlin", "2026-10-25T02:10:00", latest="2026-10-25T00:59:00Z") == ["01:10:00"]
        assert times_of("Europe/Berlin", "2026-10-25T02:10:00", latest="2026-10-25T00:09:00Z") == ["00:10:00"]

    def test_the_second_hour_is_not_taken_before_it_can_have_come(self) -> None:
        times = ["2026-10-25T02:30:00", "2026-10-25T02:20:00"]
        assert times_of("Europe/Berlin", *times, arrival="2026-10-25T00:30:01Z") == ["00:30:00", "00:20:00"]

    def test_an_event_ahead_of_the_clock_does_not_begin_the_second_hour(self) -> None:
        times = ["2026-10-25T02:10:00", "2026-10-25T09:00:00", "2026-10-25T02:11:00"]
        assert times_of("Europe/Berlin", *times, arrival="2026-10-25T02:00:00Z")[2] == "00:11:00"

    def test_a_time_that_is_skipped_counts_from_the_offset_before(self) -> None:
        times = ["2026-03-29T01:59:59", "2026-03-29T02:30:00", "2026-03-29T03:30:00"]
        assert times_of("Europe/Berlin", *times) == ["00:59:59", "01:30:00", "01:30:00"]

    @pytest.mark.parametrize(
        ("zone", "change"),
        [
            ("Europe/Berlin", "2026-10-25T01:00:00Z"),
            ("America/New_York", "2026-11-01T06:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
        ],
        ids=["an hour", "in the west", "half an hour, in the south"],
    )
    @pytest.mark.parametrize("every_s", [7, 61, 599, 1500])
    def test_a_stream_of_local_times_that_never_pauses_for_an_hour_is_read_as_it_was_written(
        self, zone: str, change: str, every_s: int
    ) -> None:
        first = ms(change) - 3 * 3_600_000
        written = [first + step * every_s * 1000 for step in range(6 * 3600 // every_s)]
        stream = clock(zone)
        local = [
            datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).replace(tzinfo=None) for at_ms in written
        ]
        assert [stream.epoch_ms(moment.isoformat()) for moment in local] == written

    @given(st.lists(st.integers(0, 4 * 3600 - 1), max_size=30).map(sorted))
    def test_times_that_do_not_go_back_in_a_file_do_not_go_back(self, seconds: list[int]) -> None:
        stream = clock("Europe/Berlin")
        texts = [f"2026-10-25T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in seconds]
        found = [stream.epoch_ms(text) or 0 for text in texts]
        assert all(before <= after for before, after in pairwise(found))
