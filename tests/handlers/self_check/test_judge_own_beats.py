"""The daemon's own beats go through the detectors of the logs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.beat_times import OwnBeats
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.sequence import ANOMALY
from handlers.model import SelfAnomaly, TelemetryMetrics
from handlers.self_check.judge_own_beats import judge_own_beats
from handlers.stage import BeatReport

BEAT = ANOMALY.beats[2]
WINDOW_MS = 60_000


def report(duration_ms: float, error: str = "") -> BeatReport:
    return BeatReport(
        sequence=ANOMALY.id,
        request_id="r",
        beat=BEAT.number,
        topic=BEAT.topic,
        handler=BEAT.name,
        status="failed" if error else "completed",
        duration_us=round(duration_ms * 1000),
        error=error,
    )


class Life:
    """Minutes of a daemon, each with its beats."""

    def __init__(self) -> None:
        self.baseline = Baseline()
        self.told: list[SelfAnomaly] = []
        self._beats = OwnBeats()
        self._minute = 1

    def minute(self, reports: Iterable[BeatReport], *, is_steady: bool = True) -> None:
        for each in reports:
            self._beats.hear(each, is_steady=is_steady)
        start_ms = self._minute * WINDOW_MS
        self._minute += 1
        window = self._beats.take_window(start_ms)
        judged = judge_own_beats(
            TelemetryMetrics(WINDOW_MS, {start_ms: window}), baseline=self.baseline, now_ms=start_ms
        )
        self.baseline, self.told = judged.baseline, list(judged.troubles)


@pytest.fixture
def life() -> Life:
    """A daemon that ran well for half an hour."""
    lived = Life()
    for _ in range(30):
        lived.minute([report(5.0 + number % 3) for number in range(6)])
        assert lived.told == []
    return lived


def test_a_beat_that_becomes_slow_is_a_trouble_and_over_when_it_is_fast_again(life: Life) -> None:
    for _ in range(4):
        life.minute([report(4000.0)] * 6)
    [found] = life.told
    assert (found.kind, found.handler) == ("slow-beat", BEAT.name)
    assert found.actual == pytest.approx(4.0, rel=0.03)
    assert f"{BEAT.name} of selfheald itself takes" in found.description
    for _ in range(20):
        life.minute([report(5.0)] * 6)
    assert life.told == []


def test_a_handler_that_fails_is_a_trouble_at_once(life: Life) -> None:
    life.minute([report(5.0)] * 5 + [report(1.0, "KeyError: 'x'")])
    [found] = life.told
    assert (found.kind, found.handler, found.cause) == ("failing-beat", BEAT.name, "a defect of selfheald")
    assert "failed 1 of 6 times with KeyError" in found.description
    for _ in range(60):
        life.minute([report(5.0)] * 6)
    assert life.told == []


def test_a_store_that_fails_is_no_defect(life: Life) -> None:
    life.minute([report(1.0, "StoreFullError: no room")] * 3)
    [found] = life.told
    assert found.cause == "the store could not be used"


def test_a_handler_that_failed_from_the_start_is_told_too() -> None:
    lived = Life()
    for _ in range(3):
        lived.minute([report(1.0, "KeyError: 'x'")] * 6)
    assert [each.kind for each in lived.told] == ["failing-beat"]


def test_a_backlog_makes_no_beat_slow(life: Life) -> None:
    for _ in range(10):
        life.minute([report(4000.0)] * 6, is_steady=False)
        assert life.told == []


def test_beats_that_are_no_longer_played_are_no_trouble(life: Life) -> None:
    for _ in range(60):
        life.minute([])
        assert life.told == []


@settings(max_examples=25)
@given(st.lists(st.lists(st.floats(0.01, 900.0), max_size=20), min_size=30, max_size=60))
def test_whatever_takes_less_than_a_second_is_never_a_trouble(minutes: list[list[float]]) -> None:
    lived = Life()
    for durations in minutes:
        lived.minute(map(report, durations))
        assert lived.told == []
