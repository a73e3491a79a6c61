"""The report as one HTML file: no external reference, readable on a phone, in light and dark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files

from daemon.cli.ledger import LedgerLine
from daemon.cli.state import Learned
from daemon.cli.text.figures import moment
from daemon.report.chart import ChartMark
from daemon.report.collect import IncidentReport, Report
from daemon.report.incident import incident_article, marks_of
from daemon.report.markup import Element, element, raw
from handlers.diagnosis.wording import count, size
from handlers.model import FixRecommendation

_COPY = (
    "document.addEventListener('click',function(e){var b=e.target.closest('button');if(!b)return;"
    "navigator.clipboard.writeText(b.parentNode.querySelector('pre').textContent)"
    ".then(function(){b.textContent='copied'})})"
)


def html_page(report: Report) -> str:
    """The whole document."""
    style = files("daemon.report").joinpath("style.css").read_text(encoding="utf-8")
    title = f"selfheald: {_headline(report)}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", raw(style)),
    )
    open_ones = [each for each in report.incidents if each.stored.state != "resolved"]
    over = [each for each in report.incidents if each.stored.state == "resolved"]
    body = element(
        "body",
        element("h1", _headline(report)),
        element(
            "p",
            f"selfheald, {moment(report.made_ms)}. What was seen since {moment(report.since_ms)}.",
            class_="dim",
        ),
        _facts(report),
        _timeline(report),
        _section("Open", [incident_article(each) for each in open_ones]),
        _section("What to do, in order", [_recommendations(report.recommendations)])
        if report.recommendations
        else None,
        _section("Resolved", [incident_article(each) for each in over]),
        _section("What was read", [_ledger(report.ledger)]),
        element("script", raw(_COPY)),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _headline(report: Report) -> str:
    number = sum(report.state.open.values())
    return "nothing is open" if not number else f"{count(number, 'incident')} open"


def _section(title: str, children: Sequence[Element]) -> Element | None:
    return element("section", element("h2", title), *children) if children else None


def _facts(report: Report) -> Element:
    read = report.state.read
    behind = "nothing" if read.unread_bytes == 0 else size(read.unread_bytes or 0)
    facts = [
        *((f"{number}", f"open, {severity}") for severity, number in report.state.open.items() if number),
        (f"{read.lines:,}", "lines read"),
        (f"{read.events:,}", "events"),
        (behind, "unread"),
        (_learned(report.state.learning.handlers), "handlers learned"),
    ]
    return element(
        "div",
        *(element("div", element("b", figure), name, class_="fact") for figure, name in facts),
        class_="facts",
    )


def _learned(learned: Learned) -> str:
    return f"{learned.learned:,} of {learned.seen:,}"


def _timeline(report: Report) -> Element | None:
    spans = [(each, each.stored.first_seen_ms, _end_ms(each, report)) for each in report.incidents]
    if not spans:
        return None
    known = [point.at_ms for each in report.incidents for point in each.points[:1]]
    first_ms = min([*known, *(start for _, start, _ in spans)])
    last_ms = max(*(end for _, _, end in spans), first_ms + 1)

    def percent(at_ms: int) -> float:
        return 100 * (at_ms - first_ms) / (last_ms - first_ms)

    bars = [
        element(
            "div",
            element(
                "div",
                element("a", each.stored.anomaly.id, href=f"#{each.stored.anomaly.id}"),
                element("div", _about(each), class_="dim"),
            ),
            element(
                "div",
                element(
                    "i",
                    style=f"left:{percent(start):.2f}%;width:{percent(end) - percent(start):.2f}%",
                    title=f"{moment(start)} to {moment(end)}",
                ),
                class_=f"track {each.stored.anomaly.severity}",
            ),
            class_="bar",
        )
        for each, start, end in sorted(spans, key=lambda span: (span[1], span[0].stored.anomaly.id))
    ]
    marks = sorted(
        {mark for each in report.incidents for mark in marks_of(each) if first_ms <= mark.at_ms <= last_ms},
        key=lambda mark: (mark.at_ms, mark.text),
    )
    if marks:
        bars.insert(0, _changes(marks, percent))
    legend = element("p", f"{moment(first_ms)} to {moment(last_ms)}", class_="dim")
    return element("section", element("h2", "Timeline"), legend, element("div", *bars, class_="timeline"))


def _changes(marks: Sequence[ChartMark], percent: Callable[[int], float]) -> Element:
    """One line with all that happened meanwhile."""
    ticks = (
        element("i", style=f"left:{percent(mark.at_ms):.2f}%", title=f"{moment(mark.at_ms)}: {mark.text}")
        for mark in marks
    )
    name = element(
        "div", count(len(marks), "change"), element("div", "versions, commits, settings", class_="dim")
    )
    return element("div", name, element("div", *ticks, class_="track changes"), class_="bar")


def _about(each: IncidentReport) -> str:
    anomaly = each.stored.anomaly
    return f"{anomaly.kind}: {anomaly.handler or anomaly.sequence or anomaly.event}"


def _end_ms(each: IncidentReport, report: Report) -> int:
    if each.stored.state == "resolved":
        return max(each.stored.last_seen_ms, each.stored.first_seen_ms)
    return max(report.state.judged_until_ms, each.stored.last_seen_ms)


def _recommendations(recommendations: Sequence[FixRecommendation]) -> Element:
    return element(
        "ol",
        *(
            element(
                "li",
                element("b", each.title),
                element("p", each.action),
                element(
                    "p",
                    f"{each.type} · {each.location} · takes {each.effort} · {each.benefit} · ",
                    element("a", each.anomaly_id, href=f"#{each.anomaly_id}"),
                    class_="dim",
                ),
            )
            for each in recommendations
        ),
    )


def _ledger(ledger: Sequence[LedgerLine]) -> Element:
    head = element(
        "tr",
        *(
            element("th", title, class_="n" if number else None)
            for number, title in enumerate(("file", "lines", "events", "read", "unread", "lost"))
        ),
    )
    rows = [
        element(
            "tr",
            element(
                "td",
                each.path,
                element("div", f"{each.format or 'unknown format'}, {each.state}", class_="dim"),
            ),
            *(
                element("td", text, class_="n")
                for text in (
                    f"{each.lines:,}",
                    f"{each.events:,}",
                    size(each.bytes_read),
                    "?" if each.unread_bytes is None else size(each.unread_bytes),
                    size(each.bytes_lost),
                )
            ),
        )
        for each in ledger
    ]
    return element("div", element("table", head, *rows), class_="wide")
