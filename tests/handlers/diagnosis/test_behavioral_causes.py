"""Why runs take another path: the definition changed, an error, load, a handler that is gone, the program."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handlers.diagnosis.analyze_behavioral_issues import analyze_behavioral_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.known import Known
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.model import (
    BehavioralAnomaly,
    BehavioralDiagnosis,
    Codebase,
    Commit,
    ErrorAnomaly,
    FileChange,
    Hunk,
    Past,
    Point,
    Sequence,
)
from tests.handlers.diagnosis.builders import EXPORT, PATH, START_MS, deviating, failing

STEP_MS = 10_000
FILE = "sequences/export.json"
DECLARED = Sequence(EXPORT, "Export", "ExportPlugin", PATH, f"/srv/{FILE}", FILE)
WITHOUT_CSS = tuple(each for each in PATH if each != "collect-css")


def changed(at_ms: int) -> Commit:
    return Commit("c0ffee", "Ada", at_ms, "Style first", (FileChange(FILE, FILE, (Hunk(60, 2, 60, 2),)),))


def past(shares: list[float], samples: list[int] | None = None) -> Past:
    first_ms = START_MS + 60_000 - len(shares) * STEP_MS
    counts = samples or [10] * len(shares)
    points = tuple(
        Point(first_ms + at * STEP_MS, share, count)
        for at, (share, count) in enumerate(zip(shares, counts, strict=True))
    )
    return Past(points, step_ms=STEP_MS)


def diagnosed(
    anomaly: BehavioralAnomaly,
    known_past: Past,
    *commits: Commit,
    errors: tuple[ErrorAnomaly, ...] = (),
) -> BehavioralDiagnosis:
    known = Known(Codebase(sequences=(DECLARED,), commits=commits), {anomaly.id: known_past})
    return analyze_behavioral_issues((anomaly,), (DECLARED,), errors=errors, known=known).diagnosis[0]


def missing(share: float = 1.0) -> BehavioralAnomaly:
    return deviating(kind="missing", observed=WITHOUT_CSS, beats=("collect-css",), share=share)


def test_the_definition_changed_where_the_runs_are_as_they_were_before_it() -> None:
    diagnosis = diagnosed(deviating(), past([1.0] * 12), changed(START_MS - 30_000))
    assert (diagnosis.cause_kind, diagnosis.verdict) == ("definition-changed", "confirmed")
    assert 'commit c0ffee ("Style first", Ada)' in diagnosis.cause
    assert "a changed program: the runs are as they were" in diagnosis.ruled_out


def test_then_the_definition_is_to_be_changed_first() -> None:
    diagnosis = diagnosed(deviating(), past([1.0] * 12), changed(START_MS - 30_000))
    recommended = recommend_fixes(assess_impact((diagnosis,)).assessed_diagnosis).recommendations
    assert [each.type for each in recommended] == ["sequence", "code"]


def test_the_program_changed_where_the_definition_is_older_than_the_change() -> None:
    diagnosis = diagnosed(deviating(), past([0.0] * 20 + [1.0] * 6), changed(START_MS - 3_600_000))
    assert diagnosis.cause_kind == "program-changed"
    assert any("a changed definition: it is as commit c0ffee" in each for each in diagnosis.ruled_out)


def test_a_definition_that_no_run_of_the_time_before_shows_proves_nothing() -> None:
    diagnosis = diagnosed(deviating(), past([1.0] * 6), changed(START_MS - 3_600_000))
    assert diagnosis.cause_kind == "program-changed"


def test_a_beat_that_no_run_plays_is_not_registered() -> None:
    assert diagnosed(missing(), past([0.0] * 20 + [1.0] * 6)).cause_kind == "not-registered"


def test_a_beat_that_some_runs_lack_is_registered() -> None:
    assert diagnosed(missing(0.4), past([0.0] * 20 + [0.4] * 6)).cause_kind == "program-changed"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param(failing(sequence=EXPORT, event="discover"), "TypeError in", id="an error"),
        pytest.param(
            failing(sequence=EXPORT, event="discover", error_type="TimeoutError", template="timed out"),
            "which is a time limit",
            id="a time limit",
        ),
    ],
)
def test_an_error_in_an_earlier_beat_may_abort_the_runs(error: ErrorAnomaly, says: str) -> None:
    diagnosis = diagnosed(missing(0.4), past([0.0] * 20 + [0.4] * 6), errors=(error,))
    assert (diagnosis.cause_kind, diagnosis.verdict) == ("aborted", "inconclusive")
    assert says in diagnosis.cause


def test_an_error_in_a_later_beat_aborts_nothing() -> None:
    later = failing(sequence=EXPORT, event="download")
    diagnosis = diagnosed(missing(0.4), past([0.0] * 20 + [0.4] * 6), errors=(later,))
    assert diagnosis.cause_kind == "program-changed"


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        pytest.param(30, "race", id="with more load"),
        pytest.param(10, "program-changed", id="with equal load"),
    ],
)
def test_an_order_that_varies_is_a_race_only(after: int, kind: str) -> None:
    some = replace(deviating(), actual=0.3)
    diagnosis = diagnosed(some, past([0.0] * 6 + [0.3] * 6, [10] * 6 + [after] * 6))
    assert diagnosis.cause_kind == kind
