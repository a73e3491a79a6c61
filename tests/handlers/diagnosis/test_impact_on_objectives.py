"""Whom it hurts beyond counts: budgets, trend, share of traffic; the severity follows and says how."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.model import (
    AssessedDiagnosis,
    BeatStats,
    Budget,
    Past,
    Point,
    Severity,
    Spent,
    TelemetryMetrics,
    Window,
)
from handlers.objectives import spans_ms
from tests.handlers.diagnosis.builders import START_MS, slow

DAYS_30_MS = 30 * 86_400_000


def assessed(past: Past | None = None, severity: Severity = "medium") -> AssessedDiagnosis:
    anomaly = replace(slow(), severity=severity)
    diagnosis = analyze_performance_issues((anomaly,), ()).diagnosis
    beats = {
        ("create-symphony", "render-react"): BeatStats(completed=25),
        ("paste-symphony", "paste"): BeatStats(completed=75),
    }
    metrics = TelemetryMetrics(10_000, {START_MS: Window(START_MS, beats)})
    (found,) = assess_impact(
        diagnosis, metrics=metrics, pasts={anomaly.id: past} if past else {}
    ).assessed_diagnosis
    return found


def burning(rate: float) -> Past:
    """A budget of one percent that burns so many times as fast as allowed, in every span."""
    spent = tuple(Spent(span, 10_000, round(100 * rate)) for span in spans_ms(DAYS_30_MS))
    return Past(budgets=(Budget("fast", 0.01, DAYS_30_MS, spent),))


def lately(*values: float) -> Past:
    return Past(recent=tuple(Point(START_MS + at * 10_000, value, 10) for at, value in enumerate(values)))


def test_the_share_of_all_executions_is_told() -> None:
    found = assessed()
    assert found.impact.traffic == 0.25
    assert "These are 25 % of all executions." in found.impact.sentence


@pytest.mark.parametrize(
    ("values", "trend"),
    [
        pytest.param((50, 50, 50, 90, 90, 90), "growing", id="the later half is slower"),
        pytest.param((90, 90, 90, 50, 50, 50), "falling", id="the later half is less slow"),
        pytest.param((60, 70, 65, 66, 64, 68), "steady", id="both are alike"),
        pytest.param((50, 90, 90), "", id="too little is known"),
    ],
)
def test_the_trend_compares_the_halves_of_the_time(values: tuple[float, ...], trend: str) -> None:
    found = assessed(lately(*values))
    assert found.impact.trend == trend
    assert (f"It is {trend}." in found.impact.sentence) == bool(trend)


@pytest.mark.parametrize(
    ("rate", "before", "after"),
    [
        pytest.param(20.0, "medium", "critical", id="a budget that burns fast makes it critical"),
        pytest.param(7.0, "medium", "high", id="one that burns for six hours makes it high"),
        pytest.param(0.5, "medium", "medium", id="one that lasts changes nothing"),
        pytest.param(1.5, "critical", "critical", id="what is graver stays so"),
    ],
)
def test_the_severity_follows_the_budget_and_says_how(rate: float, before: Severity, after: Severity) -> None:
    found = assessed(burning(rate), before)
    assert found.severity == after
    assert (f"So it is {after} instead of {before}." in found.impact.sentence) == (after != before)
    assert f"it burns {rate:.1f} times as fast as allowed" in found.impact.sentence


def test_how_much_of_the_budget_is_burnt_is_told_with_its_figures() -> None:
    assert (
        "Objective fast: 50 % of the 30-day error budget is burnt (50 of 10,000 are bad, 1 % may be)"
        in assessed(burning(0.5)).impact.sentence
    )


def test_what_burns_a_budget_is_done_first() -> None:
    anomalies = (slow(handler="a", event="a"), slow(handler="b", event="b", ratio=3.0))
    diagnosis = analyze_performance_issues(anomalies, ()).diagnosis
    order = recommend_fixes(
        assess_impact(diagnosis, pasts={anomalies[0].id: burning(20)}).assessed_diagnosis
    ).recommendations
    assert order[0].anomaly_id == anomalies[0].id
