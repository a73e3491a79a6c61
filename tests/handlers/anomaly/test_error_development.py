"""How a group of errors develops in windows that come one after the other: one anomaly, of the right kind."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Detect
from handlers.anomaly.baseline import Baseline, Learned, baseline_of
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.metrics import add_beats
from handlers.model import BeatStats, ErrorAnomaly, ErrorKey, ErrorStats, Origin, Window
from tests.handlers.anomaly.builders import BEAT, ERROR, WINDOW_MS, metrics

LIMITS = Detect()
UNKNOWN: ErrorKey = ("", "", *ERROR[2:])
LEARNED = 1500
Counts = Callable[[random.Random, int], int]


def window(number: int, count: int, executions: int = 20, key: ErrorKey = ERROR) -> Window:
    start_ms = (number + 1) * WINDOW_MS
    errors = ErrorStats("CartPlugin", "addItem", "f", count, (Origin(start_ms, 1, number),))
    beats = {BEAT: BeatStats(completed=executions)} if executions else {}
    return Window(start_ms, beats=beats, errors={key: errors} if count else {})


def detected(baseline: Baseline, windows: Sequence[Window]) -> tuple[tuple[ErrorAnomaly, ...], Baseline]:
    """One detection, and what is known after it."""
    seen = [each for each in windows if each.beats or each.errors]
    found = detect_error_patterns(metrics(*seen), baseline=baseline, limits=LIMITS)
    beats = {
        key: Learned(BeatStats(completed=each.reference.completed)) for key, each in baseline.beats.items()
    }
    for each in seen:
        for key, stats in each.beats.items():
            add_beats(beats.setdefault(key, Learned(BeatStats())).reference, stats)
    until_ms = max([baseline.judged_until_ms, *(each.start_ms + WINDOW_MS for each in seen)])
    return found.anomalies, Baseline(until_ms, beats, {}, found.errors)


def told(learned: Sequence[Window], later: Sequence[Window]) -> list[tuple[int, ErrorAnomaly]]:
    """(number of the window, anomaly) of all that is told, one detection a window."""
    baseline = baseline_of(metrics(*(each for each in learned if each.beats or each.errors)))
    baseline.judged_until_ms = max(each.start_ms for each in learned) + WINDOW_MS
    found: list[tuple[int, ErrorAnomaly]] = []
    for number, each in enumerate(later):
        anomalies, baseline = detected(baseline, [each])
        found += [(number, anomaly) for anomaly in anomalies]
    return found


def kinds(found: list[tuple[int, ErrorAnomaly]]) -> list[str]:
    """The kinds one after the other."""
    names = [anomaly.kind for _, anomaly in found]
    return [name for before, name in zip(["", *names], names, strict=False) if name != before]


def binomial(rng: random.Random, executions: int, share: float) -> int:
    return sum(rng.random() < share for _ in range(executions))


def both(
    counts: Counts, later: int, executions: int = 20, key: ErrorKey = ERROR, seed: int = 1
) -> list[tuple[int, ErrorAnomaly]]:
    rng = random.Random(seed)
    windows = [window(i, counts(rng, i), executions, key) for i in range(LEARNED + later)]
    return told(windows[:LEARNED], windows[LEARNED:])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("counts", "executions", "key"),
    [
        pytest.param(lambda rng, _: binomial(rng, 20, 0.1), 20, ERROR, id="one in ten executions"),
        pytest.param(lambda rng, _: binomial(rng, 20, 0.01), 20, ERROR, id="one in a hundred"),
        pytest.param(lambda rng, _: binomial(rng, 10, 0.001), 10, ERROR, id="one in a thousand"),
        pytest.param(lambda rng, _: 4 * binomial(rng, 5, 0.02), 20, ERROR, id="always four at once"),
        pytest.param(
            lambda rng, _: binomial(rng, 10, 0.02), 0, ERROR, id="of a handler that never completes"
        ),
        pytest.param(lambda rng, _: binomial(rng, 10, 0.02), 20, UNKNOWN, id="that belong to no beat"),
    ],
)
def test_errors_that_are_as_frequent_as_ever_are_silent(
    counts: Counts, executions: int, key: ErrorKey, seed: int
) -> None:
    assert both(counts, 1000, executions, key, seed) == []


def test_known_errors_that_stop_are_silent() -> None:
    assert both(lambda rng, i: binomial(rng, 20, 0.1) if i < LEARNED else 0, 200) == []


def test_many_errors_in_a_moment_are_a_burst_although_they_are_as_frequent_in_the_long_run() -> None:
    def counts(rng: random.Random, number: int) -> int:
        later = number - LEARNED
        if 50 <= later < 52:
            return 12
        return 0 if -50 < later < 170 else binomial(rng, 20, 0.05)

    found = both(counts, 200)
    assert kinds(found) == ["burst"]
    number, anomaly = found[0]
    assert number == 50
    assert "addItem fails in 12 of 20 executions within 10.0 s (" in anomaly.description
    assert max(number for number, _ in found) < 56


def test_a_burst_that_lasts_is_more_frequent_and_the_same_anomaly() -> None:
    found = both(lambda rng, i: binomial(rng, 20, 0.02 if i < LEARNED + 20 else 0.5), 60)
    assert kinds(found) == ["burst", "more-frequent"]
    assert len({anomaly.id for _, anomaly in found}) == 1
    assert {number for number, _ in found} >= {*range(25, 60)}


def test_what_is_more_frequent_by_little_shows_in_the_long_run() -> None:
    found = both(lambda rng, i: binomial(rng, 20, 0.01 if i < LEARNED + 50 else 0.04), 500)
    assert {"more-frequent"} <= set(kinds(found)) <= {"more-frequent", "growing", "burst"}


def test_errors_that_become_more_and_more_grow() -> None:
    found = both(lambda rng, i: binomial(rng, 20, 0.01 * (1 + max(0, i - LEARNED) / 300)), 1200)
    assert "growing" in kinds(found)
    anomaly = next(anomaly for _, anomaly in found if anomaly.kind == "growing")
    assert "before, and more and more since) with TypeError: item <*> is null" in anomaly.description
    assert anomaly.actual > anomaly.limit > anomaly.expected
    assert anomaly.interval[0] < anomaly.actual < anomaly.interval[1]


def test_what_grew_and_stops_is_over() -> None:
    def counts(rng: random.Random, number: int) -> int:
        later = number - LEARNED
        return 0 if later > 900 else binomial(rng, 20, 0.01 * (1 + max(0, later) / 300))

    found = both(counts, 1100)
    assert found
    assert max(number for number, _ in found) < 1000


def test_a_new_group_that_was_gone_comes_back_until_it_is_known_to_come_and_go() -> None:
    at = (100, 101, 300, 301, 500, 501, 700, 900)
    found = both(lambda _, i: 3 if i - LEARNED in at else 0, 1000)
    assert kinds(found) == ["new", "came-back"]
    assert {number // 100 for number, _ in found} == {1, 3, 5}
    back = next(anomaly for _, anomaly in found if anomaly.kind == "came-back")
    assert back.description.startswith("addItem fails in 3 of 20 executions (again, after 33.2 min without)")
    assert len({anomaly.id for _, anomaly in found}) == 1


def test_a_group_that_comes_and_goes_is_told_again_when_it_is_worse() -> None:
    sizes = {100: 3, 300: 3, 500: 3, 700: 12}
    found = both(lambda _, i: sizes.get(i - LEARNED, 0), 800)
    assert max(number for number, _ in found) >= 700


@pytest.mark.parametrize("seed", range(3))
def test_rare_errors_of_a_steady_rate_are_not_called_more_frequent_once_they_are_known(seed: int) -> None:
    """What was told of them is never learned: the reference alone knows too few."""
    rng = random.Random(seed)
    found = told(
        [window(number, 0) for number in range(20)],
        [window(number, binomial(rng, 20, 0.005)) for number in range(20, 1500)],
    )
    assert kinds(found) == ["new", "came-back"]
    assert max(number for number, _ in found) < 1000


def test_a_pause_shorter_than_the_hold_time_is_no_return() -> None:
    found = both(lambda _, i: 3 if i - LEARNED in (100, 120) else 0, 200)
    assert kinds(found) == ["new"]


def test_errors_of_a_handler_that_never_completes_are_counted_in_time() -> None:
    found = both(lambda rng, i: binomial(rng, 10, 0.02 if i < LEARNED + 20 else 0.3), 60, executions=0)
    assert kinds(found)[-1] == "more-frequent"
    anomaly = found[-1][1]
    assert (anomaly.unit, anomaly.executions, anomaly.severity) == ("errors/minute", 0, "medium")
    assert "a minute before) with TypeError" in anomaly.description
    assert anomaly.interval[0] < anomaly.actual < anomaly.interval[1]


def test_errors_that_belong_to_no_beat_are_counted_among_all_executions() -> None:
    found = both(lambda _, i: 2 if i == LEARNED + 5 else 0, 10, key=UNKNOWN)
    assert found[0][1].description.startswith(
        "addItem has 2 errors in 20 executions of all handlers (none in"
    )


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from([0, 0, 0, 0, 1, 2, 9]), min_size=20, max_size=120),
    st.sets(st.integers(1, 119), max_size=6),
    st.sampled_from([(20, ERROR), (0, ERROR), (20, UNKNOWN), (0, UNKNOWN)]),
)
def test_the_same_windows_in_one_detection_or_many_come_to_the_same(
    counts: list[int], cuts: set[int], subject: tuple[int, ErrorKey]
) -> None:
    windows = [window(number, count, *subject) for number, count in enumerate(counts)]
    anomalies, whole = detected(Baseline(), windows)
    borders = [0, *sorted(cut for cut in cuts if cut < len(windows)), len(windows)]
    parts: tuple[ErrorAnomaly, ...] = ()
    known = Baseline()
    for start, end in itertools.pairwise(borders):
        parts, known = detected(known, windows[start:end])
    assert parts == anomalies
    assert known.errors == whole.errors
