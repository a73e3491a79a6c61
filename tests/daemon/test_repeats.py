"""What is said again and again does not fill the log, and none of it is lost without a word."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Log
from daemon.logs import configure_logging, tell, tell_repeats
from daemon.repeats import BURST, MAX_KEYS, SPAN_S, Repeats


def told(repeats: Repeats, count: int, event: str = "e", sentence: str = "s", **fields: object) -> int:
    return sum(repeats.is_told("ERROR", event, sentence, fields, 0.0) for _ in range(count))


def left_out(repeats: Repeats, now_s: float = SPAN_S) -> list[tuple[str, int]]:
    return [(each.event, each.count) for each in repeats.ended(now_s)]


def test_of_many_alike_the_first_are_written_and_the_others_counted() -> None:
    repeats = Repeats()
    assert told(repeats, BURST + 214) == BURST
    assert left_out(repeats, SPAN_S - 1) == []
    assert left_out(repeats) == [("e", 214)]
    assert left_out(repeats) == []
    assert told(repeats, 1) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"event": "a"}, {"event": "b"}, id="the event"),
        pytest.param({"path": "a"}, {"path": "b"}, id="the path"),
        pytest.param({"sentence": "a broke"}, {"sentence": "b broke"}, id="the sentence"),
    ],
)
def test_counts_are_apart_where_there_differs(one: dict[str, str], other: dict[str, str]) -> None:
    repeats = Repeats()
    assert told(repeats, BURST + 1, **one) == told(repeats, BURST + 1, **other) == BURST


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"sentence": "3 lines"}, {"sentence": "44 lines"}, id="a number in the sentence"),
        pytest.param({"path": "p", "sentence": "a"}, {"path": "p", "sentence": "b"}, id="the words"),
    ],
)
def test_counts_are_one_where_there_differs_only(one: dict[str, str], other: dict[str, str]) -> None:
    repeats = Repeats()
    assert told(repeats, BURST, **one) == BURST
    assert told(repeats, 1, **other) == 0


def test_what_it_remembers_is_bounded() -> None:
    repeats = Repeats()
    for number in range(MAX_KEYS):
        repeats.is_told("ERROR", "e", "s", {"id": f"x{number}"}, 0.0)
    assert told(repeats, 2 * BURST, event="one more") == 2 * BURST
    assert left_out(repeats) == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 300)), max_size=200))
def test_every_line_is_written_or_counted(said: list[tuple[str, float]]) -> None:
    repeats = Repeats()
    written = counted = 0
    for event, at_s in sorted(said, key=lambda each: each[1]):
        counted += sum(each.count for each in repeats.ended(at_s))
        written += repeats.is_told("ERROR", event, "s", {}, at_s)
    counted += sum(each.count for each in repeats.ended(1000))
    assert written + counted == len(said)


def test_the_log_says_how_many_more_there_were_with_their_level(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_logging(Log(), {})
    now_s = 0.0
    monkeypatch.setattr("daemon.logs.time", SimpleNamespace(monotonic=lambda: now_s))
    for number in range(BURST + 214):
        tell("WARNING", "a-test", f"broke {number}")
    assert len(capsys.readouterr().err.splitlines()) == BURST
    now_s = SPAN_S
    tell_repeats()
    [line] = capsys.readouterr().err.splitlines()
    assert "WARNING" in line
    assert f"… 214 more like this: broke {BURST + 213} of=a-test count=214" in line
