"""The daemon as people run it: real processes, real files, real signals."""

from __future__ import annotations

import gzip
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.store import Store
from tests.daemon.kill_campaign import KillCampaign
from tests.daemon.process import BOUND_S, DaemonProcess
from tests.daemon.stored_windows import stored_windows

DATA = Path(__file__).parents[1] / "data/conductor"
KILLS = int(os.environ.get("SELFHEALD_SERVICE_KILLS", "20"))
SEED = int(os.environ.get("SELFHEALD_SERVICE_SEED", "7"))


def lines_of(name: str) -> list[bytes]:
    return gzip.decompress((DATA / name).read_bytes()).splitlines(keepends=True)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        process.config.write_text("detect:\n  interval_s: 0.5\ningest:\n  commit_interval_ms: 100\n")
        yield process


def started(service: DaemonProcess) -> None:
    service.until("it says that it watches", lambda: "watches" in service.said())


def test_feeds_what_is_there_and_what_is_appended_later(service: DaemonProcess) -> None:
    lines = lines_of("healthy.log.gz")
    log = service.logs / "app.log"
    log.write_bytes(b"".join(lines[:20_000]))
    service.start()
    service.until("the first part is read", lambda: service.totals().lines == 20_000)
    with log.open("ab") as file:
        file.write(b"".join(lines[20_000:]))
    service.until("the second part is read", lambda: service.totals().lines == len(lines))


