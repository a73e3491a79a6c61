"""Lines that kill or hang whoever reads them: they are found, told, passed over, and all else is counted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from config.patterns import LINEAR
from daemon.telemetry_records import Source
from tests.daemon.process import BOUND_S, FAULTY, DaemonProcess
from tests.daemon.stored_windows import stored_windows

EVENTS = 3000


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        process.config.write_text("detect:\n  interval_s: 0.5\ningest:\n  commit_interval_ms: 100\n")
        yield process


def line(number: int, error: str | None = None) -> bytes:
    fields: dict[str, Any] = {"timestamp": 1_795_363_000 + number, "event": "cart:add", "handler": "Cart.add"}
    fields |= {"duration": 20 + number % 5} if error is None else {"error": error}
    return json.dumps(fields).encode() + b"\n"


def log_of(*poisoned: int) -> list[bytes]:
    """A log in which the lines of these numbers are poison."""
    lines = [line(number, "POISON in it" if number in poisoned else None) for number in range(EVENTS)]
    assert b"".join(lines).count(b"POISON") == len(poisoned)
    return lines


def has_watched_again(service: DaemonProcess, lives: int) -> bool:
    return service.said().count("watches") > lives


def start(service: DaemonProcess, poison: str, **variables: str) -> None:
    deaths = str(service.folder / "deaths")
    # On a busy machine a sound line takes long too: the limit is short only where it has to be waited for.
    faults = {"FAULT_POISON": poison, "FAULT_LOG": deaths, "FAULT_HANG_S": "3" if "hang" in poison else "600"}
    service.start(prelude="", log_to=None, PYTHONPATH=FAULTY, **{**faults, **variables})


def deaths(service: DaemonProcess) -> list[str]:
    path = service.folder / "deaths"
    return path.read_text().split() if path.exists() else []


def source_of(service: DaemonProcess) -> Source:
    with service.reading() as (telemetry, _):
        [source] = telemetry.sources()
    return source


def executions(service: DaemonProcess) -> int:
    with service.reading() as (telemetry, _):
        windows = stored_windows(telemetry).windows.values()
    return sum(beat.completed for window in windows for beat in window.beats.values())


def restarts_until_read(service: DaemonProcess, poison: str, lines: int) -> int:
    """Starts it again each time it died, as the service manager does; how often that was."""
    for starts in range(10):
        start(service, poison)
        known = deaths(service).count("daemon")

        dies = not poison.endswith("raise")

        def has_died(known: int = known, dies: bool = dies) -> bool:
            return dies and deaths(service).count("daemon") > known

        ended = partial(_has_read_or, has_died, service, lines)
        service.until("it reads to the end or dies", ended, 120)  # several children, each with a start
        if service.totals().lines >= lines:
            return starts
        if poison.endswith("hang"):
            service.signal(signal.SIGABRT)  # what the service manager's watchdog does
        service.wait()
    raise AssertionError(f"it dies for ever:\n{service.said()}")


def _has_read_or(has_died: Callable[[], bool], service: DaemonProcess, lines: int) -> bool:
    return service.totals().lines >= lines or has_died()


@pytest.mark.parametrize("how", ["kill", "exit", "hang"])
@pytest.mark.parametrize("where", ["extract", "normalize"])
def test_one_line_costs_the_daemon_one_life_and_nothing_but_that_line_is_lost(
    service: DaemonProcess, where: str, how: str
) -> None:
    lines = log_of(2000)
    (service.logs / "app.jsonl").write_bytes(b"".join(lines))
    assert restarts_until_read(service, f"{where}:{how}", EVENTS - 1) == 1
    assert deaths(service).count("daemon") == 1
    assert executions(service) == EVENTS - 1
    at = source_of(service).checkpoint
    begin, end = len(b"".join(lines[:2000])), len(b"".join(lines[:2001]))
    [loss] = at.losses
    assert (loss.from_offset, loss.to_offset) == (begin, end)
    assert loss.reason.startswith("quarantined: reading it ")
    assert (at.lines_quarantined, at.bytes_lost, at.lines_read) == (1, end - begin, EVENTS - 1)
    assert at.bytes_read + at.bytes_lost == at.offset == len(b"".join(lines))
    told = [said for said in service.said().splitlines() if "are passed over" in said]
    assert len(told) == 1
    assert "ERROR" in told[0]
    assert f"tail -c +{begin + 1} {service.logs / 'app.jsonl'} | head -c {end - begin}" in told[0]
    assert service.totals().events == EVENTS - 1


@pytest.mark.parametrize("how", ["kill", "exit", "hang", "raise"])
def test_a_file_at_whose_head_it_dies_is_left_alone_and_the_others_are_read(
    service: DaemonProcess, how: str
) -> None:
    (service.logs / "a.jsonl").write_bytes(b"".join(log_of()))
    (service.logs / "b.jsonl").write_bytes(b"".join(log_of(3)))
    (service.logs / "c.jsonl").write_bytes(b"".join(log_of()[1:]))  # no copy
    lives = restarts_until_read(service, f"recognise:{how}", 2 * EVENTS - 1)
    assert lives == (0 if how == "raise" else 1)
    assert executions(service) == 2 * EVENTS - 1
    told = [said for said in service.said().splitlines() if "recognising its format" in said]
    assert len(told) == 1
    assert "ERROR" in told[0]
    assert str(service.logs / "b.jsonl") in told[0]
    known = deaths(service)
    service.kill()
    start(service, f"recognise:{how}")  # and that stays so
    with (service.logs / "a.jsonl").open("ab") as file:
        file.write(line(EVENTS))
    service.until("the new line is read", lambda: service.totals().lines == 2 * EVENTS, 120)
    assert deaths(service) == known
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    start(service, f"recognise:{how}", SELFHEALD_LOGS__FORMAT="jsonl")
    service.until("named, it is read", lambda: service.totals().lines == 3 * EVENTS, 120)


@pytest.mark.skipif(LINEAR, reason="with google-re2 no pattern takes so long")
@pytest.mark.parametrize("at", [0, 2000], ids=["in the head", "far behind it"])
def test_a_declared_pattern_that_takes_for_ever_ends_the_daemon_and_its_line_is_passed_over(
    service: DaemonProcess, at: int
) -> None:
    pattern = r"^(?P<timestamp>\d+) (?P<handler>(\w+)+) (?P<event>e) (?P<duration>\d+)$"
    with service.config.open("a") as file:
        file.write(f"formats: {{shop: {{pattern: '{pattern}'}}}}\n")
    lines = [f"{1_795_363_000 + number} Cart e 5\n" for number in range(EVENTS)]
    lines[at] = f"1795363000 {'a' * 60}-\n"
    log = service.logs / "app.log"
    log.write_text("".join(lines))
    (service.logs / "b.jsonl").write_bytes(b"".join(log_of()))
    service.start(prelude="import daemon.hang\ndaemon.hang.HANG_CPU_S = 2.0")
    service.wait()
    assert "Fatal" not in service.said()
    assert "declared.py" in service.said()  # where each thread was
    start(service, "", FAULT_HANG_S="2")
    read = EVENTS if at == 0 else 2 * EVENTS - 1
    service.until("all else is read", lambda: service.totals().lines == read, 120)
    told = [said for said in service.said().splitlines() if "takes more than 2 s" in said]
    assert len(told) == 1


def test_what_kills_only_in_a_block_of_several_lines_is_read_line_by_line_and_lost_is_nothing(
    service: DaemonProcess,
) -> None:
    (service.logs / "app.jsonl").write_bytes(b"".join(log_of(2000)))
    assert restarts_until_read(service, "together:kill", EVENTS) == 1
    assert source_of(service).checkpoint.losses == ()
    assert executions(service) == EVENTS


def test_many_poisonous_lines_cost_the_daemon_one_life_too(service: DaemonProcess) -> None:
    poisoned = (0, 1, 2, 1500, EVENTS - 1)
    (service.logs / "app.jsonl").write_bytes(b"".join(log_of(*poisoned)))
    assert restarts_until_read(service, "extract:kill", EVENTS - 5) == 1
    service.until("the last is passed over", lambda: source_of(service).checkpoint.lines_quarantined == 5)
    assert executions(service) == EVENTS - 5


@pytest.mark.parametrize("where", ["extract", "normalize"])
def test_a_line_that_makes_a_handler_raise_costs_the_daemon_no_life(
    service: DaemonProcess, where: str
) -> None:
    (service.logs / "app.jsonl").write_bytes(b"".join(log_of(2000)))
    assert restarts_until_read(service, f"{where}:raise", EVENTS - 1) == 0
    assert "ended the process: TypeError: a defect" in source_of(service).checkpoint.losses[0].reason
    assert executions(service) == EVENTS - 1


def test_what_was_passed_over_is_not_read_after_the_defect_is_mended_and_what_follows_is(
    service: DaemonProcess,
) -> None:
    log = service.logs / "app.jsonl"
    log.write_bytes(b"".join(log_of(2000)))
    restarts_until_read(service, "extract:kill", EVENTS - 1)
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    service.start()
    with log.open("ab") as file:
        file.write(line(EVENTS))
    service.until("the new line is read", lambda: service.totals().lines == EVENTS)
    assert executions(service) == EVENTS


def test_a_signal_ends_it_at_once_while_a_child_hangs(service: DaemonProcess) -> None:
    (service.logs / "app.jsonl").write_bytes(b"".join(log_of(2000)))
    start(service, "extract:hang", FAULT_HANG_S="60")
    service.until("it hangs", lambda: deaths(service) == ["daemon"])
    service.kill()
    start(service, "extract:hang", FAULT_HANG_S="3600")
    service.until("a child hangs", lambda: deaths(service) == ["daemon", "child"])
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    assert service.said().splitlines()[-1].count("stopped; everything read is stored") == 1
    assert "WARNING" not in service.said()


def test_run_once_finds_the_line_too_even_a_last_one_without_a_newline(service: DaemonProcess) -> None:
    log = service.logs / "app.jsonl"
    log.write_bytes(b"".join(log_of(EVENTS - 1))[:-1])
    environ = {"PYTHONPATH": FAULTY, "FAULT_POISON": "extract:kill", "FAULT_LOG": str(service.folder / "d")}
    codes = [
        subprocess.run(
            [sys.executable, "-m", "daemon", "run", "--once"],
            cwd=service.folder,
            env={**os.environ, **environ},
            capture_output=True,
            check=False,
            timeout=BOUND_S,
        ).returncode
        for _ in range(2)
    ]
    assert codes == [-signal.SIGKILL, 0]
    at = source_of(service).checkpoint
    assert (at.lines_quarantined, at.offset) == (1, log.stat().st_size)
    assert executions(service) == EVENTS - 1


def test_kills_from_outside_are_no_evidence_even_one_after_another_in_careful_mode(
    service: DaemonProcess,
) -> None:
    """A child that is slow to read is there at every kill; no line is passed over."""
    service.start()  # makes the store
    service.until("it watches", lambda: "watches" in service.said())
    service.signal(signal.SIGTERM)
    service.wait()
    (service.logs / "app.jsonl").write_bytes(b"".join(log_of()))
    for _ in range(4):
        lives = service.said().count("watches")
        service.start(PYTHONPATH=FAULTY, FAULT_SLOW_COMMIT_S="3600")
        service.until("it watches", partial(has_watched_again, service, lives))
        service.kill()
    service.start()
    service.until("all is read", lambda: service.totals().lines == EVENTS)
    assert executions(service) == EVENTS
    assert source_of(service).checkpoint.losses == ()
