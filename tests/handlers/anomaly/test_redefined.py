"""A definition that changes while its sequence is watched: the verdicts follow the one in force."""

from __future__ import annotations

from msgspec.structs import replace

from config.settings import Detect
from handlers.anomaly.baseline import RUNS, Baseline
from handlers.anomaly.baseline_operations import accepted
from handlers.anomaly.detect_behavioral_anomalies import DetectedBehavior, detect_behavioral_anomalies
from handlers.model import RunStats, Sequence, Window
from tests.handlers.anomaly.builders import WINDOW_MS, metrics, runs

CART = "cart-symphony"
PLAYED = ("select", "price", "reserve", "pay")
SWAPPED = ("select", "reserve", "price", "pay")
LIMITS = Detect()


def judged(
    windows: dict[int, RunStats], declared: tuple[str, ...] | None, before: DetectedBehavior | None = None
) -> DetectedBehavior:
    """The windows, by number, judged after `before`."""
    return detect_behavioral_anomalies(
        metrics(*(Window(at * WINDOW_MS, runs={CART: stats}) for at, stats in windows.items())),
        baseline=Baseline(runs=before.runs if before else {}),
        limits=LIMITS,
        sequences=(Sequence(CART, "Cart", "CartPlugin", declared),) if declared else (),
    )


def played(first: int, last: int, *paths: tuple[str, ...]) -> dict[int, RunStats]:
    return {at: runs(dict.fromkeys(paths or (PLAYED,), 5)) for at in range(first, last)}


def test_runs_that_go_on_as_ever_break_a_new_definition_at_once() -> None:
    learned = judged(played(0, 20), PLAYED)
    assert not learned.anomalies
    (anomaly,) = judged({}, SWAPPED, learned).anomalies
    assert (anomaly.kind, anomaly.declared, anomaly.observed) == ("out-of-order", SWAPPED, PLAYED)
    assert (anomaly.actual, anomaly.expected_from) == (1.0, "definition")


def test_a_first_definition_is_asked_for_what_was_learned_without_one() -> None:
    learned = judged(played(0, 20), None)
    (anomaly,) = judged(played(20, 21), SWAPPED, learned).anomalies
    assert anomaly.kind == "out-of-order"


def test_it_stays_told_until_the_runs_follow_or_the_definition_is_taken_back() -> None:
    broken = judged(played(20, 22), SWAPPED, judged(played(0, 20), PLAYED))
    assert judged(played(22, 60), SWAPPED, broken).anomalies
    assert not judged(played(22, 23), PLAYED, broken).anomalies
    assert not judged(played(22, 30, SWAPPED), SWAPPED, broken).anomalies


def test_runs_that_follow_the_new_definition_are_silent() -> None:
    learned = judged(played(0, 20), PLAYED)
    changed = judged(played(20, 30, SWAPPED), SWAPPED, learned)
    assert not judged(played(30, 60, SWAPPED), SWAPPED, changed).anomalies


def test_what_broke_the_definition_before_in_the_same_way_is_no_news() -> None:
    twice = ("select", "price", "price", "reserve", "reserve", "pay")
    # Healthy by an operator's word, under a definition that says otherwise.
    known = accepted(judged(played(0, 4, twice), PLAYED).runs[CART], RUNS)
    learned = judged(played(4, 20, twice), PLAYED, DetectedBehavior((), {CART: known}))
    assert not learned.anomalies
    half_way = ("select", "price", "price", "reserve", "pay")
    assert not judged(played(20, 21, twice), half_way, learned).anomalies


def test_what_is_not_known_to_have_been_judged_by_another_definition_stays_as_it_is() -> None:
    learned = judged(played(0, 20), SWAPPED)
    stored_before = replace(accepted(learned.runs[CART], RUNS), declared=None)
    assert not judged(played(20, 30), SWAPPED, DetectedBehavior((), {CART: stored_before})).anomalies
