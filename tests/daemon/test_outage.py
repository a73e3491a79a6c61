"""Trouble that lasts is told when it begins, rarely while it lasts, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from loguru import logger

from daemon.database import StoreFullError, StoreReadOnlyError
from daemon.outage import Outage


@pytest.fixture
def told() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), format="{level} {message}")
    yield lines
    logger.remove(sink)


def test_a_day_of_attempts_every_five_seconds_is_told_with_growing_pauses(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("daemon.outage.time.monotonic", lambda: now)
    outage = Outage("reading", "nothing is lost")
    at: list[float] = []
    for attempt in range(24 * 720):
        now = 1000.0 + attempt * 5
        before = len(told)
        outage.failed(StoreFullError("the disk is full"))
        at += [now - 1000.0] * (len(told) - before)
    assert at[:7] == [0, 60, 180, 420, 900, 1860, 3780]
    assert {late - early for early, late in pairwise(at[7:])} == {3600}
    outage.over()
    assert told[0].startswith("ERROR reading pauses, nothing is lost: the disk is full")
    assert "reading has paused for 60 s: the disk is full" in told[1]
    assert told[-1].startswith("WARNING reading goes on, after a pause of 86395 s")


def test_another_trouble_is_told_at_once(told: list[str]) -> None:
    outage = Outage("reading", "nothing is lost")
    outage.failed(StoreFullError("full"))
    outage.failed(StoreFullError("full"))
    outage.failed(StoreReadOnlyError("read-only"))
    assert len(told) == 2


def test_without_trouble_there_is_nothing_to_tell(told: list[str]) -> None:
    outage = Outage("reading", "nothing is lost")
    outage.over()
    assert told == []
    assert not outage.lasts
