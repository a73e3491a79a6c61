"""How much of the time added to a sequence its slow beat carries."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from handlers.anomaly.baseline import Baseline, Learned
from handlers.diagnosis.added_time import AddedTime, added_times, usual_times_ms
from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.model import BeatKey, BeatStats, PerformanceAnomaly, RunStats, TelemetryMetrics, Window
from handlers.sketch import bin_of
from tests.handlers.diagnosis.builders import START_MS, slow

CREATE, WINDOW_MS = "create-symphony", 10_000
USUAL_MS = {(CREATE, "validate"): 10.0, (CREATE, "notify"): 5.0, (CREATE, ""): 60.0}


def window(number: int, run_ms: float, executions: int = 20, **beats_ms: float) -> Window:
    """The window so many after the beginning of the anomaly."""
    return Window(
        START_MS + number * WINDOW_MS,
        {
            (CREATE, name.replace("_", "-")): BeatStats(
                completed=executions, bins={bin_of(round(ms * 1000)): executions}
            )
            for name, ms in beats_ms.items()
        },
        {CREATE: RunStats(completed=executions, bins={bin_of(round(run_ms * 1000)): executions})},
    )


def found(
    *windows: Window, usual_ms: Mapping[BeatKey, float] = USUAL_MS, anomaly: PerformanceAnomaly | None = None
) -> AddedTime:
    anomaly = anomaly or slow()
    metrics = TelemetryMetrics(WINDOW_MS, {each.start_ms: each for each in windows})
    (added,) = added_times((anomaly,), metrics, usual_ms)
    return added


def test_the_slow_beat_carries_all_that_was_added() -> None:
    added = found(window(0, 97, render_react=65.7, validate=10, notify=5))
    assert len(added.evidence) == 1
    assert added.evidence[0].startswith("added 7")
    assert added.evidence[0].endswith(f" of all the time added to {CREATE}")
    assert added.evidence_against == ()


def test_another_beat_that_added_more_speaks_against_it() -> None:
    added = found(window(0, 300, render_react=65.7, validate=200, notify=5))
    assert "validate added 3.9 s in 20 calls" in added.evidence_against[0]


def test_runs_that_lost_more_between_their_beats_speak_against_it() -> None:
    added = found(window(0, 600, render_react=65.7, validate=10, notify=5))
    assert added.evidence_against[0].startswith("runs lost more between the beats, waiting: 1")


def test_windows_before_the_anomaly_tell_what_is_usual_where_nothing_else_does() -> None:
    before = [window(number, 60, render_react=29, validate=10, notify=5) for number in (-3, -2)]
    added = found(*before, window(0, 300, render_react=65.7, validate=200, notify=5), usual_ms={})
    assert "validate added 3.9 s in 20 calls" in added.evidence_against[0]


@pytest.mark.parametrize(
    "added",
    [
        pytest.param(found(), id="no telemetry"),
        pytest.param(found(window(0, 97, render_react=65.7), usual_ms={}), id="no other beat is known"),
        pytest.param(found(window(0, 60, render_react=29, validate=10)), id="the telemetry is as usual"),
        pytest.param(found(window(0, 97, render_react=65.7), anomaly=slow(sequence="")), id="no sequence"),
        pytest.param(
            found(
                window(0, 97, render_react=65.7, validate=10),
                anomaly=msgspec.structs.replace(slow(), kind="silent"),
            ),
            id="an anomaly of something else than medians",
        ),
    ],
)
def test_without_anything_to_compare_nothing_is_said(added: AddedTime) -> None:
    assert added == AddedTime()


def test_the_diagnosis_says_it() -> None:
    anomaly = slow()
    span = window(0, 300, render_react=65.7, validate=200, notify=5)
    (diagnosis,) = analyze_performance_issues(
        (anomaly,), (), metrics=TelemetryMetrics(WINDOW_MS, {START_MS: span}), usual_ms=USUAL_MS
    ).diagnosis
    assert any("of all the time added" in each for each in diagnosis.evidence)
    assert any("another beat" in each for each in diagnosis.evidence_against)


def test_what_is_usual_is_the_learned_median_of_beats_and_runs() -> None:
    bins = {bin_of(20_000): 9}
    baseline = Baseline(
        beats={(CREATE, "notify"): Learned(BeatStats(bins=bins)), (CREATE, "new"): Learned(BeatStats())},
        runs={CREATE: Learned(RunStats(bins=bins))},
    )
    assert usual_times_ms(baseline) == {
        (CREATE, "notify"): pytest.approx(20, rel=0.02),
        (CREATE, ""): pytest.approx(20, rel=0.02),
    }
