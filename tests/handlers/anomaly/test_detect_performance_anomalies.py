"""Slow is what is over the limit and over the noise, by enough, with enough samples."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from config.settings import Detect
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.model import BeatKey, BeatStats, PerformanceAnomaly, TelemetryMetrics, Window
from handlers.telemetry.aggregate_telemetry_metrics import aggregate_telemetry_metrics
from tests.handlers.anomaly.builders import BEAT, WINDOW_MS, beat, durations, learned, metrics, of_beat
from tests.handlers.rows import NormalizedEvent, normalized_columns


def detected(
    current: TelemetryMetrics,
    baseline: Baseline,
    expected_ms: Mapping[str, float] | None = None,
    limits: Detect | None = None,
) -> tuple[PerformanceAnomaly, ...]:
    return detect_performance_anomalies(
        current, baseline=baseline, limits=limits or Detect(), expected_ms=expected_ms or {}
    ).anomalies


def after(stats: BeatStats) -> Baseline:
    return learned(Window(0, beats={BEAT: stats}))


@pytest.mark.parametrize(
    ("baseline", "current", "limits", "found"),
    [
        pytest.param(
            durations(60, 20), durations(60, 44), {}, True, id="2.2 times slower with 60 samples is slow"
        ),
        pytest.param(
            durations(60, 20, 0.3),
            durations(60, 32, 0.3),
            {},
            False,
            id="over the limit but not over the noise is silent",
        ),
        pytest.param(
            durations(5000, 20, 0.3),
            durations(5000, 32, 0.3),
            {"run_noise": 0.0},
            True,
            id="over the limit with so many samples that nothing of the noise is left is slow",
        ),
        pytest.param(
            durations(60, 20),
            durations(60, 32),
            {"run_noise": 0.2},
            False,
            id="over the limit by less than two healthy runs differ on a noisy machine is silent",
        ),
        pytest.param(
            durations(60, 20), durations(9, 200), {}, False, id="too few samples are silent, however slow"
        ),
        pytest.param(durations(60, 20), durations(10, 200), {}, True, id="as few samples as needed do"),
        pytest.param(
            durations(9, 20), durations(60, 200), {}, False, id="too few samples of the normal are silent"
        ),
        pytest.param((), durations(60, 200), {}, False, id="a handler that was never seen has no normal"),
        pytest.param(
            durations(5000, 20), durations(5000, 29.8), {}, False, id="1.49 times with many samples is silent"
        ),
        pytest.param(durations(60, 44), durations(60, 20), {}, False, id="faster is silent"),
        pytest.param(
            durations(60, 0.2), durations(60, 1.1), {}, False, id="slower by less than min_added_ms is silent"
        ),
        pytest.param(
            durations(60, 0.2), durations(60, 1.3), {}, True, id="slower by more than min_added_ms is slow"
        ),
        pytest.param(
            durations(60, 0.2),
            durations(60, 1.1),
            {"min_added_ms": 0.5},
            True,
            id="the operator sets min_added_ms",
        ),
        pytest.param(
            durations(60, 20),
            durations(60, 44),
            {"over_expected": 1.5},
            False,
            id="the operator sets the limit",
        ),
        pytest.param(
            durations(60, 20), durations(60, 44), {"performance": False}, False, id="switched off is silent"
        ),
    ],
)
def test_a_handler_is_slow_when_its_median_is_over_limit_and_noise(
    baseline: tuple[float, ...], current: tuple[float, ...], limits: dict[str, float | bool], found: bool
) -> None:
    assert (
        bool(detected(of_beat(beat(current)), after(beat(baseline)), limits=Detect.model_validate(limits)))
        is found
    )


def test_a_slow_handler_is_told_with_its_figures() -> None:
    current = of_beat(beat(durations(60, 44)), start_ms=70_000)
    (anomaly,) = detected(current, after(beat(durations(80, 20))))
    assert anomaly.actual == pytest.approx(44, rel=0.03)
    assert anomaly.expected == pytest.approx(20, rel=0.03)
    assert anomaly.limit == pytest.approx(1.5 * anomaly.expected)
    assert anomaly.ratio == pytest.approx(anomaly.actual / anomaly.expected)
    assert anomaly.limit < anomaly.interval[0] < anomaly.actual < anomaly.interval[1]
    assert anomaly.p95 == pytest.approx(durations(60, 44)[57], rel=0.03)
    assert anomaly.added_us_per_execution == pytest.approx(24_000, rel=0.06)
    assert (anomaly.samples, anomaly.baseline_samples, anomaly.unit) == (60, 80, "ms")
    assert (anomaly.sequence, anomaly.event, anomaly.plugin, anomaly.handler) == (
        *BEAT,
        "CartPlugin",
        "addItem",
    )
    assert (anomaly.first_seen_ms, anomaly.last_seen_ms) == (70_000, 70_000 + WINDOW_MS)
    assert anomaly.affected == ("cart-symphony",)
    # The slowest first.
    assert [origin.offset for origin in anomaly.origins] == [59, 58, 57]
    assert anomaly.expected_from == "baseline"
    assert "addItem takes 4" in anomaly.description


@pytest.mark.parametrize(
    ("ratio", "severity"), [(1.9, "low"), (2.3, "medium"), (3.3, "high"), (5.5, "critical")]
)
def test_the_severity_grows_with_the_ratio(ratio: float, severity: str) -> None:
    (anomaly,) = detected(of_beat(beat(durations(200, 20 * ratio))), after(beat(durations(200, 20))))
    assert anomaly.severity == severity


FIGURES = [
    pytest.param("cart:add", id="by event"),
    pytest.param("cart:*", id="by a glob on the event"),
    pytest.param("CartPlugin.addItem", id="by plug-in and handler"),
    pytest.param("*.addItem", id="by a glob on plug-in and handler"),
    pytest.param("cart-symphony/cart:add", id="by sequence and event"),
    pytest.param("cart-symphony/*", id="by a glob on the sequence"),
]


@pytest.mark.parametrize("pattern", FIGURES)
def test_the_operators_figure_goes_before_what_was_learned(pattern: str) -> None:
    now, normal = of_beat(beat(durations(60, 24))), after(beat(durations(60, 20)))
    assert detected(now, normal) == ()
    (anomaly,) = detected(now, normal, {pattern: 10})
    assert (anomaly.expected, anomaly.limit, anomaly.expected_from) == (10, 15, "settings")
    slow = of_beat(beat(durations(60, 60)))
    assert detected(slow, normal)
    assert detected(slow, normal, {pattern: 50}) == ()


@pytest.mark.parametrize(
    "pattern", ["cart", "Cart:Add", "add", "OtherPlugin.addItem", "other-symphony/cart:add"]
)
def test_a_figure_for_another_handler_is_not_taken(pattern: str) -> None:
    assert detected(of_beat(beat(durations(60, 24))), Baseline(), {pattern: 10}) == ()


def test_of_several_figures_the_first_counts() -> None:
    now = of_beat(beat(durations(60, 24)))
    assert detected(now, Baseline(), {"cart:add": 100, "*": 1}) == ()
    assert detected(now, Baseline(), {"*": 1, "cart:add": 100})


@pytest.mark.parametrize("pattern", FIGURES)
def test_a_figure_needs_nothing_learned(pattern: str) -> None:
    (anomaly,) = detected(of_beat(beat(durations(60, 24))), Baseline(), {pattern: 10})
    assert anomaly.baseline_samples == 0


def test_a_figure_for_a_handler_holds_in_a_window_that_does_not_name_it() -> None:
    """A beat that only started when the window ended has no handler yet."""
    now = metrics(
        Window(0, beats={BEAT: beat(durations(60, 24))}),
        Window(WINDOW_MS, beats={BEAT: BeatStats(started=1)}),
    )
    figure = {"CartPlugin.addItem": 10.0}
    assert detected(now, Baseline(), figure)
    known = detect_performance_anomalies(now, baseline=Baseline(), limits=Detect(), expected_ms=figure).beats
    assert detected(metrics(), Baseline(beats=known), figure)


def events(durations_ms: tuple[float, ...], failed: bool) -> list[NormalizedEvent]:
    return [
        NormalizedEvent(
            kind="beat-completed",
            at_ms=number,
            source=1,
            offset=number,
            sequence=BEAT[0],
            run="",
            event=BEAT[1],
            plugin="CartPlugin",
            handler="addItem",
            beat=1,
            duration_us=round(duration * 1000),
            failed=failed,
            error_type="",
            error_template="",
            error_frame="",
        )
        for number, duration in enumerate(durations_ms)
    ]


@pytest.mark.parametrize("failed", [True, False])
def test_failed_executions_are_not_in_the_latency(failed: bool) -> None:
    """Half of the executions run into a timeout."""
    aggregated = aggregate_telemetry_metrics(
        normalized_columns(
            events(durations(20, 20), failed=False) + events(durations(30, 500), failed=failed)
        ),
        runs={},
        watermarks_ms={},
        window_ms=WINDOW_MS,
        run_timeout_ms=1000,
        at_end=True,
    )
    assert bool(detected(aggregated.metrics, after(beat(durations(60, 20))))) is not failed


def test_executions_without_a_duration_are_no_samples_and_hide_none() -> None:
    windows = []
    for number in range(12):
        stats = beat(durations(1, 44))
        stats.completed += 9
        windows.append(Window(number * WINDOW_MS, beats={BEAT: stats}))
    (anomaly,) = detected(metrics(*windows), after(beat(durations(60, 20))))
    assert anomaly.samples >= 10


def test_each_sequence_has_its_own_normal_for_an_event() -> None:
    other: BeatKey = ("wish-symphony", "cart:add")
    normal = learned(Window(0, beats={BEAT: beat(durations(60, 20)), other: beat(durations(60, 60))}))
    now = Window(0, beats={BEAT: beat(durations(60, 60)), other: beat(durations(60, 60))})
    (anomaly,) = detected(metrics(now), normal)
    assert anomaly.sequence == "cart-symphony"
