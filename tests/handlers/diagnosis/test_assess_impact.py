"""Whom it hurts, counted."""

from __future__ import annotations

import pytest

from handlers.diagnosis.analyze_behavioral_issues import analyze_behavioral_issues
from handlers.diagnosis.analyze_coverage_issues import analyze_coverage_issues
from handlers.diagnosis.analyze_error_issues import analyze_error_issues
from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.model import AnyDiagnosis
from tests.handlers.diagnosis.builders import deviating, failing, slow, untested


def of_slow(ratio: float = 2.25, samples: int = 66) -> AnyDiagnosis:
    return analyze_performance_issues((slow(ratio=ratio, samples=samples),), ()).diagnosis[0]


def of_error(count: int, executions: int, event: str = "e") -> AnyDiagnosis:
    anomaly = failing(count=count, executions=executions, event=event)
    return analyze_error_issues((anomaly,), ()).diagnosis[0]


@pytest.mark.parametrize(
    ("diagnosis", "executions", "affected", "added_ms", "says"),
    [
        pytest.param(
            of_slow(),
            66,
            33,
            2409.0,
            "At least 33 of 66 executions (50 %) took longer than the limit of 43.8 ms; 2.4 s added",
            id="a median over the limit proves half of the executions slow",
        ),
        pytest.param(
            of_slow(ratio=1.4),
            66,
            0,
            770.88,
            "At least 0 of 66 executions (0 %)",
            id="a median below the limit proves none of them slow",
        ),
        pytest.param(
            analyze_behavioral_issues((deviating(share=0.335),), ()).diagnosis[0],
            400,
            134,
            0.0,
            "134 of 400 runs (33.5 %) took another path",
            id="runs that deviate are counted from their share",
        ),
        pytest.param(
            analyze_coverage_issues((untested(),), (), ()).diagnosis[0],
            402,
            402,
            0.0,
            "402 of 402 executions (100 %) ran untested code; 0 failed",
            id="every execution of an untested handler runs untested code",
        ),
        pytest.param(
            of_error(138, 400), 400, 138, 0.0, "138 of 400 executions (34.5 %) failed", id="failed executions"
        ),
        pytest.param(
            of_error(500, 400),
            400,
            400,
            0.0,
            "400 of 400 executions",
            id="no more executions fail than there are",
        ),
        pytest.param(
            of_error(5, 5, event=""),
            5,
            5,
            0.0,
            "5 errors; how many executions succeeded",
            id="errors without a beat",
        ),
    ],
)
def test_impact_is_counted_from_the_data(
    diagnosis: AnyDiagnosis, executions: int, affected: int, added_ms: float, says: str
) -> None:
    (assessed,) = assess_impact((diagnosis,)).assessed_diagnosis
    impact = assessed.impact
    assert (impact.executions, impact.affected) == (executions, affected)
    assert impact.share == pytest.approx(affected / executions)
    assert impact.added_ms == pytest.approx(added_ms)
    assert impact.sentence.startswith(says)
    assert diagnosis.anomaly.severity_reason in impact.sentence
    assert assessed.severity == diagnosis.anomaly.severity
