"""JSON lines: which event a line is, and what it says. Whole logs are in tests/samples."""

import json
from typing import Any, Final

import pytest

from config.settings import Jsonl
from handlers.formats.jsonl import JsonLines
from tests.handlers.formats.lines import Read, read
from tests.handlers.rows import TelemetryEvent

TIME: Final = "2026-11-22T10:00:00Z"


def extract(*lines: str, settings: Jsonl | None = None) -> Read:
    return read(JsonLines(settings or Jsonl()), "".join(f"{line}\n" for line in lines).encode())


def events(settings: Jsonl | None = None, **fields: Any) -> list[TelemetryEvent]:
    extraction = extract(json.dumps(fields), settings=settings)
    assert extraction.unreadable == (not extraction.events)
    return extraction.events


def kinds(**fields: Any) -> list[str]:
    return [event.kind for event in events(**fields)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"event": "a", "handler": "f"}, ["beat-started"], id="a handler and nothing else: started"
        ),
        pytest.param({"event": "a", "beat": 1}, ["beat-started"], id="a beat number: started"),
        pytest.param({"event": "a", "sequence": "s"}, ["beat-started"], id="a sequence: started"),
        pytest.param({"event": "a", "duration": 0}, ["beat-completed"], id="a duration, if 0: completed"),
        pytest.param({"handler": "f", "duration": 1}, ["beat-completed"], id="no event but a handler"),
        pytest.param({"event": "a", "error": "x"}, ["error", "beat-completed"], id="an error: failed"),
        pytest.param(
            {"event": "a", "duration": 3, "error": {"message": "x"}},
            ["error", "beat-completed"],
            id="an error with a duration: failed",
        ),
        pytest.param({"event": "a", "duration": 1, "error": None}, ["beat-completed"], id="error null: none"),
        pytest.param(
            {"event": "a", "duration": 1, "error": {}}, ["beat-completed"], id="an empty error: none"
        ),
        pytest.param({"event": "a"}, [], id="an event alone says nothing"),
        pytest.param({"duration": 5}, [], id="a duration of nothing"),
        pytest.param({"message": "hi"}, [], id="none of the fields"),
    ],
)
def test_without_a_kind_the_fields_tell_it(fields: dict[str, Any], expected: list[str]) -> None:
    assert kinds(**fields) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("beat-started", ["beat-started"]),
        ("beat:start", ["beat-started"]),
        ("handler_completed", ["beat-completed"]),
        ("handler.finished", ["beat-completed"]),
        ("Beat-Completed", ["beat-completed"]),
        ("beat-failed", ["error", "beat-completed"]),
        ("error", ["error", "beat-completed"]),
        ("sequence-started", ["run-started"]),
        ("run-completed", ["run-completed"]),
        ("sequence:failed", ["run-failed"]),
    ],
)
def test_a_kind_says_it_outright(word: str, expected: list[str]) -> None:
    assert kinds(kind=word, event="a", handler="f", requestId="r") == expected
    assert kinds(event=word, handler="f", requestId="r") == expected


@pytest.mark.parametrize("word", ["metric", "started", "user-started", "beat-paused", "completed-beat", ""])
def test_a_word_that_is_no_kind_is_left_alone(word: str) -> None:
    assert kinds(kind=word, event="a", duration=1) == ["beat-completed"]


def test_a_kind_in_place_of_the_event_leaves_the_handler_as_the_name_of_the_beat() -> None:
    (started,) = events(event="beat-started", handler="CartPlugin.load")
    assert (started.event, started.plugin, started.handler) == ("CartPlugin.load", "CartPlugin", "load")


@pytest.mark.parametrize(
    ("unit", "value", "expected_ms"),
    [
        ("s", 1.5, 1500),
        ("ms", 1.5, 1.5),
        ("us", 1500, 1.5),
        ("ns", 1_500_000, 1.5),
        ("ms", "12.5", 12.5),
        ("ms", 0, 0),
        ("ms", -1, None),
        ("ms", "fast", None),
        ("ms", True, None),
        ("ms", [1], None),
        ("s", 1.7e308, None),
    ],
)
def test_a_duration_is_in_its_unit_or_unknown(unit: str, value: Any, expected_ms: float | None) -> None:
    settings = Jsonl.model_validate({"duration_unit": unit})
    (completed,) = events(settings, event="a", duration=value)
    assert completed.duration_ms == (None if expected_ms is None else pytest.approx(expected_ms))


