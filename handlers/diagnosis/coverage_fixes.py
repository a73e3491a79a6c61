"""What to do about a handler that runs in production without a test."""

from __future__ import annotations

from typing import Final

from handlers.diagnosis.fix import Fix, beat_name, where
from handlers.diagnosis.meant_tests import place_of
from handlers.diagnosis.wording import count
from handlers.model import CoverageAnomaly, CoverageDiagnosis

_HAS_TEST: Final = frozenset({"tests-skipped", "not-reached"})


def coverage_fixes(diagnosis: CoverageDiagnosis, anomaly: CoverageAnomaly) -> tuple[Fix, ...]:
    """A test, or the data that would show that there is one."""
    benefit = (
        f"{count(anomaly.executions, 'execution')} in the judged span, {anomaly.failures:,} of them failed, "
        "run tested code"
    )
    if diagnosis.cause_kind in ("no-test-data", "test-unproved", "namesake-tested"):
        return _measure(diagnosis, anomaly), _test(diagnosis, anomaly, benefit)
    return (_test(diagnosis, anomaly, benefit),)


def _test(diagnosis: CoverageDiagnosis, anomaly: CoverageAnomaly, benefit: str) -> Fix:
    name, function = beat_name(diagnosis), anomaly.handler or anomaly.event
    file = diagnosis.nearest_test or "a new test file of the plug-in"
    title, action, location = f"Test {name}", f"Add a test of it to {file}.", where(diagnosis)
    first = f"In {file}, call {function} with an input as production sends it, and check its result."
    test = diagnosis.tests[0] if diagnosis.tests else None
    if test and diagnosis.cause_kind in _HAS_TEST:
        if test.line:
            location = f"{test.file}:{test.line}"
        if diagnosis.cause_kind == "tests-skipped" and test.skip:
            title = f"Run the skipped test of {name} again"
            action = f"Take {test.skip.marker} away from {place_of(test)}, and make the test pass."
            first = f"Look why {place_of(test)} is skipped, and remove the reason."
        else:
            title = f"Make the test of {name} reach it"
            action = f"Change {place_of(test)} so that it calls {function}."
    return Fix(
        slug="test",
        type="test",
        title=title,
        action=action,
        location=location,
        steps=(first, *_cases(diagnosis), _prove(diagnosis, anomaly)),
        effort="hours",
        benefit=benefit,
    )


def _cases(diagnosis: CoverageDiagnosis) -> tuple[str, ...]:
    """What production does that no test does."""
    failures = [f"Add a case with an input that leads to {each}." for each in diagnosis.failures]
    paths = [f"Play it as production does: {each}." for each in diagnosis.paths[:1]]
    missed = [f"Let the cases run {', '.join(diagnosis.missed)}."] if diagnosis.missed else []
    return (*(failures or ["Add a case with a missing or malformed input."]), *paths, *missed)


def _prove(diagnosis: CoverageDiagnosis, anomaly: CoverageAnomaly) -> str:
    if any(each.known_by == "declared" for each in diagnosis.tests):
        return "Run the tests with coverage."
    definition = diagnosis.location or anomaly.sequence
    return f"Name the test in the definition ({definition}), run the tests with coverage."


def _measure(diagnosis: CoverageDiagnosis, anomaly: CoverageAnomaly) -> Fix:
    return Fix(
        slug="measure",
        type="config",
        title=f"Measure the coverage of {beat_name(diagnosis)}",
        action="Give a coverage report that contains this handler; then this is proved or gone.",
        location=where(diagnosis),
        steps=(
            "Run the tests with coverage as coverage.py JSON or LCOV.",
            "List the report under project.coverage in the settings.",
        ),
        effort="minutes",
        benefit=f"settles whether {count(anomaly.executions, 'execution')} ran untested code",
    )
