"""`journalctl -p warning` alone tells the story of an incident, and tells nothing twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from loguru import logger
from msgspec.structs import replace

from daemon.incident import begun, moved
from daemon.incident_life import Changes
from daemon.narrate import tell_changes, tell_order, tell_standing
from daemon.orders import OrderOutcome
from handlers.model import Member
from tests.handlers.anomaly.builders import anomaly

SLOW = begun(anomaly(), 20_000)
MEMBERS = tuple(Member(f"perf-{n}", "performance", "s", "e", f"Cart.h{n}", "2.00 times") for n in (1, 2))
MANY = replace(anomaly(), members=MEMBERS)
SILENT = replace(anomaly(), kind="silent")
KNOWN = moved(SLOW, "acknowledged", 30_000, "ada", "rolling back")


@pytest.fixture
def said() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(line.rstrip()), format="{level} {message}", level="INFO")
    yield lines
    logger.remove(sink)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param(Changes(opened=(SLOW,)), "WARNING found: addItem is slow", id="opened"),
        pytest.param(
            Changes(opened=(replace(SLOW, anomaly=anomaly(severity="critical")),)),
            "ERROR found: addItem is slow",
            id="opened, critical",
        ),
        pytest.param(Changes(reopened=(SLOW,)), "WARNING came back: addItem is slow", id="came back"),
        pytest.param(
            Changes(graver=(replace(SLOW, anomaly=anomaly(severity="high")),)),
            "WARNING graver, high now: addItem is slow",
            id="graver",
        ),
        pytest.param(
            Changes(graver=(KNOWN,)),
            "WARNING graver, medium now: addItem is slow (acknowledged by ada)",
            id="graver, and somebody knows",
        ),
        pytest.param(
            Changes(unsilenced=(moved(SLOW, "open", 0, why="its silence is over"),)),
            "WARNING its silence is over: addItem is slow",
            id="silence over",
        ),
        pytest.param(
            Changes(resolved=(moved(SLOW, "resolved", 0, why="is over"),)),
            "WARNING resolved: slowness of addItem is over; it lasted 0.2 min",
            id="resolved",
        ),
        pytest.param(
            Changes(resolved=(moved(replace(SLOW, anomaly=MANY), "resolved", 0, why="is over"),)),
            "WARNING resolved: slowness of 2 handlers is over; it lasted 0.2 min",
            id="resolved, of many",
        ),
        pytest.param(
            Changes(resolved=(moved(replace(SLOW, anomaly=SILENT), "resolved", 0, why="is over"),)),
            "WARNING resolved: silence of addItem is over; it lasted 0.2 min",
            id="resolved, silence",
        ),
        pytest.param(Changes(quiet=(SLOW, KNOWN)), None, id="what goes on"),
    ],
)
def test_a_change_is_told_in_one_line(changes: Changes, line: str | None, said: list[str]) -> None:
    tell_changes(changes, ())
    assert said == ([line] if line else [])


def test_what_an_operator_did_is_told_with_the_name(said: list[str]) -> None:
    tell_order(OrderOutcome("1", "ack", "ada", 5, True, "acknowledged by ada: perf-1, addItem is slow"))
    tell_order(OrderOutcome("2", "ack", "bob", 6, False, "perf-1: is resolved already"))
    assert said == [
        "WARNING acknowledged by ada: perf-1, addItem is slow",
        "WARNING the order ack of bob was refused: perf-1: is resolved already",
    ]


def test_after_a_start_it_is_told_what_is_open_and_who_knows_of_it(said: list[str]) -> None:
    tell_standing([SLOW, KNOWN, moved(SLOW, "resolved", 0)])
    assert said == [
        "INFO still open: addItem is slow",
        "INFO still open: addItem is slow (acknowledged by ada)",
    ]
