"""The gate in a running daemon: what a saved threshold would change is known before it is in force."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.process import BOUND_S, PYTHONPATH, DaemonProcess
from tests.daemon.test_incident_clock import append

BASE = "detect:\n  interval_s: 0.2\n"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    """A daemon that found a slow handler."""
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        process.config.write_text(BASE)
        start_s = float(int(time.time()) - 3600)
        append(process.logs, append(process.logs, start_s, 300, 20), 100, 90)
        yield process


TIME_ENOUGH = "import daemon.reload_gate; daemon.reload_gate.BUDGET_S = 600.0\n"
"""On a busy machine too all of the history is judged."""


def started(service: DaemonProcess, prelude: str = "") -> None:
    service.start(prelude=TIME_ENOUGH + prelude)
    service.until("the fault is found", lambda: "found: cart:add takes" in service.said())


def status(service: DaemonProcess) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "daemon", "status"],
        cwd=service.folder,
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=True,
    )
    return ran.stdout


def save(service: DaemonProcess, text: str) -> None:
    service.config.write_text(BASE + text)


def test_a_changed_threshold_is_adopted_and_the_log_says_what_it_would_have_changed(
    service: DaemonProcess,
) -> None:
    started(service)
    save(service, "  over_expected: 9.0\n")
    service.until("it is adopted", lambda: "INFO     detect.over_expected: 0.5 -> 9.0" in service.said())
    before, _, _ = service.said().partition("INFO     detect.over_expected")
    assert "WARNING  detect.over_expected: 0.5 -> 9.0: 1 -> 0 incidents in 6." in before
    assert "would vanish: perf-" in before
    service.until("what is below it is over", lambda: "resolved: slowness of cart:add" in service.said())


def test_a_required_gate_refuses_what_loses_a_grave_anomaly_until_the_operator_means_it(
    service: DaemonProcess,
) -> None:
    started(service)
    save(service, "  over_expected: 9.0\n  reload_gate: require\n")
    service.until("it is refused", lambda: "the settings from before stay in force" in service.said())
    assert "would be lost; to adopt it all the same, save it with detect.reload_gate: warn" in service.said()
    assert "resolved" not in service.said()
    service.until("status says so", lambda: "those from before are in force: detect.over_" in status(service))
    save(service, "  over_expected: 9.0\n  reload_gate: warn\n")
    service.until("it is adopted", lambda: "INFO     detect.over_expected: 0.5 -> 9.0" in service.said())
    service.until("status says nothing of it", lambda: "those from before" not in status(service))


HELD_HISTORY = """
import time
from pathlib import Path
from daemon.stored_history import StoredHistory
piece = StoredHistory.piece
def held(*arguments):
    print("a backtest asks for a piece", flush=True)
    while not Path("go-on").exists():
        time.sleep(0.02)
    return piece(*arguments)
StoredHistory.piece = held
"""
ASKED = "a backtest asks for a piece"


def test_lines_are_read_and_signals_obeyed_while_a_backtest_runs(service: DaemonProcess) -> None:
    started(service, HELD_HISTORY)
    save(service, "  over_expected: 9.0\n")
    service.until("a backtest runs", lambda: ASKED in service.said())
    lines = service.totals().lines
    append(service.logs, time.time(), 1, 20)
    service.until("the line is read", lambda: service.totals().lines == lines + 1)
    service.signal(signal.SIGTERM)
    service.until("the signal is told", lambda: "SIGTERM: stopping" in service.said())
    assert "over_expected" not in service.said()
    (service.folder / "go-on").touch()
    assert service.wait() == 0
    assert service.said().count(ASKED) == 1


def test_without_a_gate_a_threshold_takes_effect_at_once(service: DaemonProcess) -> None:
    started(service, HELD_HISTORY)
    save(service, "  over_expected: 9.0\n  reload_gate: off\n")
    service.until("it is told", lambda: "detect.over_expected: 0.5 -> 9.0" in service.said())
    assert ASKED not in service.said()
