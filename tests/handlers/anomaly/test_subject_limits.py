"""Limits of one subject change the verdicts on that subject alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from config.settings import Detect, DetectOf
from handlers.anomaly.activity import executions_by_unit, take_window, unit_key
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.detect_behavioral_anomalies import detect_behavioral_anomalies
from handlers.anomaly.detect_coverage_gaps import detect_coverage_gaps
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.model import BeatKey, Codebase, Handler, TelemetryMetrics, Window
from tests.handlers.anomaly.builders import (
    ERROR,
    WINDOW_MS,
    beat,
    durations,
    errors,
    learned,
    metrics,
    runs,
)

ONE: BeatKey = ("one-symphony", "one:go")
OTHER: BeatKey = ("other-symphony", "other:go")
BOTH = (ONE, OTHER)


def window(start_ms: int, ms: float, path: tuple[str, ...] = ("a", "b"), failing: int = 0) -> Window:
    """The same of both subjects, each with a plug-in and a handler of its own."""
    made = Window(start_ms)
    for key in BOTH:
        plugin, handler = f"{key[0][:3].title()}Plugin", f"{key[0][:3]}Handler"
        made.beats[key] = beat(durations(40, ms), failing, plugin, handler)
        made.runs[key[0]] = runs({path: 40})
        if failing:
            made.errors[*key, *ERROR[2:]] = errors(failing)
            made.errors[*key, *ERROR[2:]].plugin, made.errors[*key, *ERROR[2:]].handler = plugin, handler
    return made


BASELINE = learned(window(0, 20))
NOW = metrics(window(WINDOW_MS, 60, path=("a",), failing=4))
CODEBASE = Codebase(handlers=tuple(Handler(*key, "", "", 1) for key in BOTH))


def found(
    kind: str, detect_of: Mapping[str, DetectOf], limits: Detect | None = None, now: TelemetryMetrics = NOW
) -> list[str]:
    limits = limits or Detect()
    match kind:
        case "performance":
            anomalies = detect_performance_anomalies(
                now, baseline=BASELINE, limits=limits, detect_of=detect_of, expected_ms={}
            ).anomalies
            return [each.sequence for each in anomalies]
        case "behavioral":
            deviating = detect_behavioral_anomalies(
                now, baseline=BASELINE, limits=limits, detect_of=detect_of
            ).anomalies
            return [each.sequence for each in deviating]
        case "coverage":
            gaps = detect_coverage_gaps(
                now, baseline=BASELINE, limits=limits, detect_of=detect_of, codebase=CODEBASE
            ).anomalies
            return sorted(each.sequence for each in gaps)
        case _:
            groups = detect_error_patterns(
                now, baseline=BASELINE, limits=limits, detect_of=detect_of
            ).anomalies
            return [each.sequence for each in groups]


KINDS = ["performance", "behavioral", "coverage", "errors"]
RAISED = {
    "performance": DetectOf(over_expected=5.0),
    "behavioral": DetectOf(behavioral_min_runs=50),
    "coverage": DetectOf(coverage=False),
    "errors": DetectOf(error_min_count=5),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_raised_limit_silences_the_subject_that_it_is_for(kind: str) -> None:
    assert found(kind, {}) == [ONE[0], OTHER[0]]
    assert found(kind, {"one-*": RAISED[kind]}) == [OTHER[0]]


@pytest.mark.parametrize("kind", ["performance", "coverage", "errors"])
@pytest.mark.parametrize(
    "glob", ["one:go", "OnePlugin.*", "oneHandler", "one-symphony/one:*", "one-symphony"]
)
def test_a_handler_is_meant_by_each_of_its_names(kind: str, glob: str) -> None:
    assert found(kind, {glob: RAISED[kind]}) == [OTHER[0]]


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_can_be_looked_for_in_one_subject_alone(kind: str) -> None:
    none = Detect.model_validate({kind: False})
    assert found(kind, {}, none) == []
    assert found(kind, {"one-*": DetectOf.model_validate({kind: True})}, none) == [ONE[0]]


def test_a_handler_can_need_more_samples() -> None:
    assert found("performance", {"one-*": DetectOf(min_samples=100)}) == [OTHER[0]]


def test_a_rate_that_falls_is_told_by_the_limit_of_its_own_sequence() -> None:
    """Both fall to a third; 0.8 is not reached, 0.5 is."""
    counts = {unit_key(name, ""): 6 for name in ("one", "other", "third", "fourth")}
    low = {**counts, unit_key("one", ""): 2, unit_key("other", ""): 2}
    baseline = Baseline()
    activity = baseline.performance.activity
    for minute in range(100):
        take_window(activity, 600_000 + minute * 60_000, 60_000, counts, 0.8)
    windows = [
        Window(
            600_000 + minute * 60_000,
            {(key.strip(), "go"): beat([1.0] * count) for key, count in low.items()},
        )
        for minute in range(100, 130)
    ]
    baseline.runs = learned(Window(0, runs={name.strip(): runs({("go",): 1}) for name in counts})).runs
    assert executions_by_unit(windows[0], baseline.runs.keys()) == low
    found = detect_performance_anomalies(
        TelemetryMetrics(60_000, {each.start_ms: each for each in windows}),
        baseline=baseline,
        limits=Detect(),
        detect_of={"one": DetectOf(rate_drop=0.5)},
        expected_ms={},
    )
    [quiet] = found.anomalies
    assert (quiet.kind, quiet.sequence, quiet.limit) == ("throughput", "one", quiet.expected * 0.5)
