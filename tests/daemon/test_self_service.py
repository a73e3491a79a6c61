"""A real daemon's troubles, and that a healthy one has none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daemon.cli.app import app
from daemon.self_records import SelfRecords
from daemon.store import Store
from handlers.anomaly.sequence import ANOMALY
from handlers.model import SelfAnomaly
from handlers.telemetry.sequence import TELEMETRY
from tests.daemon.process import DaemonProcess

DATA = Path(__file__).parents[1] / "data/conductor"
HURRIED = """
import daemon.self_watch as own
own.LOOK_EVERY_S = 0.1
own.WINDOW_S = 1
own.HOLD_S = own.REMEMBER_EVERY_S = 0.5
"""
"""The daemon looks at itself a hundred times as often as usual."""
KILL_EMITTERS = """
import threading, watchdog.observers.inotify as inotify
def die(self, timeout): raise OSError('a fault of the test')
threading.excepthook = lambda _: None
inotify.InotifyEmitter.queue_events = die
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        process.config.write_text("detect:\n  interval_s: 0.2\ningest:\n  commit_interval_ms: 50\n")
        yield process


def own(service: DaemonProcess) -> dict[str, str]:
    """State by kind."""
    return {
        each.anomaly.kind: each.state for each in service.anomalies() if isinstance(each.anomaly, SelfAnomaly)
    }


def judged(service: DaemonProcess) -> set[str]:
    """The own sequences that something was learned of."""
    with Store.open_reader(service.store_path) as store, store.snapshot():
        return {key[0] for key, _ in SelfRecords(store).load().beats}


def test_a_healthy_daemon_that_catches_up_follows_a_live_log_and_rests_has_no_trouble(
    service: DaemonProcess,
) -> None:
    healthy = gzip.decompress((DATA / "healthy.log.gz").read_bytes()).splitlines(keepends=True)
    log = service.logs / "app.log"
    log.write_bytes(b"".join(healthy))
    service.start(prelude=HURRIED)
    expected = len(healthy)
    for begin in range(0, 20_000, 200):
        with log.open("ab") as file:
            file.writelines(healthy[begin : begin + 200])
        expected += 200
        service.until("it is read", lambda: service.totals().lines >= expected)  # noqa: B023
    service.until("its own beats are judged", lambda: {ANOMALY.id, TELEMETRY.id} <= judged(service))
    assert own(service) == {}
    assert "ERROR" not in service.said()


def test_a_death_is_told_by_the_daemon_that_follows_and_a_second_one_counts(service: DaemonProcess) -> None:
    for deaths in range(3):
        service.start(prelude=HURRIED)
        if deaths:
            told = "selfheald died and was started again", "own trouble with daemon is over"
            for each in told:
                service.until(each, lambda: service.said().count(each) == deaths)  # noqa: B023
            assert own(service) == {"died": "resolved"}
            assert service.anomalies()[0].reopened == deaths - 1
        service.until("it watches", lambda: service.said().count("watches") == deaths + 1)  # noqa: B023
        service.kill()


def test_rejected_settings_are_an_incident_until_they_are_mended(service: DaemonProcess) -> None:
    service.start(prelude=HURRIED)
    service.until("it watches", lambda: "watches" in service.said())
    good = service.config.read_text()
    service.config.write_text("detekt: {}\n")
    service.until("it is told", lambda: own(service) == {"settings-rejected": "open"})
    service.until("with advice", lambda: "do first: mend the file" in service.said())
    service.config.write_text(good)
    service.until("it is over", lambda: own(service) == {"settings-rejected": "resolved"})
    assert "resolved: own trouble with settings is over" in service.said()


def test_a_dead_emitter_is_an_incident_that_every_command_shows(service: DaemonProcess) -> None:
    service.start(prelude=HURRIED + KILL_EMITTERS)
    service.until("it is told", lambda: "not-alive" in own(service))
    run = CliRunner().invoke
    config = ["--config", str(service.config)]
    env = {"SELFHEALD_STORE__PATH": str(service.store_path)}
    [found] = [
        each
        for each in json.loads(run(app, ["anomalies", "--format", "json", *config], env=env).stdout)[
            "anomalies"
        ]
        if each["type"] == "self"
    ]
    shown = run(app, ["show", found["id"], *config], env=env).stdout
    assert "self (not-alive), open" in shown
    assert "about       watcher" in shown
    assert "restart it" in shown
    assert "samples" not in shown
    assert "1 critical" in run(app, ["status", *config], env=env).stdout
    report = run(app, ["report", *config], env=env).stdout
    assert found["id"] in report
    assert "restart it" in report
