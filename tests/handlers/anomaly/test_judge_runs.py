"""Runs that hang, beats that come late, sequences that nothing knows, and concurrency."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from config.settings import Detect
from handlers.anomaly.baseline import Learned
from handlers.anomaly.behavior import Behavior, Expectation
from handlers.anomaly.detect_behavioral_anomalies import detect_behavioral_anomalies
from handlers.anomaly.judge_runs import judge_runs
from handlers.anomaly.learned_paths import model_of
from handlers.metrics import MAX_VARIANTS, Stop, add_runs
from handlers.model import BehavioralAnomaly, RunStats, Sequence, Window
from tests.benchmarks.quality.processes import interleaved
from tests.handlers.anomaly.builders import (
    WINDOW_MS,
    durations,
    hanging,
    learned,
    metrics,
    runs,
    waiting,
)

CART = "cart-symphony"
PATH = ("select", "price", "reserve", "pay")
IN_RESERVE = Stop(3, "reserve", is_inside=True)
AFTER_PRICE = Stop(2, "price", is_inside=False)


def judged(
    current: RunStats, reference: RunStats, declared: bool = False, strange: str = ""
) -> tuple[Behavior, ...]:
    expectation = Expectation(PATH if declared else None, strange)
    return judge_runs(current, reference, expectation, Detect())


def healthy() -> RunStats:
    return runs({PATH: 400})


class TestUnfinished:
    @pytest.mark.parametrize(
        ("stops", "says", "events"),
        [
            pytest.param({IN_RESERVE: 10}, "they stop in beat 3 (reserve)", ("reserve",), id="in a beat"),
            pytest.param({AFTER_PRICE: 10}, "they stop after beat 2 (price)", ("price",), id="after a beat"),
            pytest.param(
                {Stop(0, "", is_inside=False): 10}, "they stop before the first beat", (), id="at the start"
            ),
            pytest.param(
                {IN_RESERVE: 8, AFTER_PRICE: 2},
                "8 of them stop in beat 3 (reserve)",
                ("reserve",),
                id="most in one beat",
            ),
        ],
    )
    def test_runs_name_the_beat_in_which_they_hang(
        self, stops: dict[Stop, int], says: str, events: tuple[str, ...]
    ) -> None:
        (found,) = judged(hanging(runs({PATH: 10}), stops), healthy())
        assert (found.kind, found.says, found.events) == ("unfinished", f"never ended: {says}", events)
        assert (found.runs, found.of, found.base_runs, found.base_of) == (10, 20, 0, 400)
        assert found.confidence > 0.999
        assert {origin.offset for origin in found.origins} <= {100, 101}

    @pytest.mark.parametrize(
        ("current", "reference"),
        [
            pytest.param(hanging(runs({PATH: 20}), {IN_RESERVE: 1}), healthy(), id="one run is not enough"),
            pytest.param(
                hanging(runs({PATH: 10}), {IN_RESERVE: 10}), runs({}), id="while nothing is learned"
            ),
            pytest.param(
                hanging(runs({PATH: 90}), {IN_RESERVE: 10}),
                hanging(runs({PATH: 360}), {AFTER_PRICE: 40}),
                id="healthy runs hang as often",
            ),
            pytest.param(runs({PATH: 10}, unfinished=10), healthy(), id="a restart cut them off"),
            pytest.param(runs({PATH: 10}, failed=10), healthy(), id="they failed, which their errors tell"),
        ],
    )
    def test_silent(self, current: RunStats, reference: RunStats) -> None:
        assert judged(current, reference) == ()

    def test_runs_that_all_hang_are_found_although_none_completes(self) -> None:
        quiet = [hanging(RunStats(), {IN_RESERVE: 5}) for _ in range(6)]
        windows = [Window((number + 1) * WINDOW_MS, runs={CART: each}) for number, each in enumerate(quiet)]
        found = detect_behavioral_anomalies(
            metrics(*windows), baseline=learned(Window(0, runs={CART: healthy()})), limits=Detect()
        ).anomalies
        assert [(each.kind, each.actual) for each in found] == [("unfinished", 1.0)]


class TestTooLate:
    @staticmethod
    def reference(median_ms: float = 20.0) -> RunStats:
        return waiting(healthy(), "pay", durations(400, median_ms, sigma=0.3))

    def test_a_beat_is_told_with_its_wait_and_number(self) -> None:
        current = waiting(runs({PATH: 40}), "pay", durations(40, 120.0, sigma=0.3))
        (found,) = judged(current, self.reference())
        assert (found.kind, found.events) == ("too-late", ("pay",))
        assert found.says.startswith("beat 4 (pay) comes ")
        assert found.wait is not None
        assert found.wait.actual_ms == pytest.approx(120, rel=0.05)
        assert found.wait.limit_ms == pytest.approx(30, rel=0.05)
        assert found.wait.interval_ms[0] > found.wait.limit_ms
        assert [origin.offset for origin in found.origins] == [39, 38, 37]  # the longest waits

    @pytest.mark.parametrize(
        "current",
        [
            pytest.param(waiting(runs({PATH: 40}), "pay", durations(40, 25.0)), id="within the limit"),
            pytest.param(waiting(runs({PATH: 9}), "pay", durations(9, 120.0)), id="too few"),
            pytest.param(
                waiting(runs({PATH: 40}), "pay", durations(40, 33.0, sigma=1.0)), id="within the noise"
            ),
            pytest.param(
                waiting(runs({PATH: 40}), "audit", durations(40, 99.0)), id="never waited for before"
            ),
        ],
    )
    def test_silent(self, current: RunStats) -> None:
        assert judged(current, self.reference()) == ()

    def test_a_wait_that_healthy_runs_have_now_and_then_is_none(self) -> None:
        sometimes = [*durations(300, 20.0), *durations(100, 200.0)]
        current = waiting(runs({PATH: 40}), "pay", durations(40, 150.0))
        assert judged(current, waiting(healthy(), "pay", sometimes)) == ()

    def test_what_the_machine_takes_to_go_on_is_no_wait(self) -> None:
        current = waiting(runs({PATH: 40}), "pay", durations(40, 9.0))
        assert judged(current, self.reference(0.6)) == ()

    def test_beside_a_beat_that_is_left_out_it_is_no_second_alarm(self) -> None:
        current = waiting(runs({PATH[:2] + PATH[3:]: 40}), "pay", durations(40, 120.0))
        assert [found.kind for found in judged(current, self.reference())] == ["missing"]

    def test_two_beats_that_come_late_are_two_anomalies_in_milliseconds(self) -> None:
        def both(times: int, median_ms: float) -> RunStats:
            one = waiting(runs({PATH: times}), "pay", durations(times, median_ms))
            return waiting(one, "price", durations(times, median_ms))

        found = detect_behavioral_anomalies(
            metrics(Window(WINDOW_MS, runs={CART: both(40, 300.0)})),
            baseline=learned(Window(0, runs={CART: both(400, 20.0)})),
            limits=Detect(),
        ).anomalies
        assert len({each.id for each in found}) == 2
        assert {(each.event, each.unit) for each in found} == {("pay", "ms"), ("price", "ms")}
        assert all(each.description.startswith(f"in {CART} beat ") for each in found)


class TestUnknownSequence:
    OTHER = Sequence("other-symphony", "Other", "OtherPlugin", ("a",), "other.json")

    def detected(
        self, *, declared: bool, windows: int, own: int = 0, times: int = 20
    ) -> tuple[BehavioralAnomaly, ...]:
        baseline = learned(Window(0, runs={"other-symphony": runs({("a",): 50})}))
        baseline.runs["other-symphony"].windows = windows
        if own:
            baseline.runs[CART] = Learned(runs({PATH: own}), 1)
        return detect_behavioral_anomalies(
            metrics(Window(WINDOW_MS, runs={CART: runs({PATH: times})})),
            baseline=baseline,
            limits=Detect(),
            sequences=(self.OTHER,) if declared else (),
        ).anomalies

    @pytest.mark.parametrize(
        ("declared", "windows", "says"),
        [
            pytest.param(True, 1, "no definition declares", id="others are declared"),
            pytest.param(
                False, 1000, "the baseline of 1,000 windows", id="the baseline was learned for long"
            ),
        ],
    )
    def test_is_told(self, declared: bool, windows: int, says: str) -> None:
        (anomaly,) = self.detected(declared=declared, windows=windows)
        assert (anomaly.kind, anomaly.severity, anomaly.observed) == ("unknown-sequence", "low", PATH)
        assert f"20 of 20 runs of {CART} ran, which {says}" in anomaly.description

    @pytest.mark.parametrize(
        ("declared", "windows", "own", "times"),
        [
            pytest.param(False, 999, 0, 20, id="the baseline has not been learned for long"),
            pytest.param(True, 0, 0, 20, id="nothing is learned yet"),
            pytest.param(True, 1000, 2, 20, id="the baseline knows it"),
            pytest.param(True, 1000, 0, 1, id="one run is not enough"),
        ],
    )
    def test_silent(self, declared: bool, windows: int, own: int, times: int) -> None:
        assert self.detected(declared=declared, windows=windows, own=own, times=times) == ()

    def test_a_sequence_that_the_log_names_by_its_name_is_declared(self) -> None:
        found = judge_by_name("Other")
        assert found == ()


def judge_by_name(name: str) -> tuple[BehavioralAnomaly, ...]:
    return detect_behavioral_anomalies(
        metrics(Window(WINDOW_MS, runs={name: runs({("a",): 20})})),
        baseline=learned(Window(0, runs={"x": runs({PATH: 50})})),
        limits=Detect(),
        sequences=(TestUnknownSequence.OTHER,),
    ).anomalies


class TestErrorsAreNoSecondAlarm:
    @pytest.mark.parametrize("declared", [True, False], ids=["declared", "learned"])
    @pytest.mark.parametrize(
        ("path", "found"),
        [
            pytest.param(PATH[:2], False, id="beats that are missing after an error"),
            pytest.param(("select", "price", *PATH[1:]), False, id="a beat that is tried again"),
            pytest.param((*PATH[:2], "undo"), False, id="a beat that makes good"),
            pytest.param(
                ("price", "select", *PATH[2:]), True, id="beats out of order are no matter of errors"
            ),
        ],
    )
    def test_runs_in_which_a_beat_failed(self, path: tuple[str, ...], found: bool, declared: bool) -> None:
        current = runs({PATH: 20})
        add_runs(current, runs({path: 20}, disturbed=True))
        assert bool(judged(current, healthy(), declared)) is found

    def test_runs_without_an_error_are_evidence_beside_them(self) -> None:
        current = runs({PATH: 20, PATH[:2]: 10})
        add_runs(current, runs({PATH[:2]: 30}, disturbed=True))
        (found,) = judged(current, healthy())
        assert (found.kind, found.runs, found.of) == ("missing", 10, 30)


class TestConcurrency:
    """Eight workers whose steps mix freely: nearly every run takes a path of its own."""

    @staticmethod
    def played(seed: int, times: int, broken: int = 0) -> RunStats:
        rng = random.Random(seed)
        paths: Counter[tuple[str, ...]] = Counter()
        for number in range(times):
            workers = [[f"open{worker}", f"work{worker}", f"close{worker}"] for worker in range(4)]
            if number < broken:
                workers[2].remove("close2")
            middle = interleaved(rng, workers)
            if rng.random() < 0.1:  # a retry
                at = middle.index("work1")
                middle.insert(at + 1, "work1")
            paths["begin", *middle, "end"] += 1
        total = RunStats()
        for path, count in paths.items():
            add_runs(total, runs({path: count}))
        return total

    def test_more_paths_are_learned_than_are_kept(self) -> None:
        reference = self.played(1, 2000)
        assert len(reference.variants) == MAX_VARIANTS
        assert reference.rest is not None
        assert model_of(reference).runs == 2000

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("times", [100, 2000])
    def test_new_orders_and_retries_are_silent(self, seed: int, times: int) -> None:
        assert judged(self.played(seed + 10, 60), self.played(seed, times)) == ()

    @pytest.mark.parametrize("seed", range(5))
    def test_a_beat_that_is_left_out_is_found(self, seed: int) -> None:
        found = judged(self.played(seed + 10, 60, broken=30), self.played(seed, 2000))
        assert [(each.kind, each.events, each.runs) for each in found] == [("missing", ("close2",), 30)]

    def test_a_minority_of_anomalies_in_the_training_hides_none(self) -> None:
        reference = self.played(1, 2000, broken=20)
        (found,) = judged(self.played(2, 60, broken=30), reference)
        assert (found.kind, found.events, found.base_runs) == ("missing", ("close2",), 20)
        assert found.runs >= 20

    def test_a_reference_that_is_too_varied_to_be_known_judges_nothing(self) -> None:
        reference = self.played(1, 2000)
        assert reference.rest is not None
        reference.rest = msgspec.structs.replace(reference.rest, dropped=1)
        assert judged(self.played(2, 60, broken=30), reference) == ()
