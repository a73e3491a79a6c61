"""What waits its turn is told from what works longer."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from daemon.report.series import series_of
from handlers.diagnosis.added_work import added_work_ms
from handlers.diagnosis.analyze_behavioral_issues import analyze_behavioral_issues
from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.known import Known
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.metrics import SHORT_WAIT_MS
from handlers.model import (
    AnyAnomaly,
    BeatStats,
    BehavioralDiagnosis,
    FixRecommendation,
    Past,
    PerformanceDiagnosis,
    Point,
    RunStats,
    TelemetryMetrics,
    WaitStats,
    Window,
)
from handlers.sketch import ZERO_BIN, bin_of
from tests.handlers.diagnosis.builders import EXPORT, START_MS, deviating, slow

STEP_MS = 10_000
LATE = replace(
    deviating(observed=(), beats=("build",), kind="too-late", expected_from="baseline"),
    actual=120.0,
    expected=20.0,
    limit=30.0,
    unit="ms",
)
USUAL_MS = {(EXPORT, "build"): 10.0, (EXPORT, "collect-layout"): 5.0}


def window(sequence: str, run_ms: float, **beats_ms: float) -> TelemetryMetrics:
    """The window in which an anomaly began."""
    beats = {
        (sequence, event.replace("_", "-")): BeatStats(completed=20, bins={bin_of(round(ms * 1000)): 20})
        for event, ms in beats_ms.items()
    }
    runs = {sequence: RunStats(completed=20, bins={bin_of(round(run_ms * 1000)): 20})}
    return TelemetryMetrics(STEP_MS, {START_MS: Window(START_MS, beats, runs)})


def known(anomaly: AnyAnomaly, load: float) -> Known:
    """The figure rises at the beginning of the anomaly, from when it runs `load` times as often."""
    points = tuple(
        Point(
            START_MS + at * STEP_MS, *((anomaly.expected, 10) if at < 0 else (anomaly.actual, int(10 * load)))
        )
        for at in range(-30, 6)
    )
    return Known(pasts={anomaly.id: Past(points, step_ms=STEP_MS)})


def late(build_ms: float = 10, layout_ms: float = 5, load: float = 1.0) -> BehavioralDiagnosis:
    metrics = window(EXPORT, 300, build=build_ms, collect_layout=layout_ms)
    return analyze_behavioral_issues(
        (LATE,), (), metrics=metrics, usual_ms=USUAL_MS, known=known(LATE, load)
    ).diagnosis[0]


@pytest.mark.parametrize(
    ("diagnosis", "kind", "verdict"),
    [
        pytest.param(late(load=3), "queueing", "likely", id="it waits longer, and more work comes in"),
        pytest.param(late(), "queueing", "inconclusive", id="it waits longer under the same load"),
        pytest.param(
            late(build_ms=400), "held-up", "inconclusive", id="its own work grew by more than the wait"
        ),
        pytest.param(
            analyze_behavioral_issues((LATE,), ()).diagnosis[0],
            "held-up",
            "inconclusive",
            id="without telemetry nothing is said of its own work",
        ),
    ],
)
def test_a_late_beat_queues_where_the_wait_grew_and_not_its_work(
    diagnosis: BehavioralDiagnosis, kind: str, verdict: str
) -> None:
    assert (diagnosis.cause_kind, diagnosis.verdict) == (kind, verdict)


def test_the_figures_of_waiting_and_working_are_told() -> None:
    diagnosis = late(load=3)
    assert "a run waits 100 ms longer for it (median)" in diagnosis.evidence
    assert "it ran 3.00 times as often as before it began" in diagnosis.evidence
    (own,) = diagnosis.ruled_out
    assert own.startswith("its own work: ")
    assert own.endswith(" against 100 ms more of waiting")


def test_a_load_that_did_not_rise_is_ruled_out() -> None:
    assert any(each.startswith("more load: it ran 1.00 times") for each in late().ruled_out)


@pytest.mark.parametrize(
    ("layout_ms", "is_told"),
    [pytest.param(55, True, id="that grew"), pytest.param(5, False, id="that is as usual: not")],
)
def test_a_beat_before_it_is_named(layout_ms: float, is_told: bool) -> None:
    evidence = late(layout_ms=layout_ms).evidence
    assert any(each.startswith("collect-layout, which is played before it") for each in evidence) == is_told


def test_windows_before_the_anomaly_tell_what_is_usual_where_nothing_was_learned() -> None:
    during = window(EXPORT, 300, build=50).windows[START_MS]
    before = replace(window(EXPORT, 300, build=20).windows[START_MS], start_ms=START_MS - STEP_MS)
    metrics = TelemetryMetrics(STEP_MS, {each.start_ms: each for each in (before, during)})
    assert added_work_ms(LATE, metrics, {}) == {"build": pytest.approx(30, rel=0.05)}


def slowed(run_ms: float, load: float) -> PerformanceDiagnosis:
    """Of 30 ms more in the beat, in runs that usually take 60 ms."""
    anomaly = slow()
    metrics = window(anomaly.sequence, run_ms, render_react=65.7, notify=5)
    usual_ms = {(anomaly.sequence, "notify"): 5.0, (anomaly.sequence, ""): 60.0}
    return analyze_performance_issues(
        (anomaly,), (), metrics=metrics, usual_ms=usual_ms, known=known(anomaly, load)
    ).diagnosis[0]


@pytest.mark.parametrize(
    ("diagnosis", "kind"),
    [
        pytest.param(slowed(600, load=3), "queueing", id="runs wait more than the beat works, under load"),
        pytest.param(slowed(97, load=3), "load", id="under load all that was added is in the beat"),
        pytest.param(slowed(600, load=1), "own-work", id="without more load waiting has another cause"),
    ],
)
def test_a_slow_beat_queues_with_its_sequence(diagnosis: PerformanceDiagnosis, kind: str) -> None:
    assert diagnosis.cause_kind == kind


def test_what_works_longer_rules_queueing_out_with_figures() -> None:
    (ruled_out,) = (each for each in slowed(97, load=3).ruled_out if each.startswith("queueing: "))
    assert ruled_out.endswith(" more in this one")


def recommended(diagnosis: BehavioralDiagnosis | PerformanceDiagnosis) -> FixRecommendation:
    (fix,) = recommend_fixes(assess_impact((diagnosis,)).assessed_diagnosis).recommendations
    return fix


@pytest.mark.parametrize(
    ("fix", "title", "last"),
    [
        pytest.param(
            recommended(late(load=3)),
            f"Shorten the queue before build in {EXPORT}",
            "Check that the median wait is below 30.0 ms at the same load.",
            id="of a late beat",
        ),
        pytest.param(
            recommended(slowed(600, load=3)),
            "Let more runs of create-symphony through at once",
            "Check that the median is below 43.8 ms at the same load.",
            id="of a slow beat",
        ),
    ],
)
def test_what_to_do_is_about_room_and_about_what_holds_it(
    fix: FixRecommendation, title: str, last: str
) -> None:
    assert (fix.type, fix.title, fix.steps[-1]) == ("config", title, last)


def test_the_waits_of_a_late_beat_are_its_figure_over_time() -> None:
    """So that its beginning can be found; a wait too short to be one is the least that is expected."""
    runs = {
        0: RunStats(waits={"build": WaitStats({ZERO_BIN: 4})}),
        STEP_MS: RunStats(waits={"download": WaitStats({ZERO_BIN: 4})}),
        2 * STEP_MS: RunStats(waits={"build": WaitStats({bin_of(120_000): 3})}),
    }
    points = series_of(LATE, lambda _: runs, STEP_MS)
    assert [(each.at_ms, each.samples) for each in points] == [(0, 4), (2 * STEP_MS, 3)]
    assert [each.value for each in points] == pytest.approx([SHORT_WAIT_MS, 120], rel=0.02)