def test_a_fault_that_begins_while_it_runs_is_an_anomaly_with_cause_and_advice(
    service: DaemonProcess,
) -> None:
    log = service.logs / "app.log"
    log.write_bytes(b"".join(lines_of("healthy.log.gz")))
    service.start()
    service.until("the healthy log is judged", lambda: service.totals().judged_until_ms > 0)
    assert service.anomalies() == []
    with log.open("ab") as file:
        file.write(b"".join(lines_of("regressed.log.gz")))
    expected = {
        ("performance", "canvas:component:render-react"),
        ("error", "control:panel:ui:render"),
        ("error", "canvas:component:paste:create"),
        ("behavioral", "canvas-component-export-symphony"),
        ("behavioral", "canvas-component-select-symphony"),
    }

    def found() -> set[tuple[str, str]]:
        return {
            (kind, stored.anomaly.sequence if kind == "behavioral" else stored.anomaly.event)
            for stored in service.anomalies()
            for kind in [type(stored.anomaly).__name__.removesuffix("Anomaly").lower()]
        }

    service.until("all faults are found", lambda: found() >= expected)
    assert found() == expected
    service.until("each is told with a cause and an advice", lambda: service.said().count("do first:") >= 5)
    with service.reading() as (_, anomalies):
        advised = {each.anomaly_id for each in anomalies.recommendations()}
    assert advised == {stored.anomaly.id for stored in service.anomalies()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_at_once_even_in_the_middle_of_a_long_read(
    service: DaemonProcess, number: signal.Signals
) -> None:
    healthy = b"".join(lines_of("healthy.log.gz"))
    with (service.logs / "app.log").open("wb") as file:
        for _ in range(40):
            file.write(healthy)
    with service.config.open("a") as settings:
        settings.write(f"  batch_bytes: {len(healthy)}\n")
    service.start()
    service.until("it has begun to read", lambda: service.totals().lines > 0)
    before = service.totals().lines
    service.signal(number)
    assert service.wait() == 0
    assert service.totals().lines - before <= 2 * healthy.count(b"\n")  # the batch at work, and one before
    assert "stopped; everything read is stored" in service.said()


def test_an_edited_threshold_takes_effect_and_the_log_says_from_what_to_what(
    service: DaemonProcess,
) -> None:
    service.start()
    started(service)
    service.config.write_text("detect:\n  interval_s: 0.5\n  over_expected: 0.9\n")
    service.until("it is told", lambda: "detect.over_expected: 0.5 -> 0.9" in service.said())


def test_an_invalid_edit_changes_nothing_and_says_where_it_is_wrong(service: DaemonProcess) -> None:
    service.start()
    started(service)
    service.config.write_text("detect:\n  interval_s: 0.5\n  over_expected: -3\n  typo: 1\n")
    service.until("the lines are named", lambda: "selfheald.yaml:4: detect.typo" in service.said())
    assert "selfheald.yaml:3: detect.over_expected" in service.said()
    service.config.write_text("detect:\n  interval_s: 0.7\n")
    service.until("a valid edit is adopted", lambda: "detect.interval_s: 0.5 -> 0.7" in service.said())
    assert "over_expected: -3" not in service.said()


def test_sighup_reads_the_settings_and_a_rotated_log_goes_on(service: DaemonProcess) -> None:
    lines = lines_of("healthy.log.gz")
    log = service.logs / "app.log"
    log.write_bytes(b"".join(lines[:10_000]))
    service.start()
    service.until("the first part is read", lambda: service.totals().lines == 10_000)
    log.rename(service.logs / "app.log.1")
    with (service.logs / "app.log.1").open("ab") as file:
        file.write(b"".join(lines[10_000:10_100]))
    log.write_bytes(b"".join(lines[10_100:20_000]))
    service.signal(signal.SIGHUP)
    service.until("both files are read", lambda: service.totals().lines == 20_000)
    service.until("the signal is told", lambda: "SIGHUP" in service.said())


def test_a_second_daemon_on_the_same_store_is_refused_with_the_pid_of_the_first(
    service: DaemonProcess,
) -> None:
    service.start()
    started(service)
    second = subprocess.run(
        [sys.executable, "-m", "daemon", "run"],
        cwd=service.folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert second.returncode == 2
    assert str(service.pid) in second.stderr
    assert "Traceback" not in second.stderr


def test_the_service_manager_hears_that_it_is_ready_alive_and_what_it_does(
    service: DaemonProcess,
) -> None:
    (service.logs / "app.log").write_bytes(b"".join(lines_of("healthy.log.gz")))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(service.folder / "notify"))
        manager.settimeout(BOUND_S)
        service.start(NOTIFY_SOCKET=str(service.folder / "notify"), WATCHDOG_USEC="400000")
        assert manager.recv(4096) == b"READY=1"
        heard = b""
        while b"lag 0 B" not in heard or b"catching up" in heard:
            heard = manager.recv(4096)
        state, status = heard.decode().split("\n")
        assert state == "WATCHDOG=1"
        assert re.fullmatch(r"STATUS=1 file, [\d,]+ events/s, lag 0 B, 0 open incidents", status)
        service.config.write_text("detekt: {}\n")
        while b"settings" not in heard:
            heard = manager.recv(4096)
        assert f", settings from before: {service.config.name}:1: detekt: unknown" in heard.decode()
        service.signal(signal.SIGTERM)
        while heard != b"STOPPING=1":
            heard = manager.recv(4096)
    assert service.wait() == 0


def read_uninterrupted(folder: Path, log: bytes) -> tuple[int, int, dict[str, int]]:
    with DaemonProcess(folder) as process:
        process.logs.mkdir(parents=True)
        process.config.write_text("detect: {interval_s: 0.2}\nretention: {windows_h: 87600}\n")
        (process.logs / "app.log").write_bytes(log)
        process.start()
        process.until("all is read", lambda: process.totals().lines == log.count(b"\n"))
        process.until("and judged", lambda: process.totals().judged_until_ms > 0)
        return counts(process)


def counts(process: DaemonProcess) -> tuple[int, int, dict[str, int]]:
    """Lines, events, and all that the windows hold, added up."""
    with process.reading() as (telemetry, _):
        totals = telemetry.totals()
        sums: dict[str, int] = {}
        for window in stored_windows(telemetry).windows.values():
            for beat_key, beat in window.beats.items():
                for what in ("started", "completed", "failed", "total_us"):
                    name = "/".join((*beat_key, what))
                    sums[name] = sums.get(name, 0) + getattr(beat, what)
            for sequence, run in window.runs.items():
                for path, variant in run.variants.items():
                    sums[f"{sequence}:{path}"] = sums.get(f"{sequence}:{path}", 0) + variant.runs
            for error_key, error in window.errors.items():
                sums["!".join(error_key)] = sums.get("!".join(error_key), 0) + error.count
    return totals.lines, totals.events, sums


def test_kill_9_at_any_instant_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    # Days that differ: what repeats itself byte by byte is rightly taken for a copy.
    sample = lines_of("healthy.log.gz") + lines_of("regressed.log.gz")
    days = [b"2026-11-%02dT" % day for day in range(22 - min(KILLS // 15, 21), 23)]
    lines = [line.replace(b"2026-11-22T", day) for day in days for line in sample]
    states = {"starting", "recovering", "reading", "rotating"}
    expected = read_uninterrupted(tmp_path / "whole", b"".join(lines))
    with DaemonProcess(tmp_path / "killed") as process:
        campaign = KillCampaign(process, lines, random.Random(SEED))
        campaign.run(KILLS, states)
        assert counts(process) == expected
    assert states <= campaign.hits.keys(), campaign.hits


WITHOUT_COPIES = """
import daemon.copies
daemon.copies.Copies.judge = lambda *_: None
"""


def test_the_kill_test_can_fail_a_reader_that_does_not_know_copies_is_found_out(tmp_path: Path) -> None:
    lines = lines_of("healthy.log.gz")
    expected = read_uninterrupted(tmp_path / "whole", b"".join(lines))
    with DaemonProcess(tmp_path / "killed") as process:
        KillCampaign(process, lines, random.Random(SEED), prelude=WITHOUT_COPIES).run(10)
        assert counts(process) != expected


def test_the_kill_test_can_fail_a_reader_that_forgets_its_offsets_is_found_out(tmp_path: Path) -> None:
    whole = b"".join(lines_of("healthy.log.gz"))
    expected = read_uninterrupted(tmp_path / "whole", whole)
    with DaemonProcess(tmp_path / "forgetful") as process:
        process.logs.mkdir(parents=True)
        process.config.write_text("detect:\n  interval_s: 0.2\n")
        log = process.logs / "app.log"
        log.write_bytes(whole)
        process.start()
        process.until("all is read", lambda: process.totals().lines == whole.count(b"\n"))
        process.kill()
        with Store.open(process.store_path, max_bytes=1 << 29) as store:
            store.table("sources").truncate()
        process.start()
        process.until("it reads again", lambda: process.totals().lines > whole.count(b"\n"))
        assert counts(process) != expected


def test_the_log_of_a_quiet_day_holds_nothing_but_start_and_stop(service: DaemonProcess) -> None:
    (service.logs / "app.log").write_bytes(b"".join(lines_of("healthy.log.gz")))
    service.start()
    service.until("the log is judged", lambda: service.totals().judged_until_ms > 0)
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    events = [re.sub(r"^\S+ \w+ +", "", line) for line in service.said().splitlines()]
    assert [line.split()[0] for line in events] == ["selfheald", "SIGTERM:", "stopped;"]
