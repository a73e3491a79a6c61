"""What is said of slow tails, drifts and rates: a median's words would be wrong for them."""

from __future__ import annotations

import msgspec
import pytest

from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.performance_fixes import performance_fixes
from handlers.model import PerformanceAnomaly
from tests.handlers.diagnosis.builders import slow

TAIL = msgspec.structs.replace(slow(), kind="slow-tail", quantile=0.95, samples=400)
DRIFT = msgspec.structs.replace(slow(), kind="drift")
SILENT = msgspec.structs.replace(
    slow(samples=0), kind="silent", quantile=0.0, unit="executions/min", actual=0.0, expected=4.0, limit=0.8
)
SOURCE = msgspec.structs.replace(SILENT, sequence="", event="", plugin="", handler="", affected=())


@pytest.mark.parametrize(
    ("anomaly", "verdict", "cause", "impact", "fix"),
    [
        pytest.param(TAIL, "inconclusive", "wait", "At least 20 of 400", "p95 is below", id="tail"),
        pytest.param(DRIFT, "likely", "grows", "At least 33 of 66", "median is below", id="drift"),
        pytest.param(SILENT, "inconclusive", "not called", "0 executions", "what calls it", id="silent"),
        pytest.param(
            SOURCE, "inconclusive", "nothing is written", "0 executions", "deployed", id="everything"
        ),
    ],
)
def test_each_kind_has_words_of_its_own(
    anomaly: PerformanceAnomaly, verdict: str, cause: str, impact: str, fix: str
) -> None:
    (diagnosis,) = analyze_performance_issues((anomaly,), (), all_anomalies=(anomaly,)).diagnosis
    (assessed,) = assess_impact((diagnosis,)).assessed_diagnosis
    fixes = performance_fixes(assessed, diagnosis, anomaly)
    assert diagnosis.verdict == verdict
    assert cause in diagnosis.cause
    assert impact in assessed.impact.sentence
    assert any(fix in step for each in fixes for step in each.steps)


def test_what_is_silent_takes_no_part_in_a_common_slowness() -> None:
    silent = [msgspec.structs.replace(SILENT, event=f"e{number}", ratio=2.25) for number in range(5)]
    (diagnosis, *_) = analyze_performance_issues((slow(), *silent), ()).diagnosis
    assert diagnosis.cause_kind == "own-work"


def test_the_fix_of_a_tail_does_not_set_a_median() -> None:
    (diagnosis,) = analyze_performance_issues((TAIL,), ()).diagnosis
    (assessed,) = assess_impact((diagnosis,)).assessed_diagnosis
    actions = [fix.action for fix in performance_fixes(assessed, diagnosis, TAIL)]
    assert not any("expected_ms" in action for action in actions)
