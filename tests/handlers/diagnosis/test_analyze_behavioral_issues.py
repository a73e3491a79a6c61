"""Which beats differ, and which side changed."""

from __future__ import annotations

import pytest

from handlers.diagnosis.analyze_behavioral_issues import analyze_behavioral_issues
from handlers.model import BehavioralAnomaly, BehavioralDiagnosis, Sequence
from tests.handlers.diagnosis.builders import EXPORT, PATH, declared, deviating

SEQUENCE = Sequence(EXPORT, "Canvas Component Export", "ExportPlugin", PATH, "sequences/export.json")


def diagnosed(anomaly: BehavioralAnomaly, beats: tuple[int, ...] = (1, 2, 3, 4, 5, 6)) -> BehavioralDiagnosis:
    handlers = tuple(
        declared(event, event.title(), EXPORT, "ExportPlugin", beat, 10 + place)
        for place, (event, beat) in enumerate(zip(PATH, beats, strict=True))
    )
    (diagnosis,) = analyze_behavioral_issues((anomaly,), (SEQUENCE,), handlers=handlers).diagnosis
    return diagnosis


@pytest.mark.parametrize(
    ("observed", "says", "line"),
    [
        pytest.param(
            ("query-all", "discover", "collect-layout", "collect-css", "build", "download"),
            "beats 3 (collect-css) and 4 (collect-layout) are swapped",
            12,
            id="neighbours that changed places are swapped",
        ),
        pytest.param(
            ("download", "discover", "collect-css", "collect-layout", "build", "query-all"),
            "beats 1 (query-all) and 6 (download) are swapped",
            10,
            id="distant beats that changed places are swapped",
        ),
        pytest.param(
            ("query-all", "collect-css", "collect-layout", "build", "download"),
            "beat 2 (discover) does not run",
            11,
            id="a beat that never runs is missing",
        ),
        pytest.param(
            ("discover", "query-all", "collect-css", "collect-layout", "build"),
            "beat 6 (download) does not run; beats 1 (query-all) and 2 (discover) run in another place",
            15,
            id="a swap beside a missing beat: both are named",
        ),
        pytest.param(
            (*PATH, "audit"),
            "beat (audit) runs but does not belong to it",
            None,
            id="an unknown beat is extra",
        ),
        pytest.param(
            ("query-all", "query-all", *PATH[1:]),
            "beat 1 (query-all) runs too often",
            10,
            id="a beat that runs twice is repeated",
        ),
        pytest.param(
            ("discover", "collect-css", "collect-layout", "build", "query-all", "download"),
            "beat 1 (query-all) runs in another place",
            10,
            id="a beat that runs later is in another place",
        ),
    ],
)
def test_the_differing_beats_are_named_with_their_place_and_line(
    observed: tuple[str, ...], says: str, line: int | None
) -> None:
    diagnosis = diagnosed(deviating(observed=observed))
    assert diagnosis.cause.startswith(f"{says}: ")
    assert diagnosis.location == (f"sequences/{EXPORT}.json:{line}" if line else "sequences/export.json")
    assert diagnosis.definition_file == "sequences/export.json"


@pytest.mark.parametrize(
    ("anomaly", "kind", "verdict"),
    [
        pytest.param(
            deviating(expected=0.0, baseline_samples=400),
            "program-changed",
            "likely",
            id="earlier runs kept the definition: the program changed",
        ),
        pytest.param(
            deviating(baseline_samples=0),
            "definition-changed",
            "inconclusive",
            id="no earlier runs: which side is out of date stays open",
        ),
        pytest.param(
            deviating(expected=0.9, baseline_samples=400),
            "definition-changed",
            "inconclusive",
            id="earlier runs deviated too: which side is out of date stays open",
        ),
        pytest.param(
            deviating(expected_from="baseline"),
            "program-changed",
            "likely",
            id="the order was learned from earlier runs: the program changed",
        ),
    ],
)
def test_the_program_is_blamed_only_when_its_own_past_kept_the_order(
    anomaly: BehavioralAnomaly, kind: str, verdict: str
) -> None:
    diagnosis = diagnosed(anomaly)
    assert (diagnosis.cause_kind, diagnosis.verdict) == (kind, verdict)
    assert "400 of 400 runs (100 %) deviate" in diagnosis.evidence


def test_swapped_beats_with_the_same_declared_number_may_be_meant_to_run_in_any_order() -> None:
    same = diagnosed(deviating(), beats=(1, 2, 3, 3, 4, 5))
    assert same.evidence_against == ("the definition gives both beats the number 3: any order may be meant",)
    assert diagnosed(deviating()).evidence_against == ()


def test_a_sequence_that_the_log_names_by_its_name_finds_its_definition() -> None:
    diagnosis = diagnosed(deviating(sequence="Canvas Component Export"))
    assert diagnosis.location == f"sequences/{EXPORT}.json:12"


def test_an_undeclared_sequence_has_no_definition() -> None:
    (diagnosis,) = analyze_behavioral_issues((deviating(),), ()).diagnosis
    assert (diagnosis.location, diagnosis.definition_file) == ("", "")
