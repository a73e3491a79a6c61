"""A program that tells its version gets slow, or fails, with one of them: the diagnosis says with which."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.load import load_settings
from daemon.cli.app import run
from daemon.once import run_once
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.model import AnyDiagnosis, Mark

BEGIN_S = 1_700_000_000
RUNS = 720
"""One every five seconds."""
BAD, OLDER = 480, 120
"""Runs at which the bad version, and one before it, begin."""


def version_at(number: int) -> str:
    return "2.3.1" if number >= BAD else "2.3.0" if number >= OLDER else "2.2.9"


def executions(number: int) -> dict[str, object]:
    bad = number >= BAD
    line: dict[str, object] = {
        "timestamp": BEGIN_S + 5 * number,
        "event": "price" if number % 2 else "pay",
        "handler": "Shop.price" if number % 2 else "Shop.pay",
        "sequence": "cart",
        "duration": (80 if bad else 20) + number % 7 if number % 2 else 10 + number % 3,
    }
    if bad and not number % 2 and number % 4:
        line["error"] = {"type": "TypeError", "message": f"no price of item {number}"}
    return line


def in_every_line() -> list[str]:
    return [
        json.dumps({**executions(each), "version": version_at(each), "service": "shop"})
        for each in range(RUNS)
    ]


def in_a_log_beside() -> list[str]:
    return [json.dumps(executions(number)) for number in range(RUNS)]


def where_it_starts() -> list[str]:
    lines = []
    for number in range(RUNS):
        if number in {0, OLDER, BAD}:
            lines.append(json.dumps({"timestamp": BEGIN_S + 5 * number, "message": "starting"}))
            lines.append(f"Starting shop v{version_at(number)}")
        lines.append(json.dumps(executions(number)))
    return lines


@pytest.fixture(params=[in_every_line, where_it_starts, in_a_log_beside], ids=lambda told: told.__name__)
def found(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[AnyDiagnosis], list[Mark]]:
    log = tmp_path / "logs/shop.jsonl"
    log.parent.mkdir()
    log.write_text("".join(f"{line}\n" for line in request.param()))
    if request.param is in_a_log_beside:
        times = {at: datetime.fromtimestamp(BEGIN_S + 5 * at, UTC).isoformat() for at in (0, OLDER, BAD)}
        lines = (f"{time} INFO main: Starting shop v{version_at(at)}\n" for at, time in times.items())
        log.with_name("main.log").write_text("".join(lines))
    settings = tmp_path / "selfheald.yaml"
    settings.write_text(
        f"logs: {{directories: [{log.parent}]}}\nstore: {{path: {tmp_path / 'store.db'}}}\n"
        "detect: {coverage: false}\nlog: {level: ERROR}\n"
    )
    report = run_once(load_settings(settings, {}), {})
    with Store.open_reader(tmp_path / "store.db") as store, store.snapshot():
        marks = TelemetryRecords(store, 10_000).marks.between(0, 1 << 62)
    return [each.assessed.diagnosis for each in report.recommendations], marks


def test_the_first_bad_version_is_named_and_the_one_before_ruled_out(
    found: tuple[list[AnyDiagnosis], list[Mark]],
) -> None:
    diagnoses, marks = found
    assert [(each.about, each.before, each.after) for each in marks] == [
        ("shop", "", "2.2.9"),
        ("shop", "2.2.9", "2.3.0"),
        ("shop", "2.3.0", "2.3.1"),
    ]
    assert [round((each.at_ms - 1000 * BEGIN_S) / 5000) for each in marks] == [0, OLDER, BAD]
    kinds = {type(each).__name__ for each in diagnoses}
    assert kinds == {"PerformanceDiagnosis", "ErrorDiagnosis"}
    for each in diagnoses:
        assert each.cause.endswith("it began with version 2.3.1 (before: 2.3.0)")
        assert each.verdict != "confirmed"
        assert any("first bad version: 2.3.1 of shop" in says for says in each.evidence)
        assert any("version 2.3.0 of shop: it ran since" in says for says in each.ruled_out)


def test_the_report_shows_when_each_version_came(
    found: tuple[list[AnyDiagnosis], list[Mark]], tmp_path: Path
) -> None:
    out = tmp_path / "report.html"
    since = ["--since", "100000d", "--config", str(tmp_path / "selfheald.yaml")]
    assert run(["report", "--html", str(out), *since]) == 0
    text = out.read_text()
    assert "2023-11-14 22:53:20 UTC: version 2.3.1 of shop came (before: 2.3.0)" in text
    assert "3 changes" in text
