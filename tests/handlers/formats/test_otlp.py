"""Spans become beats, and their traces runs."""

import itertools
import json

import pytest

from handlers.formats.otlp import Otlp
from handlers.formats.scan import extract_block
from handlers.model import Block, ParserState
from tests.handlers.formats.lines import read
from tests.handlers.formats.test_more_formats import request, span
from tests.handlers.rows import TelemetryEvent, rows

ROOT = span("t", "", "checkout", 0, 80)
PAY = span("t", "r", "pay", 20, 60)
RESERVE = span("t", "r", "reserve", 5, 15)


def events(*requests: str) -> list[TelemetryEvent]:
    return read(Otlp(), "".join(f"{line}\n" for line in requests).encode()).events


@pytest.mark.parametrize("spans", list(itertools.permutations([ROOT, PAY, RESERVE])))
def test_spans_of_one_request_are_told_in_the_order_in_which_they_began(
    spans: tuple[dict[str, object], ...],
) -> None:
    told = events(request(*spans))
    assert [(event.kind, event.event) for event in told if event.kind != "beat-completed"] == [
        ("run-started", "checkout"),
        ("beat-started", "checkout"),
        ("beat-started", "reserve"),
        ("beat-started", "pay"),
        ("run-completed", "checkout"),
    ]
    assert {(event.sequence, event.request_id, event.plugin) for event in told} == {("checkout", "t", "shop")}
    assert {event.event: event.duration_ms for event in told if event.kind == "beat-completed"} == {
        "checkout": 80,
        "reserve": 10,
        "pay": 40,
    }


def test_children_wait_for_their_root() -> None:
    assert events(request(PAY), request(RESERVE), request(ROOT))[0].kind == "run-started"


def test_a_span_that_comes_after_its_root_counts_in_its_sequence_without_a_run() -> None:
    late = events(request(ROOT), request(PAY))[-2:]
    assert [(event.kind, event.sequence, event.request_id) for event in late] == [
        ("beat-started", "checkout", ""),
        ("beat-completed", "checkout", ""),
    ]


def test_spans_whose_root_never_comes_are_told_without_a_sequence_at_the_end() -> None:
    assert [(event.sequence, event.request_id) for event in events(request(PAY))] == [("", ""), ("", "")]


@pytest.mark.parametrize(("later_ms", "told"), [(60_060, False), (60_061, True)])
def test_a_trace_waits_for_its_root_for_a_minute_of_event_time(later_ms: int, told: bool) -> None:
    data = f"{request(PAY)}\n{request(span('u', 'r', 'x', later_ms, later_ms))}\n".encode()
    extraction = extract_block(Otlp(), Block(1, 0, len(data), data), ParserState(), at_end=False)
    assert [event.event for event in rows(extraction.events)] == (["pay", "pay"] if told else [])
    assert list(extraction.state.traces) == (["u"] if told else ["t", "u"])


def test_too_many_that_wait_are_told_and_none_is_lost() -> None:
    told = events(*(request(span(f"t{number}", "r", "x", 0, 1)) for number in range(3000)))
    assert len(told) == 6000


@pytest.mark.parametrize("code", [2, "STATUS_CODE_ERROR"])
def test_status_error_is_a_failed_beat_with_an_error(code: object) -> None:
    values = {"type": "CardError", "message": "no 4711", "stacktrace": "E\n    at pay (/app/pay.js:1:2)"}
    attributes = [
        {"key": f"exception.{key}", "value": {"stringValue": value}} for key, value in values.items()
    ]
    failing = span(
        "t", "r", "pay", 0, 1, status={"code": code}, events=[{"name": "exception", "attributes": attributes}]
    )
    _, error, completed = events(request(failing))
    assert (error.kind, error.error_type, error.error_message) == ("error", "CardError", "no 4711")
    assert error.error_frame == "pay (/app/pay.js:1:2)"
    assert (completed.kind, completed.failed) == ("beat-completed", True)


def test_a_failed_root_is_a_failed_run() -> None:
    told = events(request(span("t", None, "checkout", 0, 1, status={"code": 2, "message": "TypeError: x"})))
    assert [event.kind for event in told] == [
        "run-started",
        "beat-started",
        "error",
        "beat-completed",
        "run-failed",
    ]
    assert (told[2].error_type, told[2].error_message) == ("TypeError", "x")


def test_an_exception_in_a_span_that_did_not_fail_was_handled() -> None:
    told = events(request(span("t", "r", "pay", 0, 1, status={"code": 1}, events=[{"name": "exception"}])))
    assert [event.failed for event in told] == [False, False]


@pytest.mark.parametrize(("start", "end"), [(5, 3), (-2_000_000_000_000_000, 3)])
def test_a_span_without_a_time_that_can_be_has_no_duration(start: int, end: int) -> None:
    assert events(request(span("t", "r", "pay", start, end)))[1].duration_ms is None


def test_the_version_of_a_service_is_told_where_it_is_another_one() -> None:
    def of_version(number: int, version: str) -> str:
        line = json.loads(request(span(f"t{number}", "", "checkout", number, number + 10)))
        attributes = line["resourceSpans"][0]["resource"]["attributes"]
        attributes.append({"key": "service.version", "value": {"stringValue": version}})
        return json.dumps(line) + "\n"

    data = "".join(of_version(number, "1.0" if number < 3 else "1.1") for number in range(6)).encode()
    reader = Otlp().reader(1, ParserState())
    reader.read(Block(1, 0, len(data), data))
    told = [(each.name, each.version, data[: each.offset].count(b"\n")) for each in reader.events.versions]
    assert told == [("shop", "1.0", 0), ("shop", "1.1", 3)]
