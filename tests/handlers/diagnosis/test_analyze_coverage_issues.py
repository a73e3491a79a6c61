"""Why production code is untested."""

from __future__ import annotations

import pytest

from handlers.diagnosis.analyze_coverage_issues import analyze_coverage_issues
from handlers.model import CoveredFunction, Handler
from handlers.model import Test as DeclaredTest
from tests.handlers.diagnosis.builders import declared, untested

THEME = "theme-get-symphony"
WITHOUT = declared("theme:get", "getCurrentTheme", THEME, "ThemePlugin", line=13)
WITH = declared(
    "theme:get", "getCurrentTheme", THEME, "ThemePlugin", test_file="tests/theme.ts", test_case="gets it"
)
NAMESAKE = declared("other:get", "getCurrentTheme", "other-symphony", "OtherPlugin")
ELSEWHERE = DeclaredTest("tests/other.ts", "other", ("other",))
UNREACHED = CoveredFunction("getCurrentTheme", "src/theme.ts", 7, executed=False, source="lcov.info")
REACHED = CoveredFunction("Theme.getCurrentTheme", "src/theme.ts", 7, executed=True, source="lcov.info")


@pytest.mark.parametrize(
    ("handlers", "tests", "functions", "kind", "verdict", "location"),
    [
        pytest.param(
            (WITHOUT,),
            (),
            (UNREACHED,),
            "never-tested",
            "confirmed",
            "src/theme.ts:7",
            id="a report shows the function as not executed: confirmed, at the function",
        ),
        pytest.param(
            (WITH,),
            (),
            (UNREACHED,),
            "not-reached",
            "confirmed",
            "src/theme.ts:7",
            id="a test is declared, the report shows that it does not reach the function: confirmed",
        ),
        pytest.param(
            (WITHOUT, NAMESAKE),
            (),
            (UNREACHED,),
            "never-tested",
            "likely",
            f"sequences/{THEME}.json:13",
            id="two handlers share the name: the report proves nothing about one of them",
        ),
        pytest.param(
            (WITHOUT,),
            (ELSEWHERE,),
            (),
            "never-tested",
            "likely",
            f"sequences/{THEME}.json:13",
            id="tests are declared, none for it: likely",
        ),
        pytest.param(
            (WITH,),
            (),
            (),
            "test-unproved",
            "inconclusive",
            f"sequences/{THEME}.json:12",
            id="a test is declared and no report is there: inconclusive",
        ),
        pytest.param(
            (WITHOUT,),
            (),
            (),
            "no-test-data",
            "inconclusive",
            f"sequences/{THEME}.json:13",
            id="no test and no report is known: inconclusive",
        ),
        pytest.param(
            (WITHOUT,),
            (),
            (REACHED,),
            "namesake-tested",
            "inconclusive",
            f"sequences/{THEME}.json:13",
            id="a method of the same name is executed: inconclusive",
        ),
    ],
)
def test_the_cause_claims_no_more_than_reports_and_declarations_carry(
    handlers: tuple[Handler, ...],
    tests: tuple[DeclaredTest, ...],
    functions: tuple[CoveredFunction, ...],
    kind: str,
    verdict: str,
    location: str,
) -> None:
    (diagnosis,) = analyze_coverage_issues((untested(),), handlers, tests, functions=functions).diagnosis
    assert (diagnosis.cause_kind, diagnosis.verdict, diagnosis.location) == (kind, verdict, location)


def neighbour(name: str, sequence: str, plugin: str, beat: int) -> Handler:
    return declared(name, name, sequence, plugin, beat, test_file=f"tests/{name}.ts")


@pytest.mark.parametrize(
    ("others", "nearest"),
    [
        pytest.param(
            (neighbour("far", THEME, "ThemePlugin", 5), neighbour("near", THEME, "ThemePlugin", 2)),
            "tests/near.ts",
            id="the nearest beat of the same sequence",
        ),
        pytest.param(
            (neighbour("near", "theme-toggle", "ThemePlugin", 1), neighbour("far", THEME, "ThemePlugin", 9)),
            "tests/far.ts",
            id="the same sequence comes before the rest of the plug-in",
        ),
        pytest.param(
            (neighbour("same", "theme-toggle", "ThemePlugin", 1), neighbour("x", "a", "OtherPlugin", 1)),
            "tests/same.ts",
            id="another sequence of the same plug-in",
        ),
        pytest.param((neighbour("x", "a", "OtherPlugin", 1),), "", id="never a test of another plug-in"),
    ],
)
def test_the_nearest_test_file_is_one_of_the_same_plug_in(others: tuple[Handler, ...], nearest: str) -> None:
    (diagnosis,) = analyze_coverage_issues((untested(),), (WITHOUT, *others), ()).diagnosis
    assert diagnosis.nearest_test == nearest


def test_the_declared_test_is_its_own_nearest_one() -> None:
    (diagnosis,) = analyze_coverage_issues((untested(),), (WITH,), (), functions=(UNREACHED,)).diagnosis
    assert diagnosis.nearest_test == "tests/theme.ts"
