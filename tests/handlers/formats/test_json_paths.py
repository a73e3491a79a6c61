"""Fields of JSON lines that stand inside of others."""

import json
from typing import Any

import pytest

from config.settings import Jsonl
from handlers.formats.jsonl import JsonLines
from tests.handlers.formats.lines import read

NESTED = Jsonl(timestamp="time.at", event="op.name", duration="op.took_us", error="op.error", handler="fn")


def event_of(line: Any, names: Jsonl = NESTED) -> tuple[object, ...]:
    extraction = read(JsonLines(names), (json.dumps(line) + "\n").encode())
    assert extraction.matched + extraction.unreadable == 1
    return next(((e.kind, e.event, e.time, e.duration_ms, e.handler) for e in extraction.events), ())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            {"time": {"at": 17}, "op": {"name": "a", "took_us": 5000}, "fn": "f"},
            ("beat-completed", "a", 17, 5.0, "f"),
            id="inside, beside flat ones",
        ),
        pytest.param({"op": {"name": "a"}, "fn": "f"}, ("beat-started", "a", None, None, "f"), id="missing"),
        pytest.param(
            {"op.name": "flat", "op": {"name": "a"}, "fn": "f"},
            ("beat-started", "flat", None, None, "f"),
            id="a key with the dot goes first",
        ),
        pytest.param({"op": [{"name": "a"}], "fn": "f"}, ("beat-started", "f", None, None, "f"), id="a list"),
        pytest.param(
            {"op": {"name": {"x": {}}}, "op.took_us": 1},
            ("beat-completed", "{'x': {}}", None, 0.001, ""),
            id="deeper than expected",
        ),
        pytest.param({"time": {"at": True}, "fn": "f"}, (), id="a time that is none"),
        pytest.param([1], (), id="no object"),
        pytest.param(
            {"op": {"name": "a", "error": {"type": "E", "message": "m"}}},
            ("error", "a", None, None, ""),
            id="an error",
        ),
    ],
)
def test_a_path_leads_to(line: Any, expected: tuple[object, ...]) -> None:
    assert event_of(line) == expected


def test_a_line_of_flat_names_reads_the_same_by_either_decoder() -> None:
    line = {"timestamp": "t", "event": "a", "handler": "P.f", "requestId": 7, "duration": "5", "kind": None}
    assert event_of(line, Jsonl()) == event_of(line, Jsonl(beat="no.such"))


def test_a_bomb_of_brackets_is_unreadable() -> None:
    assert read(JsonLines(NESTED), b"[" * 100_000 + b"\n").unreadable == 1
