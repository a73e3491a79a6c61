"""That work grows with what it goes through is said only where the same load takes longer and longer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.growth import growth_of
from handlers.diagnosis.known import Known
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.model import Codebase, Hazard, Mark, Past, PerformanceDiagnosis, Point
from tests.handlers.diagnosis.builders import START_MS, slow
from tests.handlers.diagnosis.test_code_at_fault import HANDLER, function

STEP_MS = 10_000
STEPS = 60
BEGIN_MS = START_MS - STEPS * STEP_MS
LOOP = Hazard("growth", "items", 9, in_loop=True, blocks=False)


def past(
    ms_at: Callable[[int], float], load_at: Callable[[int], int] = lambda _: 10, starts: tuple[int, ...] = ()
) -> Past:
    return Past(
        tuple(Point(BEGIN_MS + at * STEP_MS, ms_at(at), load_at(at)) for at in range(STEPS)),
        step_ms=STEP_MS,
        marks=tuple(Mark(BEGIN_MS + at * STEP_MS, "app", "restarted") for at in starts),
    )


def grows(known: Past) -> bool:
    return growth_of(slow(), known, BEGIN_MS) is not None


def wobble(at: int) -> float:
    return (at * 7 % 5 - 2) / 10


@pytest.mark.parametrize(
    ("known", "is_growth"),
    [
        pytest.param(past(lambda at: 20 + at + wobble(at)), True, id="longer and longer"),
        pytest.param(past(lambda at: 20 + at, lambda at: 10 + at), False, id="so does the load"),
        pytest.param(past(lambda at: 20 + 10 * wobble(at)), False, id="up and down"),
        pytest.param(past(lambda at: 20 + at / 20), False, id="by hardly anything"),
        pytest.param(past(lambda at: 20 if at < 30 else 60), False, id="once, by a step"),
        pytest.param(past(lambda at: 80 - at), False, id="shorter and shorter"),
    ],
)
def test_it_grows(known: Past, is_growth: bool) -> None:
    assert grows(known) == is_growth


def test_what_starts_low_again_with_the_program_is_kept_by_it() -> None:
    known = past(lambda at: 20 + 2 * (at % 30) + wobble(at), starts=(30,))
    found = growth_of(slow(), known, BEGIN_MS)
    assert found is not None
    assert found.is_of_process
    assert "it is low again after each start of the program (1 start), and grows again" in found.evidence


def diagnosed(known_past: Past, *hazards: Hazard) -> PerformanceDiagnosis:
    anomaly = replace(slow(), kind="drift")
    source = (function("renderReact", 5, *hazards),)
    known = Known(Codebase(handlers=(HANDLER,), source=source), {anomaly.id: known_past})
    return analyze_performance_issues((anomaly,), (HANDLER,), known=known).diagnosis[0]


def test_a_loop_in_a_loop_is_blamed_where_the_time_grows() -> None:
    diagnosis = diagnosed(past(lambda at: 20 + at), LOOP)
    assert "renderReact goes through items again for each item of a loop (src/react.ts:9)" in diagnosis.cause
    assert any(each.startswith("it grows from ") for each in diagnosis.evidence)
    (fix, *_) = recommend_fixes(assess_impact((diagnosis,)).assessed_diagnosis).recommendations
    assert fix.action.startswith("Go through items once, before the loop (src/react.ts:9)")


def test_without_growth_an_old_loop_in_a_loop_is_not_accused() -> None:
    anomaly = slow()
    known = Known(
        Codebase(handlers=(HANDLER,), source=(function("renderReact", 5, LOOP),)),
        {anomaly.id: past(lambda at: 20 if at < 30 else 60)},
    )
    (diagnosis,) = analyze_performance_issues((anomaly,), (HANDLER,), known=known).diagnosis
    assert "items" not in diagnosis.cause
