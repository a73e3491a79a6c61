"""What would have silenced an anomaly is the nearest value that does, verified on both sides."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from config.settings import DetectOf
from handlers.anomaly.case import Case, replayed
from handlers.anomaly.counterfactual import milder_figure, settings_of, turns
from handlers.model import ErrorAnomaly, PerformanceAnomaly
from tests.handlers.anomaly.histories import played


def case_of(trouble: str, kind: str, detect_of: dict[str, DetectOf] | None = None) -> Case:
    cases = played([[trouble] * 4], detect_of).cases
    return next(each for each in cases if each.anomaly.kind == kind and each.anomaly.handler != "write")


def is_told(case: Case, name: str, value: float) -> bool:
    return replayed(replace(case, limits=case.limits.model_copy(update={name: value}))) is not None


@pytest.mark.parametrize(
    ("trouble", "kind", "silencing"),
    [
        ("slow", "slow", {"over_expected", "min_samples", "run_noise", "min_added_ms"}),
        ("tail", "slow-tail", {"over_expected", "min_samples", "confidence", "min_added_ms"}),
        ("failing", "new", {"error_min_count"}),
        ("moved", "out-of-order", {"behavioral_min_runs"}),
    ],
)
def test_the_verdict_turns_there(trouble: str, kind: str, silencing: set[str]) -> None:
    case = case_of(trouble, kind)
    found = {turn.setting.removeprefix("detect."): turn for turn in turns(case)}
    assert silencing <= found.keys() <= set(settings_of(case.anomaly))
    for name, turn in found.items():
        was = getattr(case.limits, name)
        assert turn.was == was < turn.value
        assert not is_told(case, name, turn.value)
        step = 1 if isinstance(was, int) else (turn.value - was) * 0.02
        if name != "confidence":  # its steps are nines
            assert is_told(case, name, turn.value - step)


def test_of_a_subject_with_limits_of_its_own_those_turn() -> None:
    case = case_of("slow", "slow", {"play-0*": DetectOf(over_expected=0.9)})
    turn = next(each for each in turns(case) if each.setting == "detect.over_expected")
    own = DetectOf(over_expected=turn.value)
    assert turn.value > 0.9
    assert replayed(replace(case, detect_of={"play-0*": own})) is None


def test_an_operators_figure_turns_too() -> None:
    case = replace(case_of("slow", "slow"), expected_ms={"play-0:take": 20.0})
    now = replayed(case)
    assert isinstance(now, PerformanceAnomaly)
    assert now.expected_from == "settings"
    turn = next(each for each in turns(case) if each.setting == "expected_ms.play-0:take")
    assert 25 < turn.value < 60


def test_a_median_nearer_to_the_usual_one_would_not_have_been_told() -> None:
    case = case_of("slow", "slow")
    milder = milder_figure(case)
    assert milder is not None
    assert milder.unit == "ms"
    assert case.anomaly.expected < milder.value < case.anomaly.actual


def test_fewer_errors_than_the_operator_wants_would_not_have_been_told() -> None:
    case = case_of("failing", "new", {"*": DetectOf(error_min_count=5)})
    assert isinstance(case.anomaly, ErrorAnomaly)
    milder = milder_figure(case)
    assert milder is not None
    assert (milder.value, milder.unit) == (4, "errors")


def test_an_error_of_which_one_is_enough_has_no_milder_figure() -> None:
    assert milder_figure(case_of("failing", "new")) is None


def test_a_missing_test_is_silenced_by_no_figure() -> None:
    case = case_of("", "untested")
    assert (turns(case), milder_figure(case)) == ((), None)
