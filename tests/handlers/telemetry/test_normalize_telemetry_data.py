"""Beat 4: one clock, one name a sequence and handler, one template an error."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.model import NameBook
from handlers.telemetry.normalize_telemetry_data import normalize_telemetry_data
from tests.handlers.rows import NormalizedEvent, TelemetryEvent, columns, normalized_rows
from tests.handlers.telemetry.builders import ARRIVAL_MS, raw

AT_MS = 1_795_363_858_813
"""2026-11-22T16:10:58.813Z."""
SKEW_MS = 60_000


class Normalized(msgspec.Struct):
    normalized_events: list[NormalizedEvent]
    names: Mapping[str, NameBook]
    ahead: int
    untimed: int


def normalize(
    *events: TelemetryEvent, zone: str = "UTC", names: dict[str, NameBook] | None = None
) -> Normalized:
    found = normalize_telemetry_data(
        columns(events),
        stream_of={1: "one.log", 2: "two.log"},
        names=names or {},
        arrival_ms=ARRIVAL_MS,
        zone=ZoneInfo(zone),
        max_skew_ms=SKEW_MS,
    )
    rows = normalized_rows(found.normalized_events)
    return Normalized(rows, found.names, found.ahead, found.untimed)


def time_of(time: str | float | None, zone: str = "UTC") -> int:
    (found,) = normalize(raw(time=time), zone=zone).normalized_events
    return found.at_ms


@pytest.mark.parametrize(
    "time",
    [
        pytest.param("2026-11-22T16:10:58.813Z", id="UTC"),
        pytest.param("2026-11-22T17:10:58.813+01:00", id="an offset"),
        pytest.param("2026-11-22T11:10:58.813-0500", id="an offset without a colon"),
        pytest.param("2026-11-22 16:10:58,813", id="a comma and no zone"),
        pytest.param("20261122T161058.813Z", id="the basic format"),
        pytest.param(1795363858.813, id="epoch seconds"),
        pytest.param(1795363858813, id="epoch milliseconds"),
        pytest.param(1795363858813000, id="epoch microseconds"),
        pytest.param(1795363858813000000, id="epoch nanoseconds"),
        pytest.param("1795363858.813", id="epoch seconds as text"),
        pytest.param("1795363858813", id="epoch milliseconds as text"),
    ],
)
def test_a_time_is_epoch_milliseconds_from(time: str | float) -> None:
    assert time_of(time) == AT_MS


@pytest.mark.parametrize(
    ("time", "zone", "in_utc"),
    [
        ("2026-11-22T17:10:58", "Europe/Berlin", "2026-11-22T16:10:58"),
        ("2026-07-01T12:00:00", "Europe/Berlin", "2026-07-01T10:00:00"),
        ("2026-11-22T17:10:58+00:00", "Europe/Berlin", "2026-11-22T17:10:58"),
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00"),
        ("2026-11-22T08:10:58", "America/Los_Angeles", "2026-11-22T16:10:58"),
    ],
    ids=["winter", "summer", "its own zone goes first", "the hour that comes twice: the first", "west"],
)
def test_a_time_without_a_zone_is_in_the_zone_of_the_settings(time: str, zone: str, in_utc: str) -> None:
    moment = datetime.fromisoformat(in_utc).replace(tzinfo=UTC)
    assert time_of(time, zone) == round(moment.timestamp() * 1000)


@pytest.mark.parametrize(
    "time",
    [
        None,
        "",
        "soon",
        "2026-13-45T00:00:00Z",
        "nan",
        "inf",
        "-5",
        -5,
        0,
        1e20,
        "0001-01-01T00:00:00Z",
        "1969-12-31",
    ],
)
def test_a_time_that_cannot_be_read_is_the_time_of_arrival_and_counted(time: str | float | None) -> None:
    found = normalize(raw(time=time), raw(time="2026-11-22T16:10:58.813Z"))
    assert [event.at_ms for event in found.normalized_events] == [ARRIVAL_MS, AT_MS]
    assert (found.untimed, found.ahead) == (1, 0)


@given(st.one_of(st.text(), st.floats(allow_nan=False), st.datetimes().map(str), st.integers().map(str)))
def test_no_time_does_harm(time: str | float) -> None:
    found = normalize(raw(time=time), zone="Pacific/Kiritimati")
    assert len(found.normalized_events) + found.ahead == 1
    assert all(0 < event.at_ms <= ARRIVAL_MS + SKEW_MS for event in found.normalized_events)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2026, 11, 22)))
def test_every_time_that_iso_8601_can_write_is_read(moment: datetime) -> None:
    expected_ms = moment.replace(tzinfo=UTC).timestamp() * 1000
    assert time_of(moment.isoformat()) == pytest.approx(expected_ms, abs=0.51)


def test_events_whose_clock_is_ahead_by_more_than_the_skew_are_left_out_and_counted() -> None:
    times_s = [(ARRIVAL_MS + ahead_ms) / 1000 for ahead_ms in (0, SKEW_MS, SKEW_MS + 1, 10**12)]
    found = normalize(*(raw(time=time_s) for time_s in times_s))
    assert [event.at_ms - ARRIVAL_MS for event in found.normalized_events] == [0, SKEW_MS]
    assert (found.ahead, found.untimed) == (2, 0)


def test_neighbours_with_one_time_and_with_others_are_told_apart() -> None:
    times = [1.0, 1.0, None, None, 2.0, "x", "x", 2.0]
    found = normalize(*(raw(time=time) for time in times))
    expected = [1000, 1000, ARRIVAL_MS, ARRIVAL_MS, 2000, ARRIVAL_MS, ARRIVAL_MS, 2000]
    assert [event.at_ms for event in found.normalized_events] == expected
    assert found.untimed == 4


@pytest.mark.parametrize(
    ("duration_ms", "duration_us"),
    [(None, None), (0, 0), (14.87, 14_870), (0.0004, 0), (2_592_000_000, 2_592_000_000_000), (1e306, None)],
    ids=["none", "zero", "rounded to microseconds", "below one", "a month", "beyond any sense"],
)
def test_a_duration_is_in_microseconds(duration_ms: float | None, duration_us: int | None) -> None:
    (found,) = normalize(raw(duration_ms=duration_ms)).normalized_events
    assert found.duration_us == duration_us


def registration(source: int = 1, **fields: Any) -> TelemetryEvent:
    return raw("registered", **{"source": source, **fields})


SEQUENCE = registration(sequence="Order Save", sequence_id="order-save")
PLUGIN = registration(sequence_id="order-save", event="order:write", plugin="OrderPlugin")


class TestNames:
    def test_a_sequence_goes_by_its_id_and_a_beat_has_its_plugin(self) -> None:
        found = normalize(SEQUENCE, PLUGIN, raw(sequence="Order Save", event="order:write"))
        (beat,) = found.normalized_events
        assert (beat.sequence, beat.plugin) == ("order-save", "OrderPlugin")

    def test_they_are_known_in_the_next_batch(self) -> None:
        names = normalize(SEQUENCE, PLUGIN).names
        (beat,) = normalize(
            raw(sequence="Order Save", event="order:write"), names=dict(names)
        ).normalized_events
        assert (beat.sequence, beat.plugin) == ("order-save", "OrderPlugin")

    def test_the_batch_before_is_not_changed(self) -> None:
        names = {"one.log": NameBook()}
        assert normalize(SEQUENCE, PLUGIN, names=names).names["one.log"] != names["one.log"]
        assert names == {"one.log": NameBook()}

    def test_a_stream_knows_its_own_only(self) -> None:
        other = raw(source=2, sequence="Order Save", event="order:write")
        (beat,) = normalize(SEQUENCE, PLUGIN, other).normalized_events
        assert (beat.sequence, beat.plugin) == ("Order Save", "")

    def test_an_event_of_another_sequence_has_another_plugin(self) -> None:
        (beat,) = normalize(
            SEQUENCE, PLUGIN, raw(sequence="mail-send", event="order:write")
        ).normalized_events
        assert beat.plugin == ""

    def test_a_plugin_that_the_line_names_goes_first(self) -> None:
        (beat,) = normalize(
            SEQUENCE, PLUGIN, raw(sequence="Order Save", event="order:write", plugin="Mine")
        ).normalized_events
        assert beat.plugin == "Mine"

    def test_a_name_that_is_registered_again_has_its_new_id(self) -> None:
        again = registration(sequence="Order Save", sequence_id="order-save-2")
        (beat,) = normalize(SEQUENCE, again, raw(sequence="Order Save")).normalized_events
        assert beat.sequence == "order-save-2"

    def test_a_log_that_registers_without_end_does_not_fill_the_memory(self) -> None:
        endless = [registration(sequence=f"s{number}", sequence_id="x") for number in range(20_050)]
        endless += [registration(sequence_id="s", event=f"e{number}", plugin="P") for number in range(20_050)]
        book = normalize(*endless).names["one.log"]
        assert (len(book.sequence_ids), len(book.plugins)) == (20_000, 20_000)


def test_an_error_becomes_a_template_and_keeps_its_type_and_frame() -> None:
    error = raw(
        "error", error_type="E", error_message="order 7 of 9", error_frame="f (a.js:1:1)", failed=True
    )
    (found,) = normalize(error).normalized_events
    assert (found.error_type, found.error_template, found.error_frame, found.failed) == (
        "E",
        "order <*> of <*>",
        "f (a.js:1:1)",
        True,
    )


def test_a_type_in_front_of_the_message_is_not_said_twice() -> None:
    error = raw("error", error_type="TimeoutError", error_message="TimeoutError: no answer", failed=True)
    (found,) = normalize(error).normalized_events
    assert found.error_template == "no answer"


def test_all_else_is_handed_on_as_it_is() -> None:
    (found,) = normalize(
        raw("beat-started", source=2, offset=77, event="e", handler="h", request_id="r", beat=3)
    ).normalized_events
    assert (found.kind, found.source, found.offset) == ("beat-started", 2, 77)
    assert (found.event, found.handler, found.run, found.beat) == ("e", "h", "r", 3)