def test_all_fields_have_the_names_that_the_operator_gave_them() -> None:
    names = {
        "timestamp": "ts",
        "event": "e",
        "handler": "h",
        "sequence": "s",
        "beat": "b",
        "request_id": "r",
        "duration": "d",
        "error": "x",
        "kind": "k",
    }
    line = {
        "ts": TIME,
        "e": "a",
        "h": "P.f",
        "s": "seq",
        "b": 3,
        "r": "req",
        "d": 5,
        "x": "E: m",
        "k": "error",
    }
    error, completed = events(Jsonl.model_validate(names), **line)
    assert error == TelemetryEvent(
        kind="error",
        source=1,
        offset=0,
        time=TIME,
        sequence="seq",
        request_id="req",
        event="a",
        plugin="P",
        handler="f",
        beat=3,
        duration_ms=5,
        failed=True,
        error_type="E",
        error_message="m",
    )
    assert completed.kind == "beat-completed"
    old = {"timestamp": TIME, "event": "a", "handler": "f", "requestId": "r", "duration": 5}
    assert extract(json.dumps(old), settings=Jsonl.model_validate(names)).events == []


def test_every_field_has_its_default_name() -> None:
    line: dict[str, Any] = {"timestamp": TIME, "event": "a", "handler": "f", "sequence": "s", "beat": 2}
    (started,) = events(**line, requestId="r")
    assert (started.time, started.sequence, started.beat, started.request_id) == (TIME, "s", 2, "r")


@pytest.mark.parametrize(
    ("value", "name"),
    [("text", "text"), (17, "17"), (1.5, "1.5"), (None, ""), (True, ""), ("x" * 999, "x" * 300)],
    ids=["text", "a number", "a fraction", "null", "a truth value", "a long text, cut"],
)
def test_a_name_may_be(value: Any, name: str) -> None:
    assert events(event="a", duration=1, sequence=value)[0].sequence == name


@pytest.mark.parametrize(("value", "beat"), [(3, 3), ("4", 4), ("x", 0), (None, 0), (2.5, 0), ([], 0)])
def test_a_beat_that_is_no_number_is_0(value: Any, beat: int) -> None:
    assert events(event="a", duration=1, beat=value)[0].beat == beat


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param("TypeError: x is 5", ("TypeError", "x is 5", ""), id="text with a type"),
        pytest.param("it broke", ("Error", "it broke", ""), id="text without"),
        pytest.param(True, ("Error", "", ""), id="a mere flag"),
        pytest.param({"message": "TypeError: x"}, ("TypeError", "x", ""), id="an object with a message"),
        pytest.param(
            {"type": "T", "message": "a: b"}, ("T", "a: b", ""), id="an object with type and message"
        ),
        pytest.param({"name": "N", "message": "m"}, ("N", "m", ""), id="an object with a name"),
        pytest.param({"code": 7}, ("Error", "", ""), id="an object with neither"),
        pytest.param(
            {
                "type": "T",
                "message": "m",
                "stack": "T: m\n    at f (/app/node_modules/x.js:1:1)\n    at g (/app/y.js:2:2)",
            },
            ("T", "m", "g (/app/y.js:2:2)"),
            id="a JavaScript stack: the first own frame",
        ),
        pytest.param(
            {
                "type": "T",
                "message": "m",
                "stacktrace": "Traceback (most recent call last):\n"
                '  File "/app/a.py", line 1, in a\n    b()\n'
                '  File "/app/b.py", line 2, in b\n    raise T\nT: m',
            },
            ("T", "m", 'File "/app/b.py", line 2, in b'),
            id="a Python stack: the last own frame",
        ),
    ],
)
def test_an_error_is(error: object, expected: tuple[str, str, str]) -> None:
    found, completed = events(event="a", error=error)
    assert (found.error_type, found.error_message, found.error_frame) == expected
    assert (found.failed, completed.failed) == (True, True)


@pytest.mark.parametrize(
    "line",
    [
        "words",
        '{"event":"a","duration":1',
        '["event"]',
        "17",
        '{"event":"a","duration":1}}',
        '{"timestamp":[],"event":"a","duration":1}',
        "[" * 100_000,
        '{"event":' + "9" * 5000 + "}",
    ],
    ids=lambda line: line[:20],
)
def test_a_line_that_cannot_be_read_is_counted_and_the_next_one_is_read(line: str) -> None:
    extraction = extract(line, '{"event":"a","duration":1}')
    assert (extraction.lines, extraction.unreadable, len(extraction.events)) == (2, 1, 1)


def test_empty_lines_are_not_unreadable() -> None:
    extraction = extract("", "   ", "\t")
    assert (extraction.lines, extraction.unreadable) == (3, 0)


def test_an_event_stands_where_its_line_begins() -> None:
    lines = ['{"event":"ä","duration":1}', "", '{"event":"b","duration":1}']
    first, second = extract(*lines).events
    assert (first.offset, second.offset) == (0, len(lines[0].encode()) + 2)


def test_a_carriage_return_inside_of_a_line_ends_no_line() -> None:
    extraction = extract('{"event":"a",\r"duration":1}')
    assert (extraction.lines, extraction.unreadable, len(extraction.events)) == (1, 0, 1)
