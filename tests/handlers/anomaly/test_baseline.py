"""What is learned of a subject, and what never is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.anomaly.baseline import (
    BEATS,
    ERRORS,
    LONG_SPAN,
    MAX_RECENT,
    RUNS,
    Judgement,
    Learned,
    Recent,
    baseline_of,
    judge_subject,
)
from handlers.anomaly.error_rate import ErrorRate
from handlers.metrics import merged
from handlers.model import BeatStats, RunStats, Window
from handlers.sketch import quantile_us
from tests.handlers.anomaly.builders import BEAT, ERROR, WINDOW_MS, beat, durations, errors, metrics, runs

MIN_SAMPLES = 10
HEALTHY_MS, FAULTY_MS = 20.0, 60.0

Known = Learned[BeatStats]
Verdict = Judgement[str] | None


def slow(current: BeatStats, reference: BeatStats) -> str | None:
    """A verdict that is clear: the median is more than twice the known one."""
    if not current.bins or not reference.bins:
        return None
    ratio = quantile_us(current.bins, 0.5) / quantile_us(reference.bins, 0.5)
    return f"{ratio:.1f} times of {sum(reference.bins.values())}" if ratio > 2 else None


def judged(
    known: Known,
    arrivals: Iterable[tuple[int, BeatStats]],
    judge: Callable[[BeatStats, BeatStats], str | None] = slow,
) -> tuple[Known, Verdict]:
    return judge_subject(known, arrivals, BEATS, MIN_SAMPLES, judge)


def windows(count: int, median_ms: float, first: int = 0, samples: int = 4) -> list[tuple[int, BeatStats]]:
    stats = beat(durations(samples, median_ms)) if samples else BeatStats(started=1)
    return [((first + number) * WINDOW_MS, stats) for number in range(count)]


def learned(count: int = 100) -> Known:
    return Learned(beat(durations(count, HEALTHY_MS)), 1)


def slowest_ms(known: Known) -> float:
    return quantile_us(known.reference.bins, 1.0) / 1000


PIECES = st.lists(
    st.tuples(
        st.integers(1, 12),  # windows
        st.sampled_from([HEALTHY_MS, FAULTY_MS]),
        st.sampled_from([0, 1, 4, 15]),  # executions a window
    ),
    max_size=8,
)


@given(PIECES, st.integers(0, 100), st.data())
def test_window_by_window_equals_all_at_once(
    pieces: list[tuple[int, float, int]], known: int, data: st.DataObject
) -> None:
    arrivals: list[tuple[int, BeatStats]] = []
    for count, median_ms, samples in pieces:
        arrivals += windows(count, median_ms, len(arrivals), samples)
    cuts = data.draw(st.lists(st.integers(0, len(arrivals)), max_size=10).map(sorted))
    in_pieces, verdict = learned(known), None
    for start, end in zip([0, *cuts], [*cuts, len(arrivals)], strict=True):
        in_pieces, verdict = judged(in_pieces, arrivals[start:end])
    assert (in_pieces, verdict) == judged(learned(known), arrivals)


def test_a_large_fault_shows_as_soon_as_the_short_span_holds_it() -> None:
    known, verdict = judged(learned(), windows(20, HEALTHY_MS))
    assert verdict is None
    found = []
    for number in range(20, 24):
        known, verdict = judged(known, windows(1, FAULTY_MS, number))
        found.append(verdict is not None)
    assert found == [False, True, True, True]  # the short span holds three windows of four


def test_a_faulty_window_is_never_learned() -> None:
    known, verdict = judged(learned(), windows(20, HEALTHY_MS))
    assert verdict is None
    for number in range(20, 400):
        known, verdict = judged(known, windows(1, FAULTY_MS, number))
        assert slowest_ms(known) < 2 * HEALTHY_MS
        if number > 20:
            assert verdict is not None
    known, verdict = judged(known, windows(50, HEALTHY_MS, 400))
    assert verdict is None
    assert slowest_ms(known) < 2 * HEALTHY_MS


def test_a_healthy_window_is_learned_once_when_newer_ones_fill_the_long_span() -> None:
    known, _ = judged(learned(0), windows(30, HEALTHY_MS))
    waiting = LONG_SPAN * MIN_SAMPLES // 4
    assert (known.windows, len(known.recent)) == (1 + 30 - waiting, waiting)
    assert known.reference.completed == 4 * (30 - waiting)


def test_recovery_ends_the_verdict() -> None:
    known, verdict = judged(learned(), windows(30, FAULTY_MS))
    assert verdict is not None
    lasted = 0
    while verdict is not None:
        known, verdict = judged(known, windows(1, HEALTHY_MS, 30 + lasted))
        lasted += 1
    assert lasted * 4 <= LONG_SPAN * MIN_SAMPLES
    # And it does not come back.
    assert judged(known, windows(30, HEALTHY_MS, 30 + lasted))[1] is None


def test_a_verdict_stands_while_nothing_new_comes() -> None:
    known, verdict = judged(learned(), windows(10, FAULTY_MS))
    assert verdict is not None
    again, same = judged(known, [])
    assert (again, same) == (known, verdict)
    assert judged(learned(), []) == (learned(), None)


def test_a_verdict_that_new_limits_no_longer_allow_ends_without_new_windows() -> None:
    known, _ = judged(learned(), windows(10, FAULTY_MS))
    assert judged(known, [], lambda current, reference: None)[1] is None


def test_while_too_little_is_learned_what_waits_to_be_learned_is_the_reference() -> None:
    _, verdict = judged(learned(0), windows(4, HEALTHY_MS) + windows(4, FAULTY_MS, 4))
    assert verdict is not None
    assert verdict.verdict.endswith("of 12")  # the last healthy window was in the short span with the fault


def test_when_enough_is_learned_what_waits_to_be_learned_is_no_reference() -> None:
    """A fault that begins small must not become its own normal."""
    known, _ = judged(learned(100), windows(4, HEALTHY_MS))
    assert known.windows == 1
    _, verdict = judged(known, windows(4, FAULTY_MS, 4))
    assert verdict is not None
    assert verdict.verdict.endswith("of 100")


def test_a_verdict_is_dated_by_the_windows_on_which_it_fell() -> None:
    _, verdict = judged(learned(), windows(10, HEALTHY_MS) + windows(10, FAULTY_MS, 10, samples=15))
    assert verdict is not None
    assert (verdict.first_ms, verdict.last_ms) == (10 * WINDOW_MS, 19 * WINDOW_MS)


def test_a_window_that_comes_late_is_dated_by_its_own_time() -> None:
    known, _ = judged(learned(), windows(2, FAULTY_MS, 10, samples=15))
    _, verdict = judged(known, windows(1, FAULTY_MS, 3, samples=15))
    assert verdict is not None
    assert (verdict.first_ms, verdict.last_ms) == (3 * WINDOW_MS, 11 * WINDOW_MS)


@pytest.mark.parametrize(
    "arrivals",
    [
        pytest.param(windows(1000, HEALTHY_MS, samples=0), id="beats that only start"),
        pytest.param(
            [(number, beat((), failed=5)) for number in range(1000)], id="beats of which each execution fails"
        ),
        pytest.param(windows(1000, FAULTY_MS), id="a fault without end"),
        pytest.param(windows(1000, HEALTHY_MS), id="healthy beats"),
    ],
)
def test_the_state_is_bounded(arrivals: list[tuple[int, BeatStats]]) -> None:
    known, _ = judged(learned(), arrivals)
    assert len(known.recent) <= MAX_RECENT
    one_by_one = learned()
    for arrival in arrivals[: MAX_RECENT + 50]:
        one_by_one, _ = judged(one_by_one, [arrival])
        assert len(one_by_one.recent) <= MAX_RECENT


def test_the_state_is_bounded_for_runs_that_never_complete_and_errors_of_beats_that_never_end() -> None:
    failing = [(number, runs({}, failed=3)) for number in range(500)]
    known, _ = judge_subject(Learned(RunStats()), failing, RUNS, MIN_SAMPLES, lambda current, reference: None)
    assert len(known.recent) == MAX_RECENT
    assert known.reference.failed == 3 * (500 - MAX_RECENT)
    idle = [(number, ErrorRate()) for number in range(500)]
    rates, _ = judge_subject(Learned(ErrorRate()), idle, ERRORS, MIN_SAMPLES, lambda current, reference: None)
    assert len(rates.recent) == MAX_RECENT


@given(PIECES)
def test_the_inputs_are_not_changed(pieces: list[tuple[int, float, int]]) -> None:
    known = Learned(beat(durations(100, HEALTHY_MS)), 1, [Recent(0, beat(durations(4, FAULTY_MS)))])
    arrivals: list[tuple[int, BeatStats]] = []
    for count, median_ms, samples in pieces:
        arrivals += windows(count, median_ms, len(arrivals), samples)
    before = msgspec.json.encode((known, arrivals))
    state, _ = judged(known, arrivals)
    judged(state, arrivals)
    assert msgspec.json.encode((known, arrivals)) == before


def test_a_baseline_of_logs_takes_everything_as_healthy() -> None:
    parts = [
        Window(
            number * WINDOW_MS,
            beats={BEAT: beat(durations(5, HEALTHY_MS), failed=number % 2)},
            runs={"cart-symphony": runs({("cart:add",): 5})},
            errors={ERROR: errors(1)} if number % 2 else {},
        )
        for number in range(10)
    ]
    random.Random(1).shuffle(parts)
    baseline = baseline_of(metrics(*parts))
    total = merged(parts, 0)
    assert baseline.beats[BEAT] == Learned(total.beats[BEAT], 10)
    assert baseline.runs["cart-symphony"] == Learned(total.runs["cart-symphony"], 10)
    # Of all executions, not only of those in the windows that hold an error.
    rate = baseline.errors[ERROR].reference
    assert (rate.errors, rate.executions, rate.windows) == (total.errors[ERROR], 55, 10)
