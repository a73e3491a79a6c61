"""A sequence definition is edited while the daemon runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.incident import Incident
from handlers.model import Mark
from tests.daemon.process import DaemonProcess

BEATS = ("select", "price", "reserve", "pay")
SWAPPED = ("select", "reserve", "price", "pay")
BEGIN_S = 1_795_348_800


def definition(path: Path, beats: tuple[str, ...]) -> None:
    declared = [{"beat": number, "event": event} for number, event in enumerate(beats, 1)]
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps({"pluginId": "Shop", "id": "cart", "name": "Cart", "movements": [{"beats": declared}]})
    )


def play(log: Path, first: int, last: int, beats: tuple[str, ...] = BEATS) -> None:
    """One run a second."""
    with log.open("a") as file:
        for number in range(first, last):
            for beat, event in enumerate(beats):
                file.write(
                    json.dumps(
                        {
                            "timestamp": BEGIN_S + number + beat / 10,
                            "event": event,
                            "handler": f"Shop.{event}",
                            "sequence": "cart",
                            "requestId": f"r{number}",
                            "duration": 20,
                        }
                    )
                    + "\n"
                )
            file.write(
                json.dumps(
                    {
                        "timestamp": BEGIN_S + number + 0.5,
                        "sequence": "cart",
                        "requestId": f"r{number}",
                        "kind": "sequence-completed",
                    }
                )
                + "\n"
            )


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        definition(tmp_path / "sequences/cart.json", BEATS)
        process.config.write_text(
            "detect: {interval_s: 0.5, coverage: false, hold_s: 0}\n"
            "ingest: {commit_interval_ms: 100}\n"
            f"project: {{sequences: [{tmp_path / 'sequences'}]}}\n"
        )
        play(process.logs / "shop.jsonl", 0, 120)
        process.start()
        process.until("it has judged the runs", lambda: process.totals().judged_until_ms > 0)
        assert process.anomalies() == []
        yield process


def marks(service: DaemonProcess) -> list[Mark]:
    with service.reading() as (telemetry, _):
        return telemetry.marks.between(0, 1 << 62)


def open_ones(service: DaemonProcess) -> list[Incident]:
    return [each for each in service.anomalies() if each.is_open]


def test_runs_that_go_on_as_ever_are_told_against_the_new_one_which_is_blamed(
    service: DaemonProcess,
) -> None:
    definition(service.folder / "sequences/cart.json", SWAPPED)
    service.until("the runs break it", lambda: len(open_ones(service)) == 1)
    service.until("it is told with its cause", lambda: "do first:" in service.said())
    (mark,) = marks(service)
    assert (mark.kind, mark.about) == ("definition", "cart")
    assert (mark.before, mark.after) == (" → ".join(BEATS), " → ".join(SWAPPED))
    assert "the definition of cart changed: select → price → reserve → pay becomes select" in service.said()
    (incident,) = open_ones(service)
    assert incident.anomaly.kind == "out-of-order"
    with service.reading() as (_, anomalies):
        diagnosis = anomalies.recommendations()[0].assessed.diagnosis
    assert (diagnosis.cause_kind, diagnosis.verdict) == ("definition-changed", "confirmed")
    assert "sequences/cart.json" in diagnosis.cause


def test_the_anomaly_ends_when_the_program_follows(service: DaemonProcess) -> None:
    definition(service.folder / "sequences/cart.json", SWAPPED)
    service.until("the runs break it", lambda: len(open_ones(service)) == 1)
    play(service.logs / "shop.jsonl", 120, 240, SWAPPED)
    service.until("nothing is open", lambda: open_ones(service) == [])


def test_a_change_while_no_daemon_ran_is_noticed_at_the_next_start(service: DaemonProcess) -> None:
    service.kill()
    definition(service.folder / "sequences/cart.json", SWAPPED)
    service.start()
    service.until("the runs break it", lambda: len(open_ones(service)) == 1)
    assert [each.kind for each in marks(service)] == ["definition"]


def test_an_edited_threshold_is_a_mark(service: DaemonProcess) -> None:
    text = service.config.read_text().replace("hold_s: 0", "hold_s: 0, over_expected: 0.25")
    service.config.write_text(text)
    service.until("it is adopted", lambda: "detect.over_expected: 0.5 -> 0.25" in service.said())
    service.until("there is a mark", lambda: bool(marks(service)))
    (mark,) = marks(service)
    assert (mark.kind, mark.about, mark.before, mark.after) == (
        "settings",
        "detect.over_expected",
        "0.5",
        "0.25",
    )
