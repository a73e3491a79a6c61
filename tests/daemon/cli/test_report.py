"""The report: one file that can be mailed, opened on a phone, and trusted with hostile log lines."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from daemon.report.chart import Chart, ChartMark, svg
from daemon.report.markup import element, joined
from daemon.report.series import series_of
from daemon.subjects import Subject
from handlers.model import BeatStats, Point, RunStats
from handlers.sketch import bin_of
from tests.daemon.cli.conftest import Cli
from tests.handlers.diagnosis.builders import slow

VOID = {"meta", "line", "path", "polyline", "rect", "circle"}


class WellFormed(HTMLParser):
    """Fails for a tag that is not closed, or an id that is there twice."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.targets: set[str] = set()
        self.text: list[str] = []
        self.feed(text)
        assert self.open == []
        assert self.targets <= self.ids

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (name := given.get("id")) is not None:
            assert name not in self.ids
            self.ids.add(name)
        if (target := given.get("href")) is not None:
            assert target.startswith("#"), "a reference that leads out of the file"
            self.targets.add(target[1:])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_it_tells_what_is_open_why_and_what_to_do_in_one_file(cli: Cli, judged: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert cli("report", "--html", out, "--since", "1000d", "--store", judged).code == 0
    text = out.read_text()
    page = WellFormed(text)
    said = " ".join(page.text)
    anomalies = cli("anomalies", "--format", "json", "--store", judged).json()["anomalies"]
    assert {anomaly["id"] for anomaly in anomalies} <= page.ids
    assert "5 incidents open" in said
    assert "Cause (" in said
    assert "What to do, in order" in said
    assert text.count("<svg") == 5
    assert not re.search(r"https?://|url\(|@import|<link|<img|<iframe|src=", text)
    assert "prefers-color-scheme:dark" in text
    assert "width=device-width" in text


def test_markdown_is_for_a_ticket(cli: Cli, judged: Path) -> None:
    text = cli("report", "--since", "1000d", "--store", judged).out
    assert text.startswith("# selfheald: 5 incidents open\n")
    assert text.count("\n## ") == 5
    assert text.count("- cause (") == 5


def test_what_was_resolved_before_is_left_out_and_nothing_is_no_trouble(cli: Cli, folder: Path) -> None:
    assert cli("run", "--once").code == 0
    assert cli("report", "--html", "r.html").code == 0
    assert "nothing is open" in " ".join(WellFormed((folder / "r.html").read_text()).text)


@pytest.mark.parametrize("span", ["", "7", "d", "0d", "-1d", "7w", "1000000d"])
def test_a_span_that_is_none_is_refused(cli: Cli, judged: Path, span: str) -> None:
    code, _, err = cli("report", "--since", span, "--store", judged)
    assert code == 2
    assert "24h" in err


def test_a_place_that_cannot_be_written_is_told(cli: Cli, judged: Path) -> None:
    code, _, err = cli("report", "--html", "no/such/r.html", "--store", judged)
    assert code == 2
    assert "no/such/r.html" in err


def test_text_is_never_markup() -> None:
    hostile = "<script>alert(1)</script>\"'&"
    made = joined(element("p", hostile, title=hostile), hostile)
    assert "<script" not in made
    assert WellFormed(made).text[0] == hostile


def test_a_chart_names_its_figures_and_marks() -> None:
    points = tuple(Point(at * 10_000, float(at), 5) for at in range(10))
    chart = Chart(
        title="median",
        points=points,
        expected=2.0,
        limit=3.0,
        from_ms=40_000,
        to_ms=90_000,
        marks=(ChartMark(50_000, "restart"), ChartMark(500_000, "outside")),
        write=lambda value: f"{value:g} ms",
    )
    text = svg(chart)
    WellFormed(text)
    assert 'aria-label="median; expected 2 ms, limit 3 ms"' in text
    assert "restart" in text
    assert "outside" not in text


def test_a_series_is_the_figure_that_the_verdict_is_about() -> None:
    anomaly = slow()
    history = {at * 20_000: _beat(20_000 * (at + 1)) for at in range(3)}

    def read(subject: Subject) -> dict[int, BeatStats]:
        return history if subject == ("beat", (anomaly.sequence, anomaly.event)) else {}

    points = series_of(anomaly, read, 20_000)
    assert [(point.at_ms, point.samples) for point in points] == [(0, 3), (20_000, 3), (40_000, 3)]
    assert points[1].value == pytest.approx(40.0, rel=0.03)


def test_of_what_stopped_the_silence_is_in_the_series() -> None:
    anomaly = replace(slow(), kind="silent", event="")
    runs = {0: RunStats(completed=6), 60_000: RunStats(completed=3)}
    points = series_of(anomaly, lambda _: runs, 20_000, until_ms=110_000)
    assert [(point.at_ms, point.value) for point in points] == [
        (0, 18.0),
        (20_000, 0.0),
        (40_000, 0.0),
        (60_000, 9.0),
        (80_000, 0.0),
        (100_000, 0.0),
    ]


def _beat(duration_us: int) -> BeatStats:
    return BeatStats(completed=3, bins={bin_of(duration_us): 3})


def test_an_incident_says_who_did_what_with_it_and_leaves_names_as_they_are(
    cli: Cli, judged: Path, folder: Path
) -> None:
    store = shutil.copy(judged, folder / "store.db")
    anomalies = cli("anomalies", "--format", "json", "--store", store).json()["anomalies"]
    [known] = (each["id"] for each in anomalies if each["description"].startswith("renderReact takes"))
    assert cli("ack", known, "--note", "INC-4711", "--store", store).code == 0
    assert cli("report", "--html", "r.html", "--since", "1000d", "--store", store).code == 0
    said = WellFormed((folder / "r.html").read_text()).text
    assert any(text.startswith("acknowledged by ") and text.endswith(": INC-4711") for text in said)
    assert any(text.startswith("renderReact takes 63.7 ms") for text in said)
