"""What failing executions have in common, told by attributes and found in the telemetry."""

from __future__ import annotations

from handlers.diagnosis.analyze_error_issues import analyze_error_issues
from handlers.diagnosis.common_attributes import Cohort, common_attributes
from handlers.model import BeatStats, ErrorAnomaly, ErrorStats, TelemetryMetrics, Window
from tests.handlers.diagnosis.builders import START_MS, failing

EXPORT, IMPORT, PANEL = "export-symphony", "import-symphony", "panel-symphony"


def cohort(executions: int, failed: int, **attributes: str) -> Cohort:
    return Cohort(tuple(attributes.items()), executions, failed)


def test_the_attribute_that_parts_failing_from_other_executions_comes_first() -> None:
    first, *rest = common_attributes(
        [
            cohort(100, 60, version="2", sequence="export"),
            cohort(50, 30, version="2", sequence="import"),
            cohort(100, 0, version="1", sequence="export"),
        ]
    )
    assert (first.name, first.value, first.failed, first.succeeded) == ("version", "2", 90, 60)
    assert first.reason == "100 % of 90 failing executions and 37.5 % of 160 others are of version 2"
    assert all(each.contrast < first.contrast for each in rest)


def test_what_all_executions_have_explains_nothing() -> None:
    assert common_attributes([cohort(100, 50, host="a"), cohort(100, 50, host="a")]) == ()


def test_few_executions_prove_nothing() -> None:
    assert common_attributes([cohort(1, 1, host="a"), cohort(1, 0, host="b")]) == ()


def test_more_failures_than_executions_count_as_all_of_them() -> None:
    (only,) = common_attributes([cohort(50, 900, host="a"), cohort(50, 0, host="b")])
    assert (only.failed, only.succeeded) == (50, 0)


def test_no_executions_have_nothing_in_common() -> None:
    assert common_attributes([]) == ()


def diagnosed(anomaly: ErrorAnomaly, beats: dict[tuple[str, str], tuple[str, int, int]]) -> list[str]:
    """`beats`: (sequence, event) -> (handler, executions, errors). The evidence that tells of attributes."""
    window = Window(
        START_MS,
        {
            key: BeatStats(plugin="Plugin", handler=handler, completed=executions)
            for key, (handler, executions, _) in beats.items()
        },
        errors={
            (*key, anomaly.error_type, anomaly.template, ""): ErrorStats(count=errors)
            for key, (_, _, errors) in beats.items()
            if errors
        },
    )
    metrics = TelemetryMetrics(10_000, {START_MS: window})
    (diagnosis,) = analyze_error_issues((anomaly,), (), metrics=metrics).diagnosis
    return [each for each in diagnosis.evidence if each.startswith("in common")]


def test_an_error_of_a_handler_in_one_of_its_sequences_names_the_sequence() -> None:
    evidence = diagnosed(
        failing(event="save", sequence=EXPORT),
        {(EXPORT, "save"): ("save", 100, 40), (IMPORT, "save"): ("save", 200, 0)},
    )
    assert evidence == [
        f"in common: 100 % of 40 failing executions and 23.1 % of 260 others are of sequence {EXPORT}"
    ]


def test_an_error_in_all_sequences_of_a_handler_has_no_sequence_in_common() -> None:
    evidence = diagnosed(
        failing(event="save", sequence=EXPORT),
        {(EXPORT, "save"): ("save", 100, 40), (IMPORT, "save"): ("save", 100, 40)},
    )
    assert evidence == []


def test_beats_that_share_neither_handler_nor_event_are_no_comparison() -> None:
    evidence = diagnosed(
        failing(event="save", sequence=EXPORT),
        {(EXPORT, "save"): ("save", 100, 40), (PANEL, "render"): ("render", 900, 0)},
    )
    assert evidence == []


def test_without_telemetry_nothing_is_said_of_attributes() -> None:
    (diagnosis,) = analyze_error_issues((failing(event="save", sequence=EXPORT),), ()).diagnosis
    assert not any(each.startswith("in common") for each in diagnosis.evidence)
