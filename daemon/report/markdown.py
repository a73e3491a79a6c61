"""The report as Markdown, for a ticket: what is open, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from daemon.cli.text.figures import moment, why
from daemon.cli.text.page import visible
from daemon.report.collect import IncidentReport, Report
from handlers.diagnosis.wording import count, sentence

_MARKUP = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|"})


def markdown(report: Report) -> str:
    """One section an incident, open ones first."""
    open_count = sum(report.state.open.values())
    lines = [
        f"# selfheald: {count(open_count, 'incident') if open_count else 'nothing is'} open",
        "",
        f"{moment(report.made_ms)}; what was seen since {moment(report.since_ms)}.",
    ]
    for each in report.incidents:
        lines += ["", *_incident(each)]
    return "\n".join(lines) + "\n"


def _incident(each: IncidentReport) -> Iterable[str]:
    stored, anomaly = each.stored, each.stored.anomaly
    yield f"## {anomaly.severity}: {_plain(anomaly.description)}"
    yield ""
    yield f"- id: `{anomaly.id}`, {stored.state}, since {moment(stored.first_seen_ms)}"
    yield f"- figures: {_plain(why(anomaly))}"
    if each.recommendations:
        diagnosis = each.recommendations[0].assessed.diagnosis
        where = f" (`{diagnosis.location}`)" if diagnosis.location else ""
        yield f"- cause ({diagnosis.verdict}): {_plain(sentence(diagnosis.cause))}{where}"
        yield f"- impact: {_plain(each.recommendations[0].assessed.impact.sentence)}"
    for number, advice in enumerate(each.recommendations, 1):
        yield f"{number}. **{_plain(advice.title)}** {_plain(advice.action)}"
    for line in each.lines:
        if line.text:
            yield ""
            yield f"`{line.path}`, byte {line.offset}:"
            yield ""
            yield f"    {visible(line.text.strip())}"


def _plain(text: str) -> str:
    return visible(text).translate(_MARKUP)
