"""Why an incident was told, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from daemon.cli.text.anomaly import say_claim, say_line
from daemon.cli.text.chart import TextChart, chart_lines
from daemon.cli.text.figures import moment
from daemon.cli.text.page import Page
from daemon.evidence import EvidenceLine
from daemon.explanation import Explanation, SettingUsed
from daemon.incident import Incident
from handlers.diagnosis.wording import count, happened, quantile_name, quantity, span
from handlers.model import AnyAnomaly, Mark, PerformanceAnomaly, Point

_MARKS_TOLD: Final = 5


def say_explanation(
    page: Page,
    incident: Incident,
    explanation: Explanation,
    points: tuple[Point, ...],
    marks: Sequence[Mark],
    lines: Sequence[EvidenceLine],
) -> None:
    """The claim, its figure over time, what decided it, and its lines."""
    say_claim(page, incident)
    anomaly = incident.anomaly
    if points:
        page.head("Over time")
        chart = TextChart(
            points=points,
            expected=anomaly.expected,
            limit=anomaly.limit,
            from_ms=incident.first_seen_ms,
            marks=tuple(marks),
            write=lambda value: quantity(value, anomaly.unit),
        )
        for line in chart_lines(chart):
            page.line(line)
        for mark in [each for each in marks if each.kind != "restarted"][-_MARKS_TOLD:]:
            page.say(f"{moment(mark.at_ms)}  {happened(mark)}", indent=2)
    _say_turns(page, anomaly, explanation)
    if explanation.settings:
        page.head("Settings that took part")
        width = max(len(each.key) for each in explanation.settings)
        for used in explanation.settings:
            page.say(_setting(used), indent=2, first=f"{used.key:<{width}}  ")
    page.head("Lines that prove it" if lines else "No line is known that proves it")
    for evidence in lines:
        say_line(page, evidence)


def _say_turns(page: Page, anomaly: AnyAnomaly, explanation: Explanation) -> None:
    page.head("It would not have been told")
    if explanation.cannot:
        page.say(f"Not known: {explanation.cannot}.", indent=2)
        return
    milder = explanation.milder
    if not explanation.turns and milder is None:
        page.say("No figure in the settings silences it by itself.", indent=2)
        return
    page.say(f"as seen until {moment(explanation.told_ms)}, with one of these alone:", indent=2)
    if milder is not None and isinstance(anomaly, PerformanceAnomaly):
        page.say(f"{quantile_name(anomaly)} {span(milder.value)} or less", indent=2, first="- ")
    elif milder is not None:
        page.say(f"{count(round(milder.value), 'error')} or fewer", indent=2, first="- ")
    for turn in explanation.turns:
        page.say(f"{turn.setting} {turn.value:.12g} or more (was {turn.was:g})", indent=2, first="- ")


def _setting(used: SettingUsed) -> str:
    now = "not set" if used.now is None else f"{used.now:g}"
    changed = f" (was {used.then:g} then)" if used.then is not None and used.then != used.now else ""
    return f"{now}{changed}, {used.origin}"
