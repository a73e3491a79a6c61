"""What is recommended for each cause."""

from __future__ import annotations

import pytest

from handlers.diagnosis.analyze_behavioral_issues import analyze_behavioral_issues
from handlers.diagnosis.analyze_coverage_issues import analyze_coverage_issues
from handlers.diagnosis.analyze_error_issues import analyze_error_issues
from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.model import AnyDiagnosis, CoveredFunction, FixRecommendation
from tests.handlers.diagnosis.builders import declared, deviating, failing, slow, untested


def recommended(diagnosis: AnyDiagnosis) -> tuple[FixRecommendation, ...]:
    return recommend_fixes(assess_impact((diagnosis,)).assessed_diagnosis).recommendations


def slow_with_errors() -> AnyDiagnosis:
    error = failing(event="render-react", sequence="create-symphony", count=300, executions=400)
    return analyze_performance_issues((slow(),), (), all_anomalies=(error,)).diagnosis[0]


def slow_in_a_changed_sequence() -> AnyDiagnosis:
    path = ("render-react", "notify")
    change = deviating(declared=path, observed=path[::-1], beats=path, sequence="create-symphony")
    return analyze_performance_issues((slow(),), (), all_anomalies=(change,)).diagnosis[0]


def all_slow() -> AnyDiagnosis:
    return analyze_performance_issues(
        tuple(slow(handler=f"handler{number}") for number in range(5)), ()
    ).diagnosis[0]


def uncovered(*functions: CoveredFunction) -> AnyDiagnosis:
    return analyze_coverage_issues((untested(),), (), (), functions=functions).diagnosis[0]


@pytest.mark.parametrize(
    ("diagnosis", "expected"),
    [
        pytest.param(
            analyze_performance_issues((slow(),), ()).diagnosis[0],
            [("code", "own-work"), ("config", "accept")],
            id="own work: speed it up, or accept the new time",
        ),
        pytest.param(all_slow(), [("config", "common-cause")], id="all are slow: look at the machine"),
        pytest.param(slow_with_errors(), [("code", "errors-first")], id="slow by errors: errors first"),
        pytest.param(
            slow_in_a_changed_sequence(),
            [("sequence", "sequence-first")],
            id="sequence changed: sequence first",
        ),
        pytest.param(
            analyze_behavioral_issues((deviating(),), ()).diagnosis[0],
            [("code", "restore")],
            id="the program changed: restore it",
        ),
        pytest.param(
            analyze_behavioral_issues((deviating(baseline_samples=0),), ()).diagnosis[0],
            [("code", "restore"), ("sequence", "redeclare")],
            id="nobody knows which side changed: both are offered",
        ),
        pytest.param(
            analyze_behavioral_issues((deviating(expected_from="baseline"),), ()).diagnosis[0],
            [("code", "restore"), ("documentation", "declare")],
            id="the order was only learned: restore it, or declare the new one",
        ),
        pytest.param(
            uncovered(),
            [("config", "measure"), ("test", "test")],
            id="no test data: measure before anything is claimed",
        ),
        pytest.param(
            uncovered(
                CoveredFunction("getCurrentTheme", "src/theme.ts", 7, executed=False, source="lcov.info")
            ),
            [("test", "test")],
            id="proved untested: write the test",
        ),
        pytest.param(
            analyze_error_issues((failing(),), ()).diagnosis[0],
            [("code", "null"), ("test", "test")],
            id="a null access: code and a test",
        ),
        pytest.param(
            analyze_error_issues(
                (failing(error_type="Error", template="connect ECONNREFUSED <address>"),), ()
            ).diagnosis[0],
            [("config", "connection"), ("test", "test")],
            id="a refused connection: the service before the code",
        ),
    ],
)
def test_each_cause_has_its_fixes(diagnosis: AnyDiagnosis, expected: list[tuple[str, str]]) -> None:
    found = recommended(diagnosis)
    assert [(each.type, each.id.rpartition("/")[2]) for each in found] == expected


@pytest.mark.parametrize(
    "template",
    [
        "Cannot read properties of undefined",
        "x is not a function",
        "exceeds limit",
        "ECONNREFUSED",
        "timed out",
        "permission denied",
        "no such file",
        "Unexpected token <",
        "the panel is on fire",
    ],
)
def test_every_class_of_failure_has_a_remedy_at_the_frame(template: str) -> None:
    diagnosis = analyze_error_issues((failing(error_type="Error", template=template),), ()).diagnosis[0]
    remedy, test = recommended(diagnosis)
    assert remedy.location == "/app/panel.mjs:119"
    assert remedy.benefit == "up to 138 fewer errors in 400 executions (34.5 %) in the judged span"
    assert template in test.steps[0]


def test_the_settings_key_to_accept_a_time_is_written_out() -> None:
    accept = recommended(analyze_performance_issues((slow(),), ()).diagnosis[0])[1]
    assert '"create-symphony/render-react": 65.7' in accept.steps[1]


def test_the_test_of_an_error_goes_into_the_declared_test_file() -> None:
    handler = declared(
        "panel:render",
        "renderView",
        "panel-render-symphony",
        "ControlPanelPlugin",
        test_file="tests/panel.ts",
    )
    test = recommended(analyze_error_issues((failing(),), (handler,)).diagnosis[0])[1]
    assert (test.location, "tests/panel.ts" in test.action) == ("tests/panel.ts", True)
