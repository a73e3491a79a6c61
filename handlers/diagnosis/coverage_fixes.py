"""What to do about a handler that runs in production without a test."""

from __future__ import annotations

from handlers.diagnosis.fix import Fix, beat_name, where
from handlers.diagnosis.wording import count
from handlers.model import CoverageAnomaly, CoverageDiagnosis


def coverage_fixes(diagnosis: CoverageDiagnosis, anomaly: CoverageAnomaly) -> tuple[Fix, ...]:
    """A test, or the data that would show that there is one."""
    benefit = (
        f"{count(anomaly.executions, 'execution')} in the judged span, {anomaly.failures:,} of them failed, "
        "run tested code"
    )
    if diagnosis.cause_kind in ("no-test-data", "declared-test-unproved", "namesake-tested"):
        return _measure(diagnosis, anomaly), _test(diagnosis, anomaly, benefit)
    return (_test(diagnosis, anomaly, benefit),)


def _test(diagnosis: CoverageDiagnosis, anomaly: CoverageAnomaly, benefit: str) -> Fix:
    name = beat_name(diagnosis)
    function = anomaly.handler or anomaly.event
    misses = diagnosis.cause_kind == "declared-test-misses-it"
    file = diagnosis.nearest_test or "a new test file of the plug-in"
    return Fix(
        slug="test",
        type="test",
        title=f"Make the declared test reach {name}" if misses else f"Test {name}",
        action=f"Change {file} so that it calls {function}." if misses else f"Add a test of it to {file}.",
        location=where(diagnosis),
        steps=(
            f"In {file}, call {function} with an input as production sends it, and check its result.",
            "Add a case with a missing or malformed input.",
            (
                f"Name the test in the definition ({diagnosis.location or anomaly.sequence}), "
                "run the tests with coverage."
            ),
        ),
        effort="hours",
        benefit=benefit,
    )


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
