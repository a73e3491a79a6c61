"""What the source says: the call at fault, the frame in the checkout, the error before; and load."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handlers.diagnosis.analyze_error_issues import analyze_error_issues
from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.frame_location import in_checkout
from handlers.diagnosis.known import Known
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.model import (
    Codebase,
    Commit,
    CoveredFunction,
    FileChange,
    Function,
    Handler,
    Hazard,
    HazardKind,
    Hunk,
    Mark,
    Past,
    PerformanceDiagnosis,
    Point,
    Sequence,
)
from tests.handlers.diagnosis.builders import START_MS, failing, slow

STEP_MS = 10_000
HANDLER = Handler(
    "create-symphony",
    "render-react",
    "CreatePlugin",
    "renderReact",
    1,
    file="src/react.ts",
    line=5,
    end_line=20,
)


def function(
    name: str, line: int, *hazards: Hazard, calls: tuple[str, ...] = (), is_async: bool = False
) -> Function:
    return Function(
        name=name,
        qualified_name=name,
        file="src/react.ts",
        line=line,
        body_line=line + 1,
        end_line=line + 15,
        signature="()",
        is_async=is_async,
        complexity=1,
        calls=calls,
        hazards=hazards,
        is_test=False,
    )


def hazard(
    kind: HazardKind = "network", line: int = 9, *, in_loop: bool = False, blocks: bool = True
) -> Hazard:
    return Hazard(kind, "fetch", line, in_loop, blocks)


def past(before: int = 10, after: int = 10) -> Past:
    """A slow minute after five usual ones; `before`, `after`: executions in ten seconds."""
    first_ms = START_MS - 300_000
    return Past(
        tuple(
            Point(first_ms + at * STEP_MS, 29.2 if at < 30 else 65.7, before if at < 30 else after)
            for at in range(36)
        ),
        step_ms=STEP_MS,
    )


def diagnosed(
    *functions: Function, commits: tuple[Commit, ...] = (), known_past: Past | None = None
) -> PerformanceDiagnosis:
    anomaly = slow()
    known = Known(
        Codebase(handlers=(HANDLER,), source=functions, commits=commits), {anomaly.id: known_past or past()}
    )
    return analyze_performance_issues((anomaly,), (HANDLER,), known=known).diagnosis[0]


@pytest.mark.parametrize(
    ("functions", "says"),
    [
        pytest.param(
            (function("renderReact", 5, hazard(in_loop=True)),),
            "renderReact calls fetch (src/react.ts:9), which waits for the network in a loop",
            id="a request in a loop",
        ),
        pytest.param(
            (function("renderReact", 5, hazard("sleep")),), "which sleeps", id="a sleep, wherever it stands"
        ),
        pytest.param(
            (function("renderReact", 5, hazard("file"), is_async=True),),
            "which stops everything else of its event loop",
            id="a synchronous call in asynchronous code",
        ),
        pytest.param(
            (
                function("renderReact", 5, calls=("load",)),
                function("load", 40, hazard("database", 44, in_loop=True)),
            ),
            "load calls fetch (src/react.ts:44), which waits for a database in a loop",
            id="a query in a loop of what it calls",
        ),
    ],
)
def test_the_call_that_can_take_the_time_is_named(functions: tuple[Function, ...], says: str) -> None:
    assert says in diagnosed(*functions).cause


def test_a_call_that_was_there_before_and_is_usual_is_not_accused() -> None:
    diagnosis = diagnosed(function("renderReact", 5, hazard()))
    assert "fetch" not in diagnosis.cause
    assert diagnosis.hazard is None


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        pytest.param(9, "confirmed", id="the commit brought the call"),
        pytest.param(12, "likely", id="the commit changed another line of the function"),
    ],
)
def test_a_commit_is_confirmed_only_if_the_call_at_fault_is_its_doing(line: int, verdict: str) -> None:
    change = FileChange("src/react.ts", "src/react.ts", (Hunk(line, 1, line, 1),))
    commit = Commit("c0ffee", "Ada", START_MS - 60_000, "Fetch each", (change,))
    diagnosis = diagnosed(function("renderReact", 5, hazard(in_loop=True)), commits=(commit,))
    assert (diagnosis.verdict, diagnosis.location) == (verdict, f"src/react.ts:{line}")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        pytest.param(hazard(in_loop=True), "Take fetch (src/react.ts:9) out of the loop", id="in a loop"),
        pytest.param(hazard("sleep"), "Remove fetch (src/react.ts:9)", id="a sleep"),
    ],
)
def test_the_fix_says_what_to_do_with_the_call(found: Hazard, says: str) -> None:
    diagnosis = diagnosed(function("renderReact", 5, found))
    first = recommend_fixes(assess_impact((diagnosis,)).assessed_diagnosis).recommendations[0]
    assert first.action.startswith(says)


@pytest.mark.parametrize(
    ("after", "kind"),
    [pytest.param(25, "load", id="came"), pytest.param(11, "own-work", id="did not come")],
)
def test_load_is_the_cause_only_where_more_work(after: int, kind: str) -> None:
    diagnosis = diagnosed(known_past=past(10, after))
    assert diagnosis.cause_kind == kind
    assert any(each.startswith("more load: ") for each in diagnosis.ruled_out) == (kind == "own-work")


def test_a_changed_function_is_suspected_before_more_load() -> None:
    change = FileChange("src/react.ts", "src/react.ts", (Hunk(12, 1, 12, 1),))
    commit = Commit("c0ffee", "Ada", START_MS - 60_000, "Fetch each", (change,))
    diagnosis = diagnosed(function("renderReact", 5), commits=(commit,), known_past=past(10, 25))
    assert diagnosis.cause_kind == "own-work"
    assert any("more work came in" in each for each in diagnosis.evidence_against)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        pytest.param("/srv/shop/src/cart/add.ts:7", "src/cart/add.ts:7", id="another root"),
        pytest.param("C:\\build\\src\\cart\\add.ts:7", "src/cart/add.ts:7", id="of a Windows machine"),
        pytest.param("/app/index.ts:7", "/app/index.ts:7", id="a name that two files have: as it stands"),
        pytest.param(
            "/app/src/pay/index.ts:7", "src/pay/index.ts:7", id="the one with the longer common end"
        ),
        pytest.param("/app/gone.ts:7", "/app/gone.ts:7", id="a file that is not there: as it stands"),
        pytest.param("native code", "native code", id="no file at all: as it stands"),
    ],
)
def test_a_frame_is_found_in_the_checkout(location: str, expected: str) -> None:
    assert in_checkout(location, ("src/cart/add.ts", "src/cart/index.ts", "src/pay/index.ts")) == expected


def test_an_error_of_an_earlier_beat_is_told_with_the_one_that_follows() -> None:
    sequence = Sequence("panel", "Panel", "P", ("load", "render"))
    first = failing(event="load", handler="load", sequence="panel", error_type="IOError")
    then = replace(failing(event="render", sequence="panel"), first_seen_ms=START_MS + 1000)
    known = Known(Codebase(sequences=(sequence,)))
    one, other = analyze_error_issues((first, then), (), known=known).diagnosis
    assert not any("it may follow" in each for each in one.evidence_against)
    assert any(
        "it may follow from IOError in ControlPanelPlugin.load" in each for each in other.evidence_against
    )


def test_the_first_bad_of_an_error_is_the_commit_or_the_restart_at_which_it_began() -> None:
    anomaly = replace(failing(count=50, executions=100), frame="renderReact (src/react.ts:9:1)")
    points = tuple(Point(START_MS + at * STEP_MS, 0.0 if at < 0 else 0.5, 10) for at in range(-30, 6))
    marks = (Mark(START_MS - 3_600_000, "app", "restarted"), Mark(START_MS, "app", "restarted"))
    change = FileChange("src/react.ts", "src/react.ts", (Hunk(9, 1, 9, 1),))
    commits = (
        Commit("c0ffee", "Ada", START_MS - 60_000, "Fetch each", (change,)),
        Commit("0ddba11", "Eve", START_MS - 7_200_000, "Rename", (change,)),
    )
    codebase = Codebase(source=(function("renderReact", 5),), commits=commits)
    known = Known(codebase, {anomaly.id: Past(points, step_ms=STEP_MS, marks=marks)})
    (diagnosis,) = analyze_error_issues((anomaly,), (), known=known).diagnosis
    assert diagnosis.verdict == "confirmed"
    assert [each.sha for each in diagnosis.suspects] == ["c0ffee"]
    assert "c0ffee" in diagnosis.cause
    assert any(each.startswith("app restarted at 2026-11-22") for each in diagnosis.evidence)
    assert any("0ddba11" in each for each in diagnosis.ruled_out)


@pytest.mark.parametrize(
    ("missed", "is_told"),
    [
        pytest.param(((7, 7), (9, 11)), True, id="that no test runs: told"),
        pytest.param(((7, 8), (10, 11)), False, id="that tests run: not"),
    ],
)
def test_an_error_is_thrown_on_a_line(missed: tuple[tuple[int, int], ...], is_told: bool) -> None:
    anomaly = replace(failing(), frame="renderReact (/app/src/react.ts:9:1)")
    covered = CoveredFunction("renderReact", "src/react.ts", 5, True, "lcov.info", missed=missed)
    known = Known(Codebase(source=(function("renderReact", 5),), functions=(covered,)))
    (diagnosis,) = analyze_error_issues((anomaly,), (), known=known).diagnosis
    assert ("no test runs src/react.ts:9, by lcov.info" in diagnosis.evidence) == is_told


def test_an_error_is_thrown_on_a_line_that_tests_run_and_do_not_leave_by_all_ways() -> None:
    anomaly = replace(failing(), frame="renderReact (/app/src/react.ts:9:1)")
    covered = CoveredFunction("renderReact", "src/react.ts", 5, True, "lcov.info", half_taken=(9,))
    known = Known(Codebase(source=(function("renderReact", 5),), functions=(covered,)))
    (diagnosis,) = analyze_error_issues((anomaly,), (), known=known).diagnosis
    told = "tests run src/react.ts:9, but take not all ways on from it, by lcov.info"
    assert told in diagnosis.evidence
