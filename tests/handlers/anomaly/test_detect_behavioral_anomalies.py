"""Runs are held against the declared sequence, else against what healthy runs did."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping

import pytest

from config.settings import Detect
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.detect_behavioral_anomalies import detect_behavioral_anomalies
from handlers.model import BehavioralAnomaly, EventKind, RunStats, Sequence, Window
from handlers.telemetry.aggregate_telemetry_metrics import aggregate_telemetry_metrics
from tests.handlers.anomaly.builders import WINDOW_MS, learned, metrics, runs
from tests.handlers.rows import NormalizedEvent, normalized_columns

Path = tuple[str, ...]

CART = "cart-symphony"
PATH: Path = ("select", "price", "reserve", "pay")
DECLARED = Sequence(CART, "Cart", "CartPlugin", PATH, "cart.json")


def detected(
    baseline: RunStats,
    current: RunStats,
    declared: bool = True,
    limits: Mapping[str, float | bool] | None = None,
) -> tuple[BehavioralAnomaly, ...]:
    return detect_behavioral_anomalies(
        metrics(Window(WINDOW_MS, runs={CART: current})),
        baseline=learned(Window(0, runs={CART: baseline})),
        limits=Detect.model_validate(limits or {}),
        sequences=(DECLARED,) if declared else (),
    ).anomalies


BOTH = pytest.mark.parametrize(
    "declared",
    [pytest.param(True, id="against the declaration"), pytest.param(False, id="against healthy runs")],
)


@BOTH
@pytest.mark.parametrize(
    ("path", "kind", "beats", "says"),
    [
        pytest.param(
            ("select", "price", "pay"),
            "missing",
            ("reserve",),
            "left out beat 3 (reserve)",
            id="a beat is missing",
        ),
        pytest.param(
            ("select", "price", "reserve", "audit", "pay"),
            "extra",
            ("audit",),
            "played audit after beat 3 (reserve), which does not belong to it",
            id="a beat is extra",
        ),
        pytest.param(
            ("select", "price", "price", "reserve", "pay"),
            "repeated",
            ("price",),
            "played beat 2 (price) more often than it should",
            id="a beat is repeated",
        ),
        pytest.param(
            ("select", "reserve", "price", "pay"),
            "out-of-order",
            ("price", "reserve"),
            "played beats 2 (price) and 3 (reserve) out of order",
            id="two beats are out of order",
        ),
    ],
)
def test_a_deviation_is_told_with_its_beats(
    path: Path, kind: str, beats: tuple[str, ...], says: str, declared: bool
) -> None:
    (anomaly,) = detected(runs({PATH: 40}), runs({PATH: 10, path: 10}), declared)
    assert (anomaly.kind, anomaly.beats, anomaly.event) == (kind, beats, beats[0])
    assert (anomaly.declared, anomaly.observed) == (PATH, path)
    assert f"10 of 20 runs of {CART} {says}" in anomaly.description
    assert (anomaly.actual, anomaly.expected, anomaly.unit) == (0.5, 0.0, "runs/run")
    assert anomaly.limit == 0.1  # two of twenty
    assert anomaly.interval[0] < 0.5 < anomaly.interval[1]
    assert (anomaly.samples, anomaly.baseline_samples) == (20, 40)
    assert anomaly.expected_from == ("definition" if declared else "baseline")
    assert anomaly.plugin == ("CartPlugin" if declared else "")
    assert [origin.offset for origin in anomaly.origins] == [1]  # runs that deviate, not healthy ones
    assert (anomaly.first_seen_ms, anomaly.last_seen_ms) == (WINDOW_MS, 2 * WINDOW_MS)
    assert anomaly.severity == "critical"


@BOTH
def test_two_kinds_of_deviation_are_two_anomalies(declared: bool) -> None:
    mixed = runs({PATH[1:]: 10, (*PATH, "audit"): 5})
    found = detected(runs({PATH: 40}), mixed, declared)
    assert {(each.kind, each.actual) for each in found} == {("extra", 5 / 15), ("missing", 10 / 15)}
    assert len({each.id for each in found}) == 2


def test_deviations_of_one_kind_are_one_anomaly_that_shows_the_most_frequent_path() -> None:
    (anomaly,) = detected(runs({PATH: 40}), runs({PATH[1:]: 5, PATH[:3]: 10}))
    assert (anomaly.actual, anomaly.beats) == (1.0, ("pay",))


def test_a_broken_declaration_needs_no_healthy_runs() -> None:
    (anomaly,) = detected(runs({}), runs({PATH[1:]: 10}))
    assert anomaly.baseline_samples == 0


def test_without_declaration_and_healthy_runs_nothing_is_claimed() -> None:
    assert detected(runs({}), runs({PATH[1:]: 10}), declared=False) == ()


@BOTH
@pytest.mark.parametrize(
    ("baseline", "current", "limits"),
    [
        pytest.param({PATH: 40}, {PATH: 200}, {}, id="healthy runs"),
        pytest.param({PATH: 40}, {PATH: 9, PATH[1:]: 1}, {}, id="one run is not enough"),
        pytest.param(
            {PATH: 40}, {PATH: 5, PATH[1:]: 5}, {"behavioral_min_runs": 6}, id="fewer than the operator wants"
        ),
        pytest.param({PATH: 90, PATH[1:]: 10}, {PATH: 90, PATH[1:]: 10}, {}, id="as frequent as before"),
        pytest.param({PATH: 90, PATH[1:]: 10}, {PATH: 9, PATH[1:]: 3}, {}, id="more frequent by chance"),
        pytest.param({PATH: 90, PATH[1:]: 10}, {PATH: 100, PATH[1:]: 3}, {}, id="less frequent than before"),
        pytest.param({PATH: 40}, {PATH[1:]: 20}, {"behavioral": False}, id="switched off"),
    ],
)
def test_silent(
    baseline: dict[Path, int], current: dict[Path, int], limits: dict[str, float | bool], declared: bool
) -> None:
    assert detected(runs(baseline), runs(current), declared, limits) == ()


def test_two_runs_are_enough_for_a_broken_declaration() -> None:
    assert detected(runs({PATH: 40}), runs({PATH: 8, PATH[1:]: 2}))


@pytest.mark.parametrize(
    ("before", "declared"),
    [
        pytest.param({PATH: 90, PATH[1:]: 10}, True, id="against the declaration"),
        pytest.param(
            {PATH: 199, PATH[1:]: 1}, False, id="against healthy runs, of which it is no usual path"
        ),
    ],
)
def test_a_deviation_that_became_more_frequent_is_found(before: dict[Path, int], declared: bool) -> None:
    (anomaly,) = detected(runs(before), runs({PATH: 60, PATH[1:]: 40}), declared)
    assert anomaly.actual == 0.4
    assert anomaly.expected == before[PATH[1:]] / sum(before.values())


def test_each_of_several_usual_paths_is_normal() -> None:
    usual = {PATH: 60, (*PATH, "gift"): 40}
    assert detected(runs(usual), runs({(*PATH, "gift"): 50}), declared=False) == ()
    (anomaly,) = detected(runs(usual), runs({PATH[1:]: 10, PATH: 10}), declared=False)
    assert (anomaly.kind, anomaly.expected) == ("missing", 0.0)
    (anomaly,) = detected(runs(usual), runs({(*PATH, "audit"): 10, PATH: 10}), declared=False)
    assert (anomaly.kind, anomaly.beats, anomaly.expected) == ("extra", ("audit",), 0.0)


@pytest.mark.parametrize(
    ("share", "found"),
    [
        pytest.param(20, False, id="every fifth healthy run took it: it is normal, however frequent"),
        pytest.param(2, True, id="2 % of the healthy runs took it: all of them now is news"),
        pytest.param(1, True, id="1 % of the healthy runs took it"),
        pytest.param(0, True, id="no healthy run took it"),
    ],
)
def test_without_a_declaration_a_path_is_normal_that_healthy_runs_took(share: int, found: bool) -> None:
    healthy = runs({PATH: 100 - share, PATH[1:]: share} if share else {PATH: 100})
    assert bool(detected(healthy, runs({PATH[1:]: 50}), declared=False)) is found


def test_a_sequence_whose_healthy_runs_have_no_beats_is_silent_and_beats_in_it_are_extra() -> None:
    assert detected(runs({(): 40}), runs({(): 40}), declared=False) == ()
    (anomaly,) = detected(runs({(): 40}), runs({("audit",): 20}), declared=False)
    assert (anomaly.kind, anomaly.beats) == ("extra", ("audit",))


def played(endings: Mapping[EventKind, int], beats: Path) -> RunStats:
    """The runs of one log as they are counted: each plays the beats and then ends in the given way."""
    events: list[NormalizedEvent] = []

    def tell(kind: EventKind, run: str = "", event: str = "") -> None:
        events.append(
            NormalizedEvent(
                kind=kind,
                at_ms=len(events),
                source=1,
                offset=len(events),
                sequence=CART,
                run=run,
                event=event,
                plugin="",
                handler="",
                beat=0,
                duration_us=None,
                failed=False,
                error_type="",
                error_template="",
                error_frame="",
            )
        )

    for ending, count in endings.items():
        for number in range(count):
            run = f"{ending} {number}"
            tell("run-started", run)
            for beat in beats:
                tell("beat-started", run, beat)
                tell("beat-completed", run, beat)
            tell(ending, run)
    counted = aggregate_telemetry_metrics(
        normalized_columns(events),
        runs={},
        watermarks_ms={},
        window_ms=WINDOW_MS,
        run_timeout_ms=WINDOW_MS,
        at_end=False,
    )
    return counted.metrics.windows[0].runs[CART]


@BOTH
@pytest.mark.parametrize(
    ("ending", "found"),
    [
        pytest.param("run-completed", True, id="completed runs are evidence"),
        pytest.param("run-failed", False, id="runs that an error ended are none"),
        pytest.param("restarted", False, id="runs that a restart ended are none"),
    ],
)
def test_only_completed_runs_are_evidence(ending: EventKind, found: bool, declared: bool) -> None:
    current = played({ending: 20}, PATH[:2])
    assert current.completed + current.failed + current.unfinished == 20
    assert bool(detected(runs({PATH: 40}), current, declared)) is found


@BOTH
def test_a_run_that_has_not_ended_is_no_evidence(declared: bool) -> None:
    current = played({"run-completed": 20, "beat-started": 20}, PATH)
    assert current.completed == 20
    assert detected(runs({PATH: 40}), current, declared) == ()


def test_a_rare_path_that_stays_rare_is_silent() -> None:
    healthy = runs({PATH: 98, PATH[1:]: 2})
    assert detected(healthy, runs({PATH: 49, PATH[1:]: 1}), declared=False) == ()


@pytest.mark.parametrize("seed", range(2))
def test_rare_retries_of_a_steady_rate_are_silent_however_often_they_are_judged(seed: int) -> None:
    rng, again = random.Random(seed), ("select", "price", "price", "reserve", "pay")
    known, found = Baseline(), list[str]()
    for number in range(700):
        retried = sum(rng.random() < 0.01 for _ in range(20))
        paths = {PATH: 20 - retried, again: retried} if retried else {PATH: 20}
        window = Window(number * WINDOW_MS, runs={CART: runs(paths)})
        result = detect_behavioral_anomalies(metrics(window), baseline=known, limits=Detect())
        found += [f"{number}: {each.description}" for each in result.anomalies]
        known = Baseline(runs=result.runs)
    assert found == []


def test_beats_in_free_order_are_silent_although_no_path_is_usual() -> None:
    orders = list(itertools.permutations(PATH))
    healthy = runs(dict.fromkeys(orders, 6))
    assert detected(healthy, runs(dict.fromkeys(reversed(orders), 6)), declared=False) == ()
