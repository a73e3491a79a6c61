"""Tests that are skipped or miss, and what of production no test does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handlers.diagnosis.analyze_coverage_issues import analyze_coverage_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.model import (
    CoverageDiagnosis,
    CoveredFunction,
    ErrorStats,
    FixRecommendation,
    Handler,
    RunStats,
    Skip,
    TelemetryMetrics,
    VariantStats,
    Window,
)
from handlers.model import Test as KnownTest
from tests.handlers.diagnosis.builders import START_MS, declared, untested

THEME, GET = "theme-get-symphony", "theme:get"
SKIP, IF_WINDOWS = Skip("it.skip"), Skip("@pytest.mark.skipif(WINDOWS)", is_conditional=True)
BARE = declared(GET, "getCurrentTheme", THEME, "ThemePlugin", line=13)
DECLARED = replace(BARE, test_file="tests/theme.spec.ts", test_case="gets it", test_line=9)
NAMESAKE = declared("other:get", "getCurrentTheme", "other-symphony", "OtherPlugin")
UNREACHED = CoveredFunction(
    "getCurrentTheme", "src/theme.ts", 7, executed=False, source="lcov.info", missed=((8, 8), (10, 14))
)


def named(case: str = "reads", skip: Skip | None = None, file: str = "src/tests/theme.spec.ts") -> KnownTest:
    return KnownTest(file, case, ("getCurrentTheme",), "named", 21, skip)


def diagnosed(
    handler: Handler = BARE,
    *tests: KnownTest,
    measured: bool = True,
    others: tuple[Handler, ...] = (),
    metrics: TelemetryMetrics | None = None,
) -> CoverageDiagnosis:
    functions = (UNREACHED,) if measured else ()
    (diagnosis,) = analyze_coverage_issues(
        (untested(),), (handler, *others), tests, functions=functions, metrics=metrics
    ).diagnosis
    return diagnosis


@pytest.mark.parametrize(
    ("diagnosis", "kind", "verdict"),
    [
        pytest.param(
            diagnosed(replace(DECLARED, test_skip=SKIP)),
            "tests-skipped",
            "confirmed",
            id="the declared test is skipped and the report shows it: confirmed",
        ),
        pytest.param(
            diagnosed(replace(DECLARED, test_skip=SKIP), measured=False),
            "tests-skipped",
            "likely",
            id="without a report another test may reach it: likely",
        ),
        pytest.param(
            diagnosed(replace(DECLARED, test_skip=IF_WINDOWS)),
            "tests-skipped",
            "likely",
            id="it is skipped under a condition: likely",
        ),
        pytest.param(
            diagnosed(replace(DECLARED, test_skip=IF_WINDOWS), measured=False),
            "tests-skipped",
            "inconclusive",
            id="under a condition and without a report: inconclusive",
        ),
        pytest.param(
            diagnosed(BARE, named(skip=SKIP)), "tests-skipped", "likely", id="a test that names it is skipped"
        ),
        pytest.param(
            diagnosed(BARE, named(skip=SKIP), others=(NAMESAKE,)),
            "tests-skipped",
            "inconclusive",
            id="the name is another handler's too",
        ),
        pytest.param(
            diagnosed(BARE, named(skip=SKIP), named("draws")),
            "not-reached",
            "likely",
            id="one of two tests that name it is not skipped, and misses it",
        ),
        pytest.param(diagnosed(DECLARED), "not-reached", "confirmed", id="the declared test misses it"),
        pytest.param(
            diagnosed(BARE, named(), measured=False),
            "test-unproved",
            "inconclusive",
            id="a test names it and no report is there",
        ),
        pytest.param(
            diagnosed(BARE, replace(named(), covers=("setTheme",))),
            "never-tested",
            "confirmed",
            id="a test of another handler is no test of it",
        ),
        pytest.param(
            diagnosed(BARE, replace(named(skip=SKIP), known_by="executed")),
            "never-tested",
            "confirmed",
            id="what a report says of tests is no test that is meant for it",
        ),
    ],
)
def test_why_it_is_not_tested(diagnosis: CoverageDiagnosis, kind: str, verdict: str) -> None:
    assert (diagnosis.cause_kind, diagnosis.verdict) == (kind, verdict)


@pytest.mark.parametrize(
    ("handler", "tests", "files"),
    [
        pytest.param(
            DECLARED,
            (named("gets it"),),
            ["tests/theme.spec.ts"],
            id="the declared case names it too: that is one test",
        ),
        pytest.param(
            replace(DECLARED, test_case="", test_line=0),
            (named(),),
            ["src/tests/theme.spec.ts"],
            id="a file is declared: its cases that name it are meant",
        ),
        pytest.param(
            replace(DECLARED, test_case="", test_line=0),
            (named(file="src/tests/other-theme.spec.ts"),),
            ["tests/theme.spec.ts", "src/tests/other-theme.spec.ts"],
            id="a file whose name has the same end is another one",
        ),
    ],
)
def test_each_test_is_meant_once(handler: Handler, tests: tuple[KnownTest, ...], files: list[str]) -> None:
    assert [each.file for each in diagnosed(handler, *tests).tests] == files


def test_the_place_and_the_marker_of_a_skipped_test_are_evidence() -> None:
    evidence = diagnosed(replace(DECLARED, test_skip=SKIP)).evidence
    assert "tests/theme.spec.ts:9 (gets it) is skipped by it.skip" in evidence


def test_the_lines_that_no_test_runs_are_named_unless_they_may_be_another_handlers() -> None:
    assert "no test runs src/theme.ts:8, src/theme.ts:10-14" in diagnosed().evidence
    assert diagnosed(others=(NAMESAKE,)).missed == ()


def window(number: int, paths: dict[str, int], failures: dict[str, int]) -> Window:
    variants = {path.replace(" ", "\t"): VariantStats(runs) for path, runs in paths.items()}
    errors = {(THEME, GET, "TypeError", text, "site"): ErrorStats(count=n) for text, n in failures.items()}
    errors[THEME, "theme:set", "RangeError", "of another beat", ""] = ErrorStats(count=9)
    return Window(START_MS + number * 10_000, runs={THEME: RunStats(variants=variants)}, errors=errors)


USED = TelemetryMetrics(
    10_000,
    {
        each.start_ms: each
        for each in (
            window(0, {"theme:get theme:set": 2, "theme:set": 90}, {"x is null": 1}),
            window(1, {"theme:get": 5, "theme:get theme:set": 4}, {"x is null": 2, "y is null": 1}),
        )
    },
)


def test_the_ways_in_which_production_uses_it_are_told_the_most_frequent_first() -> None:
    diagnosis = diagnosed(metrics=USED)
    assert diagnosis.paths == ("theme:get → theme:set (6 runs)", "theme:get (5 runs)")
    assert diagnosis.failures == ("TypeError: x is null (3 times)", "TypeError: y is null (1 time)")
    assert {
        "production plays it as theme:get (5 runs)",
        "it fails in production with TypeError: y is null (1 time)",
    } <= {*diagnosis.evidence}


def fix(diagnosis: CoverageDiagnosis) -> FixRecommendation:
    (found,) = recommend_fixes(assess_impact((diagnosis,)).assessed_diagnosis).recommendations
    return found


@pytest.mark.parametrize(
    ("found", "location", "action"),
    [
        pytest.param(
            fix(diagnosed(replace(DECLARED, test_skip=SKIP))),
            "tests/theme.spec.ts:9",
            "Take it.skip away from tests/theme.spec.ts:9 (gets it), and make the test pass.",
            id="a skipped test is to run again",
        ),
        pytest.param(
            fix(diagnosed(DECLARED)),
            "tests/theme.spec.ts:9",
            "Change tests/theme.spec.ts:9 (gets it) so that it calls getCurrentTheme.",
            id="a test that misses it is to reach it",
        ),
        pytest.param(
            fix(diagnosed()),
            "src/theme.ts:7",
            "Add a test of it to a new test file of the plug-in.",
            id="where there is none, one is to be written",
        ),
    ],
)
def test_the_advice_says_which_test_to_change(found: FixRecommendation, location: str, action: str) -> None:
    assert (found.type, found.location, found.action) == ("test", location, action)


def test_the_advice_says_which_cases_to_add() -> None:
    steps = fix(diagnosed(metrics=USED)).steps
    assert steps[1:-1] == (
        "Add a case with an input that leads to TypeError: x is null (3 times).",
        "Add a case with an input that leads to TypeError: y is null (1 time).",
        "Play it as production does: theme:get → theme:set (6 runs).",
        "Let the cases run src/theme.ts:8, src/theme.ts:10-14.",
    )
