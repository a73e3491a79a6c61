"""An error group is told when it is new, or more frequent than chance allows."""

from __future__ import annotations

import pytest

from config.settings import Detect
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.model import BeatStats, ErrorAnomaly, ErrorKey, Window
from tests.handlers.anomaly.builders import BEAT, ERROR, WINDOW_MS, errors, learned, metrics


def window(count: int, executions: int, key: ErrorKey = ERROR, start_ms: int = 0) -> Window:
    """Errors of one group among the executions of its beat."""
    known = {key: errors(count)} if count else {}
    return Window(start_ms, beats={BEAT: BeatStats(completed=executions, failed=count)}, errors=known)


def detected(before: Window, now: Window, limits: Detect | None = None) -> tuple[ErrorAnomaly, ...]:
    baseline = learned(before)
    return detect_error_patterns(metrics(now), baseline=baseline, limits=limits or Detect()).anomalies


@pytest.mark.parametrize(
    ("before", "now", "limits", "kind"),
    [
        pytest.param((0, 400), (1, 400), {}, "new", id="the first error of a group is new"),
        pytest.param((0, 0), (1, 1), {}, "new", id="an error in a beat that never ran before is new"),
        pytest.param(
            (0, 400), (4, 400), {"error_min_count": 5}, None, id="fewer than the operator wants are silent"
        ),
        pytest.param((0, 400), (5, 400), {"error_min_count": 5}, "new", id="as many as the operator wants"),
        pytest.param((40, 400), (40, 400), {}, None, id="as frequent as before is silent"),
        pytest.param((40, 400), (400, 4000), {}, None, id="more errors at the same rate are silent"),
        pytest.param((40, 400), (10, 400), {}, None, id="less frequent than before is silent"),
        pytest.param((40, 400), (2, 10), {}, None, id="more frequent by chance is silent"),
        pytest.param((40, 400), (100, 400), {}, "more-frequent", id="more frequent than before is told"),
        pytest.param(
            (4000, 40000),
            (5600, 40000),
            {},
            None,
            id="more frequent by less than error_over_baseline is silent, however sure",
        ),
        pytest.param(
            (4000, 40000),
            (5600, 40000),
            {"error_over_baseline": 0.2},
            "more-frequent",
            id="the operator sets error_over_baseline",
        ),
        pytest.param((0, 400), (100, 400), {"errors": False}, None, id="switched off is silent"),
        pytest.param((40, 400), (0, 400), {}, None, id="a group that has gone is silent"),
    ],
)
def test_a_group_is_told_when_it_is_new_or_more_frequent(
    before: tuple[int, int], now: tuple[int, int], limits: dict[str, float], kind: str | None
) -> None:
    found = detected(window(*before), window(*now), Detect.model_validate(limits))
    assert [each.kind for each in found] == ([kind] if kind else [])


def test_a_new_group_is_told_with_its_figures() -> None:
    (anomaly,) = detected(window(0, 400), window(100, 400, start_ms=70_000))
    assert (anomaly.actual, anomaly.expected, anomaly.limit) == (0.25, 0.0, 1 / 400)
    assert anomaly.interval[0] < 0.25 < anomaly.interval[1]
    assert (anomaly.count, anomaly.executions, anomaly.samples) == (100, 400, 400)
    assert anomaly.baseline_samples == 400
    assert (anomaly.sequence, anomaly.event, anomaly.error_type, anomaly.template) == ERROR[:4]
    assert (anomaly.plugin, anomaly.handler) == ("CartPlugin", "addItem")
    assert anomaly.frame == "addItem (cart.mjs:7:3)"
    assert (anomaly.first_seen_ms, anomaly.last_seen_ms) == (70_000, 70_000 + WINDOW_MS)
    assert [origin.offset for origin in anomaly.origins] == [0, 1, 2]
    assert anomaly.severity == "high"
    assert "addItem fails in 100 of 400 executions (none in the baseline)" in anomaly.description


def test_a_group_that_grew_is_told_with_its_rate_before() -> None:
    (anomaly,) = detected(window(40, 400), window(100, 400))
    assert (anomaly.actual, anomaly.expected) == (0.25, 0.1)
    assert anomaly.limit == pytest.approx(0.15)
    assert "(10.0% before)" in anomaly.description


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((*BEAT, "RangeError", *ERROR[3:]), id="another type"),
        pytest.param((*ERROR[:3], "another message", ERROR[4]), id="another template"),
        pytest.param((*ERROR[:4], "addAll (cart.mjs)"), id="another site"),
        pytest.param((BEAT[0], "cart:pay", *ERROR[2:]), id="another beat"),
        pytest.param(("wish-symphony", *ERROR[1:]), id="another sequence"),
    ],
)
def test_a_known_group_does_not_hide(other: ErrorKey) -> None:
    (anomaly,) = detected(window(40, 400), window(40, 400, other))
    assert anomaly.kind == "new"


def test_more_errors_than_completed_executions_are_no_more_than_all() -> None:
    """An error is told when its beat fails, and the beat completes in the next window."""
    (anomaly,) = detected(window(0, 400), window(12, 7))
    assert (anomaly.actual, anomaly.executions) == (1.0, 12)


def test_a_known_group_of_a_beat_that_does_not_complete_any_more_is_told() -> None:
    (anomaly,) = detected(window(40, 400), window(12, 0))
    assert (anomaly.kind, anomaly.actual, anomaly.expected) == ("more-frequent", 1.0, 0.1)


def test_a_group_is_judged_by_the_executions_without_it_too() -> None:
    """The errors are in one of ten windows: 1 of 10 executions, as before."""
    baseline = learned(window(40, 400))
    now = metrics(*(window(10 * (number == 0), 10, start_ms=number * WINDOW_MS) for number in range(10)))
    assert detect_error_patterns(now, baseline=baseline, limits=Detect()).anomalies == ()
