"""Formats that operators declare: what is wrong with one is told with its line."""

import pytest

from config.load import load_settings
from config.patterns import LINEAR
from config.settings import DeclaredFormat
from tests.config.problems import problems_of, written

FIELDS = "timestamp, event, handler, sequence, beat, request_id, duration, error, kind"


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        pytest.param(
            "{pattern: '(?P<who>x)'}",
            f"c.yaml:2: formats.a.pattern: group who is unknown; there are {FIELDS} (got (?P<who>x))",
            id="a group that is no field",
        ),
        pytest.param(
            "{pattern: '(?P<beat>x)'}",
            "c.yaml:2: formats.a.pattern: must have a group event, handler or kind, such as (?P<event>...)"
            " (got (?P<beat>x))",
            id="no group that names what happened",
        ),
        pytest.param("{time_format: '%Y-%m-%d'}", "c.yaml:2: formats.a: needs a pattern", id="no pattern"),
        pytest.param("5", "c.yaml:2: formats.a: must have a pattern below it (got 5)", id="a number"),
        pytest.param(
            "{pattern: '(?P<event>x)', time_format: '%Q'}",
            "c.yaml:2: formats.a.time_format: must be a format of strptime, such as %d/%b/%Y:%H:%M:%S %z"
            " (got %Q)",
            id="a time format that strptime does not know",
        ),
        pytest.param(
            "{pattern: '(?P<event>x)', time_format: '%Y %Y-%m-%d'}",
            "c.yaml:2: formats.a.time_format: must be a format of strptime, such as %d/%b/%Y:%H:%M:%S %z"
            " (got %Y %Y-%m-%d)",
            id="a directive that stands twice",
        ),
        pytest.param(
            "{pattern: '(?P<event>x)', time_format: '%H:%M:%S'}",
            "c.yaml:2: formats.a.time_format: must hold the month and the day, such as %Y-%m-%d or %b %d"
            " (got %H:%M:%S)",
            id="a time without a day",
        ),
        pytest.param(
            "{pattern: '(?P<event>x)', duration_unit: min}",
            "c.yaml:2: formats.a.duration_unit: must be 's', 'ms', 'us' or 'ns' (got min)",
            id="a unit that there is not",
        ),
        pytest.param(
            "{pattern: '(?P<event>x)', unit: s}",
            "c.yaml:2: formats.a.unit: unknown setting; a format has pattern, time_format and duration_unit "
            "(got s)",
            id="a setting that formats do not have",
        ),
    ],
)
def test_a_wrong_format_is_told_with_its_line(declared: str, problem: str) -> None:
    assert problems_of(written(f"formats:\n  a: {declared}\n")) == [problem]


def test_a_pattern_that_is_no_regular_expression_is_told_with_its_line_and_the_reason() -> None:
    (problem,) = problems_of(written("formats:\n  a:\n    pattern: '(?P<event>x'\n"))
    assert problem.startswith("c.yaml:3: formats.a.pattern: missing )")


@pytest.mark.skipif(not LINEAR, reason="needs google-re2")
def test_a_pattern_that_is_not_linear_is_refused_where_re2_is_installed() -> None:
    (problem,) = problems_of(written("formats:\n  a: {pattern: '(?P<event>x)(?=y)'}\n"))
    assert problem.startswith("c.yaml:2: formats.a.pattern: invalid perl operator")


def test_a_variable_that_holds_no_formats_is_told() -> None:
    (problem,) = problems_of(None, {"SELFHEALD_FORMATS": "5"})
    assert problem.startswith("SELFHEALD_FORMATS: formats: must be names with patterns, such as")


@pytest.mark.parametrize(
    "time_format", ["%b %d %H:%M:%S", "%m-%d %H:%M:%S.%f", "%d/%b/%Y:%H:%M:%S %z", "%y%m%d"]
)
def test_a_time_format_may_leave_out_the_year(time_format: str) -> None:
    assert DeclaredFormat(pattern="(?P<event>x)", time_format=time_format).time_format == time_format


def test_a_format_can_be_declared_in_the_file_and_by_variable() -> None:
    want = {"a": DeclaredFormat(pattern="(?P<event>x)", time_format="%d/%b/%Y:%H:%M:%S %z")}
    text = '{"a": {"pattern": "(?P<event>x)", "time_format": "%d/%b/%Y:%H:%M:%S %z"}}'
    assert load_settings(None, {"SELFHEALD_FORMATS": text}).settings.formats == want
    assert load_settings(written(f"formats: {text}\n"), {}).settings.formats == want
