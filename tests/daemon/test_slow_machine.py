"""On a machine that cannot keep up, what is not read yet is not judged yet."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.daemon.process import FAULTY, DaemonProcess

SETTINGS = """
detect: {interval_s: 0.1}
ingest: {commit_interval_ms: 10, window_s: 1, allowed_lateness_s: 0.5}
logs: {hot_poll_ms: 10}
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        process.config.write_text(SETTINGS)
        yield process


def test_lines_that_wait_for_a_slow_disk_are_not_late(service: DaemonProcess) -> None:
    """Each commit takes longer than a window and its allowed lateness together."""
    service.start(PYTHONPATH=FAULTY, FAULT_SLOW_COMMIT_S="2")
    service.until("it watches", lambda: "watches" in service.said())
    written = 0
    until = time.monotonic() + 10
    with (service.logs / "app.log").open("a", buffering=1) as log:
        while time.monotonic() < until:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            log.write(json.dumps({"timestamp": at, "event": "a", "duration": 5}) + "\n")
            written += 1
            time.sleep(0.02)  # the pace of the program that logs
    service.until("all is read", lambda: service.totals().lines == written)
    service.until("it is judged", lambda: service.totals().judged_until_ms > 0)
    assert service.totals().late == 0
