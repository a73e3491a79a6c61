"""One incident in the report: the claim, its figures over time, the cause, what to do, and the proof."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from daemon.cli.text.anomaly import members_of, state_and_why
from daemon.cli.text.figures import moment, samples, subject
from daemon.cli.text.page import visible
from daemon.evidence import EvidenceLine
from daemon.report.chart import Chart, ChartMark, svg
from daemon.report.collect import IncidentReport
from daemon.report.markup import Element, element
from handlers.diagnosis.wording import happened, percent, quantity, sentence
from handlers.model import Anomaly, BehavioralAnomaly, FixRecommendation, SelfAnomaly

_MARKS_TOLD: Final = 6


def incident_article(each: IncidentReport) -> Element:
    """Everything that is known of it."""
    stored, anomaly = each.stored, each.stored.anomaly
    return element(
        "article",
        element(
            "h3",
            element("span", anomaly.severity, class_=f"badge {anomaly.severity}"),
            element("span", stored.state, class_=f"badge {stored.state}"),
            element("code", anomaly.id),
        ),
        element("p", element("b", f"{anomaly.description}.")),
        _chart(each),
        _happened(each),
        _beats(anomaly) if isinstance(anomaly, BehavioralAnomaly) and anomaly.observed else None,
        _figures(each),
        *_diagnosis(each.recommendations),
        _fixes(each.recommendations),
        _proof(each.lines),
        *map(_command, _commands(each)),
        class_=f"incident {anomaly.severity}",
        id=anomaly.id,
    )


def _chart(each: IncidentReport) -> Element | None:
    stored, anomaly = each.stored, each.stored.anomaly
    if len(each.points) < 2:
        return None
    return svg(
        Chart(
            title=f"{_figure(anomaly.unit)} over time",
            points=each.points,
            expected=anomaly.expected,
            limit=anomaly.limit,
            from_ms=stored.first_seen_ms,
            to_ms=stored.last_seen_ms,
            marks=marks_of(each),
            # Short: on a phone the letters are large in comparison.
            write=lambda value: quantity(value, anomaly.unit).replace(" a minute", "/min"),
            most=1.0 if anomaly.unit in {"runs/run", "errors/execution"} else None,
        )
    )


def marks_of(each: IncidentReport) -> tuple[ChartMark, ...]:
    """What happened in the time of the chart, in order."""
    marks = [*(ChartMark(mark.at_ms, happened(mark)) for mark in each.marks), *_commits(each)]
    return tuple(sorted(dict.fromkeys(marks), key=lambda mark: (mark.at_ms, mark.text)))


def _happened(each: IncidentReport) -> Element | None:
    """The marks of the chart in words: nothing can be hovered over on a phone."""
    marks = marks_of(each) if len(each.points) > 1 else ()
    shown = marks[-_MARKS_TOLD:]
    items = [element("li", f"{moment(mark.at_ms)}: {mark.text}") for mark in shown]
    if more := len(marks) - len(shown):
        items.insert(0, element("li", f"{more} earlier"))
    return element("ul", *items, class_="marks") if items else None


def _commits(each: IncidentReport) -> Iterator[ChartMark]:
    """The likeliest commit, if the chart reaches back to it."""
    if each.recommendations:
        for suspect in each.recommendations[0].assessed.diagnosis.suspects[:1]:
            if each.points[0].at_ms <= suspect.at_ms <= each.points[-1].at_ms:
                yield ChartMark(suspect.at_ms, f"commit {suspect.sha[:12]}: {suspect.subject}")


def _figure(unit: str) -> str:
    names = {
        "ms": "duration",
        "errors/execution": "share of executions that fail",
        "errors/minute": "errors a minute",
        "executions/min": "executions a minute",
    }
    return names.get(unit, "share of runs that deviate")


def _beats(anomaly: BehavioralAnomaly) -> Element:
    """The expected and the observed order, with what differs standing out."""
    broken = Counter(anomaly.beats)

    def row(title: str, beats: Sequence[str], others: Sequence[str]) -> Element:
        there = Counter(others)
        chips = []
        for beat in beats:
            gone = there[beat] <= 0
            there[beat] -= 1
            mark = "broken gone" if gone else "broken" if broken[beat] else None
            chips.append(element("span", beat, class_=mark))
        return element("div", element("h4", title), element("div", *chips, class_="beats"))

    return element(
        "div",
        row("expected", anomaly.declared, anomaly.observed),
        row("observed most often", anomaly.observed, anomaly.declared),
    )


def _figures(each: IncidentReport) -> Element:
    stored, anomaly = each.stored, each.stored.anomaly
    facts = [
        ("about", subject(anomaly)),
        *([] if isinstance(anomaly, SelfAnomaly) else _of_a_log(anomaly)),
        ("first seen", moment(stored.first_seen_ms)),
        ("last seen", moment(stored.last_seen_ms)),
        ("state", "" if stored.state == "open" else state_and_why(stored)),
        ("affected", ", ".join(anomaly.affected)),
        ("members", "; ".join(members_of(anomaly))),
    ]
    return element("dl", *(part for name, text in facts if text for part in _fact(name, text)))


def _of_a_log(anomaly: Anomaly) -> list[tuple[str, str]]:
    low, high = (quantity(bound, anomaly.unit) for bound in anomaly.interval)
    actual = quantity(anomaly.actual, anomaly.unit)
    return [
        ("actual", actual if anomaly.unit == "tests" else f"{actual}, between {low} and {high}"),
        ("expected", quantity(anomaly.expected, anomaly.unit)),
        ("limit", quantity(anomaly.limit, anomaly.unit)),
        ("samples", samples(anomaly)),
        ("severity", f"{anomaly.severity}: {anomaly.severity_reason}"),
    ]


def _fact(name: str, text: str) -> tuple[Element, Element]:
    return element("dt", name), element("dd", text)


def _diagnosis(recommendations: Sequence[FixRecommendation]) -> list[Element]:
    if not recommendations:
        return []
    assessed = recommendations[0].assessed
    diagnosis = assessed.diagnosis
    parts = [
        element("h4", f"Cause ({diagnosis.verdict})"),
        element("p", sentence(diagnosis.cause)),
    ]
    facts = [("where", [diagnosis.location] if diagnosis.location else [])]
    facts += [("for it", list(diagnosis.evidence)), ("against it", list(diagnosis.evidence_against))]
    facts += [("ruled out", list(diagnosis.ruled_out))]
    rows: list[Element] = []
    for name, texts in facts:
        if texts:
            items = (element("li", text) for text in texts)
            rows += [element("dt", name), element("dd", element("ul", *items))]
    parts.append(element("dl", *rows))
    # Of what does not run at all, no run is affected.
    share = f" ({percent(assessed.impact.share)})" if assessed.impact.share else ""
    parts += [element("h4", f"Impact{share}"), element("p", sentence(assessed.impact.sentence))]
    return parts


def _fixes(recommendations: Sequence[FixRecommendation]) -> Element | None:
    if not recommendations:
        return None
    items = [
        element(
            "li",
            element("b", each.title),
            element("p", each.action),
            element("p", f"{each.type} · {each.location} · takes {each.effort}", class_="dim"),
            element("ol", *(element("li", step) for step in each.steps)),
            element("p", f"Benefit: {each.benefit}"),
        )
        for each in recommendations
    ]
    return element("div", element("h4", "What to do"), element("ol", *items))


def _proof(lines: Sequence[EvidenceLine]) -> Element | None:
    if not lines:
        return None
    shown = [
        element(
            "div",
            element("p", f"{line.path}, byte {line.offset}, {moment(line.at_ms)}", class_="dim"),
            element("pre", visible(line.text.strip()) if not line.missing else f"not shown: {line.missing}"),
        )
        for line in lines
    ]
    return element("details", element("summary", f"Lines that prove it ({len(lines)})"), *shown)


def _commands(each: IncidentReport) -> Iterator[str]:
    """To see more of it, and the commit that its cause names."""
    yield f"selfheald show {shlex.quote(each.stored.anomaly.id)}"
    for recommendation in each.recommendations[:1]:
        diagnosis = recommendation.assessed.diagnosis
        for suspect in diagnosis.suspects[:1]:
            if suspect.sha[:12] in diagnosis.cause:
                yield f"git show {suspect.sha[:12]} -- {shlex.quote(suspect.place.partition(':')[0])}"


def _command(command: str) -> Element:
    return element("div", element("pre", command), element("button", "copy", type="button"), class_="command")
