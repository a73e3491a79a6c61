"""A variable that is unknown or wrong is named; its value is shown only where it is a known setting."""

import pytest

from .problems import problems_of


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        pytest.param(
            "SELFHEALD_DETECT__OVER_EXPECTED",
            "-1",
            "detect.over_expected: must be greater than 0 (got -1)",
            id="a value out of range names the variable",
        ),
        pytest.param(
            "SELFHEALD_DETECT__OVER_EXPECTD",
            "1",
            "unknown variable; did you mean SELFHEALD_DETECT__OVER_EXPECTED?",
            id="a misspelt setting is answered with the nearest variable",
        ),
        pytest.param(
            "SELFHEALD_OVER_EXPECTED",
            "1",
            "unknown variable; did you mean SELFHEALD_DETECT__OVER_EXPECTED?",
            id="a variable without its section is answered with the nearest variable",
        ),
        pytest.param(
            "SELFHEALD_CONFG",
            "x",
            "unknown variable; did you mean SELFHEALD_CONFIG?",
            id="a misspelt SELFHEALD_CONFIG is answered with it",
        ),
        pytest.param(
            "selfheald_log__level",
            "INFO",
            "unknown variable; did you mean SELFHEALD_LOG__LEVEL?",
            id="a variable in lower case is not ignored",
        ),
        pytest.param(
            "SELFHEALD_PASSWORD",
            "hunter2",
            "unknown variable; the shipped selfheald.yaml lists all",
            id="the value of an unknown variable is not shown",
        ),
        pytest.param(
            "SELFHEALD_LOGS__INCLUDE",
            "*.log",
            'logs.include: must be a list, such as ["a", "b"] (got *.log)',
            id="a list must be JSON",
        ),
        pytest.param(
            "SELFHEALD_LOGS__INCLUDE",
            '["a", 5]',
            "logs.include[1]: must be text; if it is, put it in quotes (got 5)",
            id="an entry of a list names the variable",
        ),
        pytest.param(
            "SELFHEALD_EXPECTED_MS",
            '{"a": NaN}',
            "expected_ms.a: must be a finite number (got nan)",
            id="NaN is no duration",
        ),
        pytest.param(
            "SELFHEALD_EXPECTED_MS",
            "[" * 100_000,
            f'expected_ms: must be names with numbers, such as {{"Plugin.handler": 5}} (got {"[" * 80}…)',
            id="deeply nested JSON does not exhaust the stack",
        ),
        pytest.param(
            "SELFHEALD_JSONL__EVENT",
            "kind",
            "jsonl: event and kind must not both be named kind",
            id="a clash with a default names the variable",
        ),
        pytest.param(
            "SELFHEALD_STORE__PATH",
            "",
            "store.path: must not be empty (got nothing)",
            id="an empty path is none",
        ),
    ],
)
def test_a_variable_that_cannot_be_used(variable: str, value: str, problem: str) -> None:
    assert problems_of(None, {variable: value, "SELFHEALD_CONFIG": "x.yaml"}) == [f"{variable}: {problem}"]
