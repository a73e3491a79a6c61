"""What is logfmt's own; what the fields mean is tested with JSON lines."""

import pytest

from config.settings import Jsonl
from handlers.formats.logfmt import Logfmt
from tests.handlers.formats.lines import Read, read


def extract(line: str, settings: Jsonl | None = None) -> Read:
    return read(Logfmt(settings or Jsonl()), f"{line}\n".encode())


@pytest.mark.parametrize(
    ("written", "name"),
    [
        pytest.param("a", "a", id="a word"),
        pytest.param('"a b"', "a b", id="quoted"),
        pytest.param(r'"say \"hi\" \\ \u00e9"', 'say "hi" \\ é', id="quoted with the escapes of JSON"),
        pytest.param(r'"C:\x"', r"C:\x", id="quoted with an escape that JSON does not have"),
        pytest.param("a=b", "a=b", id="a word with an equals sign"),
        pytest.param('"x duration=7"', "x duration=7", id="a pair inside of quotes is none"),
    ],
)
def test_a_value_is(written: str, name: str) -> None:
    (started,) = extract(f"event={written} beat=1").events
    assert (started.kind, started.event) == ("beat-started", name)


@pytest.mark.parametrize("key", ["ts", "time", "timestamp"])
def test_the_time_has_the_usual_names_too(key: str) -> None:
    (started,) = extract(f"{key}=2026-11-22T10:00:00Z event=a beat=1").events
    assert started.time == "2026-11-22T10:00:00Z"


@pytest.mark.parametrize("nothing", ["null", "nil", "<nil>", "false", '""', ""])
def test_an_error_that_says_nothing_is_none(nothing: str) -> None:
    assert [event.kind for event in extract(f"event=a duration=1 error={nothing}").events] == [
        "beat-completed"
    ]


@pytest.mark.parametrize("error", ["true", '"null"', "E"])
def test_an_error_that_says_something_is_one(error: str) -> None:
    assert [event.kind for event in extract(f"event=a error={error}").events] == ["error", "beat-completed"]


def test_the_names_are_those_of_the_settings() -> None:
    settings = Jsonl.model_validate({"event": "on", "duration": "took", "duration_unit": "s"})
    (completed,) = extract("on=a took=2", settings).events
    assert (completed.event, completed.duration_ms) == ("a", 2000)
    assert extract("event=a duration=2", settings).unreadable == 1


@pytest.mark.parametrize("line", ["event", "x: event=a", "level=info msg=hi", 'msg="event=a beat=1"'])
def test_lines_that_are_no_logfmt_of_beats_are_not_recognised(line: str) -> None:
    assert not Logfmt(Jsonl()).recognizes(line.encode())
