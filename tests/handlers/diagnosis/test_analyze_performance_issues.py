"""Why a beat is slow, and what is ruled out."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.model import (
    AnyAnomaly,
    BeatStats,
    Member,
    PerformanceDiagnosis,
    RunStats,
    TelemetryMetrics,
    Window,
)
from tests.handlers.diagnosis.builders import START_MS, declared, deviating, failing, slow

CREATE = "create-symphony"
HANDLER = declared("render-react", "renderReact", CREATE, "CreatePlugin", line=42)


def diagnosed(*others: AnyAnomaly, metrics: TelemetryMetrics | None = None) -> PerformanceDiagnosis:
    anomaly = slow()
    found = analyze_performance_issues(
        (anomaly,), (HANDLER,), all_anomalies=(anomaly, *others), metrics=metrics
    ).diagnosis
    assert len(found) == 1
    return found[0]


def test_a_slow_beat_without_other_trouble_is_slow_by_its_own_work_and_never_more_than_likely() -> None:
    diagnosis = diagnosed()
    assert (diagnosis.cause_kind, diagnosis.verdict) == ("own-work", "likely")
    assert diagnosis.location == f"sequences/{CREATE}.json:42"
    assert "CreatePlugin.renderReact" in diagnosis.cause
    assert diagnosis.evidence[0].startswith("median 65.7 ms instead of 29.2 ms (2.25 times)")
    assert "2026-11-22 16:11:20 UTC" in diagnosis.evidence[1]
    assert len(diagnosis.ruled_out) == 3


def shifted(*beats: str, share: float = 1.0, sequence: str = CREATE) -> AnyAnomaly:
    path = ("validate", "render-react", "notify")
    return deviating(declared=path, observed=path, beats=beats, sequence=sequence, share=share)


@pytest.mark.parametrize(
    ("other", "kind", "verdict"),
    [
        pytest.param(
            failing(event="render-react", sequence=CREATE, count=300, executions=400),
            "error-or-retry",
            "inconclusive",
            id="errors in most executions of the same beat may be the cause",
        ),
        pytest.param(
            failing(event="render-react", sequence=CREATE, count=40, executions=400),
            "own-work",
            "likely",
            id="errors in a tenth of the executions cannot move the median",
        ),
        pytest.param(
            failing(event="render-react", sequence="other-symphony", count=400, executions=400),
            "own-work",
            "likely",
            id="errors of the same event in another sequence are another beat",
        ),
        pytest.param(
            shifted("render-react"),
            "sequence-change",
            "likely",
            id="a change of the sequence at this beat is the likely cause",
        ),
        pytest.param(
            shifted("validate"),
            "sequence-change",
            "inconclusive",
            id="a change before this beat may give it another input",
        ),
        pytest.param(
            shifted("notify"), "own-work", "likely", id="a change after this beat is ruled out as the cause"
        ),
        pytest.param(
            shifted("render-react", share=0.1),
            "own-work",
            "likely",
            id="a change in a tenth of the runs cannot move the median",
        ),
        pytest.param(
            shifted("render-react", sequence="other-symphony"),
            "own-work",
            "likely",
            id="a change of another sequence has nothing to do with it",
        ),
    ],
)
def test_other_anomalies_of_the_same_beat_or_sequence_are_weighed(
    other: AnyAnomaly, kind: str, verdict: str
) -> None:
    diagnosis = diagnosed(other)
    assert (diagnosis.cause_kind, diagnosis.verdict) == (kind, verdict)
    own_work_is_open = any("itself" in each for each in diagnosis.evidence_against)
    assert own_work_is_open == (kind != "own-work"), "own work is never ruled out by what else is there"


def measured(slow_handlers: int, all_handlers: int) -> TelemetryMetrics:
    beats = {
        ("s", f"event-{number}"): BeatStats(
            plugin=f"Plugin{number}", handler=f"handler{number}", completed=10, total_us=10, bins={1: 10}
        )
        for number in range(all_handlers)
    }
    assert slow_handlers <= all_handlers
    return TelemetryMetrics(10_000, {START_MS: Window(START_MS, beats=beats)})


@pytest.mark.parametrize(
    ("ratios", "start_ms", "of", "kind", "verdict"),
    [
        pytest.param(
            [2.2, 2.3, 2.1, 2.4], START_MS, 6, "common-cause", "likely", id="most handlers slow alike: likely"
        ),
        pytest.param(
            [2.2, 2.3, 2.1, 2.4],
            START_MS,
            60,
            "common-cause",
            "inconclusive",
            id="a few of many handlers slow alike: something they share, inconclusive",
        ),
        pytest.param(
            [2.2, 2.3, 2.1, 2.4],
            START_MS,
            None,
            "common-cause",
            "inconclusive",
            id="how many handlers were measured is unknown: inconclusive",
        ),
        pytest.param(
            [9.0, 4.0, 1.6, 14.0], START_MS, 6, "own-work", "likely", id="factors differ: no common cause"
        ),
        pytest.param(
            [2.2, 2.3, 2.1, 2.4],
            START_MS + 9_000_000,
            6,
            "own-work",
            "likely",
            id="at another time: no common cause",
        ),
        pytest.param(
            [2.2, 2.3, 2.1, 2.4],
            START_MS - 9_000_000,
            6,
            "own-work",
            "likely",
            id="over before this one began: no common cause",
        ),
        pytest.param([2.2, 2.3], START_MS, 6, "own-work", "likely", id="three handlers are too few"),
    ],
)
def test_many_handlers_slowed_by_a_similar_factor_have_a_common_cause(
    ratios: list[float], start_ms: int, of: int | None, kind: str, verdict: str
) -> None:
    others = tuple(
        slow(f"event-{n}", f"handler{n}", "s", f"Plugin{n}", ratio, first_seen_ms=start_ms)
        for n, ratio in enumerate(ratios)
    )
    metrics = None if of is None else measured(len(ratios), of)
    anomalies = (slow(), *others)
    first = analyze_performance_issues(anomalies, (), all_anomalies=anomalies, metrics=metrics).diagnosis[0]
    assert (first.cause_kind, first.verdict) == (kind, verdict)


def test_handlers_that_are_told_as_one_have_a_common_cause() -> None:
    members = tuple(
        Member(f"perf-{n}", "performance", CREATE, f"e{n}", f"CreatePlugin.handler{n}", "2.2 times")
        for n in range(6)
    )
    group = replace(slow(), members=members)
    (found,) = analyze_performance_issues((group,), (), all_anomalies=(group,)).diagnosis
    assert found.cause_kind == "common-cause"
    assert not any("a common cause" in each for each in found.ruled_out)


def test_one_handler_that_is_slow_in_many_sequences_is_no_common_cause() -> None:
    anomalies = tuple(slow(sequence=f"sequence-{number}") for number in range(8))
    assert {each.cause_kind for each in analyze_performance_issues(anomalies, ()).diagnosis} == {"own-work"}


def test_the_share_of_the_run_comes_from_the_telemetry_and_is_unknown_without_it() -> None:
    window = Window(
        START_MS,
        beats={(CREATE, "render-react"): BeatStats(total_us=600, bins={1: 1})},
        runs={CREATE: RunStats(completed=1, total_us=1000)},
    )
    assert diagnosed(metrics=TelemetryMetrics(10_000, {START_MS: window})).share_of_run == pytest.approx(0.6)
    assert diagnosed().share_of_run is None
    assert diagnosed(metrics=TelemetryMetrics(10_000, {})).share_of_run is None


def test_a_pure_handler_is_not_said_to_wait() -> None:
    pure = declared("render-react", "renderReact", CREATE, "CreatePlugin", kind="pure")
    causes = [
        analyze_performance_issues((slow(),), (handler,)).diagnosis[0].cause for handler in (pure, HANDLER)
    ]
    assert "waits" not in causes[0]
    assert "waits" in causes[1]


def test_a_beat_that_no_definition_declares_has_no_location() -> None:
    assert analyze_performance_issues((slow(),), ()).diagnosis[0].location == ""
