"""What else changed when an anomaly began is told: versions, settings, definitions."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.happenings import happenings
from handlers.diagnosis.known import Known
from handlers.diagnosis.onset import Onset
from handlers.model import Mark, Past, PerformanceDiagnosis, Point
from tests.handlers.diagnosis.builders import START_MS, slow
from tests.handlers.diagnosis.test_code_at_fault import past

MINUTE_MS = 60_000
BEGAN = Onset(START_MS - MINUTE_MS, START_MS, (), ())
OTHER_LIMIT = Mark(START_MS, "", "settings", "detect.over_expected", "0.5", "0.2")


def version(before_ms: int, before: str = "1.0") -> Mark:
    return Mark(START_MS - before_ms, "app.log", "version", "shop", before, "1.1")


def diagnosed(*marks: Mark) -> PerformanceDiagnosis:
    anomaly = slow()
    known = Known(pasts={anomaly.id: replace(past(), marks=marks)})
    return analyze_performance_issues((anomaly,), (), known=known).diagnosis[0]


def test_a_version_with_which_it_began_is_in_the_cause() -> None:
    diagnosis = diagnosed(version(MINUTE_MS))
    assert diagnosis.cause.endswith("it began with version 1.1 (before: 1.0)")
    assert any(each.startswith("first bad version: 1.1 of shop") for each in diagnosis.evidence)


@pytest.mark.parametrize(
    "mark", [version(4 * MINUTE_MS), version(MINUTE_MS, before="")], ids=["long before", "the first known"]
)
def test_another_version_is_not(mark: Mark) -> None:
    assert "version" not in diagnosed(mark).cause


def test_a_version_that_ran_as_usual_is_ruled_out() -> None:
    found = happenings(slow(), Past(marks=(version(60 * MINUTE_MS),)), BEGAN, None)
    assert [each.partition(":")[0] for each in found.ruled_out] == ["version 1.1 of shop"]


def test_a_definition_that_changed_then_is_evidence_for_its_sequence_alone() -> None:
    anomaly = slow()
    marks = tuple(
        Mark(START_MS, "", "definition", name, "a → b", "b → a") for name in (anomaly.sequence, "other")
    )
    found = happenings(anomaly, Past(marks=marks), BEGAN, None)
    assert [each.partition(" at ")[0] for each in found.evidence] == [
        f"the definition of {anomaly.sequence} changed"
    ]


@pytest.mark.parametrize(
    ("mark", "is_told"),
    [
        pytest.param(OTHER_LIMIT, True, id="another limit"),
        pytest.param(replace(OTHER_LIMIT, about="project.root"), False, id="no limit"),
        pytest.param(replace(OTHER_LIMIT, at_ms=START_MS - 3_600_000), False, id="long before"),
    ],
)
def test_where_the_figure_is_as_it_was_other_limits_speak_against_it(mark: Mark, is_told: bool) -> None:
    points = tuple(Point(START_MS - MINUTE_MS + at * 10_000, 65.7, 10) for at in range(12))
    found = happenings(slow(), Past(points, marks=(mark,)), None, None)
    assert bool(found.evidence_against) == is_told
    assert not found.evidence
    assert not happenings(slow(), Past(points, marks=(mark,)), BEGAN, None).evidence_against
