"""Conductor messages in Serilog text."""

import pytest

from handlers.formats.conductor import Conductor
from handlers.formats.serilog import Serilog
from tests.handlers.formats.lines import MESSAGES, read


@pytest.mark.parametrize("header", ["[INF] ", "[INF] Shell.Host: ", "[Information] A.B`1+C: "])
def test_the_messages_mean_what_they_mean_to_the_conductor(header: str) -> None:
    stamp, lines = "2025-11-09T14:30:45.123Z", [*MESSAGES[1:], *MESSAGES[7:]]
    plain = "".join(f"{stamp} {line}\n    at f (a.js:1:1)\n" for line in lines).encode()
    wrapped = "".join(f"[{stamp}] {header}{line}\n    at f (a.js:1:1)\n" for line in lines).encode()
    want, found = read(Conductor(), plain).events, read(Serilog(), wrapped).events
    assert len(want) > 10
    for events in (want, found):
        assert {event.time for event in events} == {stamp}
    fields = (
        "kind",
        "sequence",
        "request_id",
        "event",
        "plugin",
        "handler",
        "duration_ms",
        "failed",
        "error_frame",
    )
    assert [[getattr(event, name) for name in fields] for event in found] == [
        [getattr(event, name) for name in fields] for event in want
    ]


def test_the_time_keeps_its_offset() -> None:
    line = f"[2025-11-09 14:30:45.123 -05:00] [INF] App: {MESSAGES[7]}\n".encode()
    assert read(Serilog(), b"x\n" + line).events[0].time == "2025-11-09T14:30:45.123-05:00"
    assert read(Serilog(), b"x\n" + line).events[0].offset == 2


def test_other_messages_are_passed_over() -> None:
    assert read(Serilog(), b"[2025-11-09 14:30:45.123 -05:00] [ERR] App: Beat 1 completed\n").events == []
