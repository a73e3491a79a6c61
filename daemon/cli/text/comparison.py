"""A comparison as text."""

from __future__ import annotations

from typing import Final

from daemon.cli.text.anomaly import say_line, say_title
from daemon.cli.text.figures import count_anomalies, subject, tally, why
from daemon.cli.text.page import Page
from daemon.compare import Comparison, SideSummary
from daemon.evidence import lines_in_files
from handlers.diagnosis.wording import count
from handlers.model import AnyAnomaly, FixRecommendation, type_of

MAX_PROBLEMS: Final = 10
NOTED_PACE: Final = 1.1
"""Machines are never equally fast to a few percent."""


def say_comparison(page: Page, comparison: Comparison, fail_on: str, failed: int, *, redact: bool) -> None:
    """What was compared, each anomaly with the first line that proves it, and the verdict at the end."""
    _say_side(page, "baseline", comparison.baseline)
    _say_side(page, "current", comparison.current)
    for problem in comparison.problems[:MAX_PROBLEMS]:
        page.field("problem", (problem, "yellow"), indent=0)
    if (more := len(comparison.problems) - MAX_PROBLEMS) > 0:
        page.field("", f"and {more} more", indent=0)
    if comparison.slower >= NOTED_PACE:
        pace = f"everything together took {comparison.slower:.2f} times as long, as on a busier machine"
        page.field("pace", f"{pace}: handlers are judged against that", indent=0)
    page.fields("not judged", _not_judged(comparison), indent=0)
    first: dict[str, FixRecommendation] = {}
    for recommendation in comparison.recommendations:
        for anomaly_id in recommendation.anomaly_ids:
            first.setdefault(anomaly_id, recommendation)
    for anomaly in comparison.anomalies:
        page.blank()
        _say_anomaly(page, anomaly, first.get(anomaly.id))
        for line in lines_in_files(anomaly.origins[:1], comparison.files, redact=redact):
            say_line(page, line)
    page.blank()
    _say_verdict(page, comparison, fail_on, failed)


def _not_judged(comparison: Comparison) -> list[str]:
    unseen = [f"{name}: not run in the current side" for name in comparison.not_exercised]
    if not comparison.too_few:
        return unseen
    few = f"{len(comparison.too_few)} of {count(comparison.beats, 'handler')}"
    return [*unseen, f"durations of {few}: too few on a side (detect.min_samples)"]


def _say_verdict(page: Page, comparison: Comparison, fail_on: str, failed: int) -> None:
    found = len(comparison.anomalies)
    counted = f" ({tally(each.severity for each in comparison.anomalies)})" if found else ""
    share = "" if failed == found else f", {failed or 'none'} of them count (--fail-on {fail_on})"
    verdict = ("failed: ", "bold red") if failed else ("passed: ", "bold green")
    page.say(verdict, f"{count_anomalies(found)}{counted}{share}")


def _say_side(page: Page, name: str, side: SideSummary) -> None:
    page.field(name, (side.path, "bold"), indent=0)
    bad = f" ({side.unreadable:,} unreadable)" if side.unreadable else ""
    judged = (count(side.executions, "execution"), count(side.runs, "run"), count(side.errors, "error"))
    page.field("", f"{count(side.lines, 'line')}{bad}, {', '.join(judged)}", indent=0)


def _say_anomaly(page: Page, anomaly: AnyAnomaly, advice: FixRecommendation | None) -> None:
    say_title(page, anomaly, f"{type_of(anomaly)} ({anomaly.kind})")
    page.say(anomaly.description, indent=2)
    page.field("about", subject(anomaly))
    page.field("why", why(anomaly))
    if advice is not None:
        diagnosis = advice.assessed.diagnosis
        page.field("cause", f"{diagnosis.cause} ({diagnosis.verdict})")
        page.field("do first", advice.title)
        page.field("where", advice.location)
