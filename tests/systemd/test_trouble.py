"""The service in trouble: rotation of a live log, a full disk, a clock that steps, a loop that hangs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.systemd.booted import Booted
from tests.systemd.conftest import log_of, missing_for_boot, state_of

pytestmark = pytest.mark.skipif(bool(missing_for_boot()), reason=missing_for_boot() or "never")

HERE = Path(__file__).parent
STATE = "/var/lib/selfheald"
CONFIG = ("--config", "/etc/selfheald/selfheald.yaml")
SETTINGS = """
logs: {directories: [/srv/logs, /srv/live]}
metrics: {interval_s: 1}
alerts: {hook: {command: [/srv/hook, /var/lib/selfheald/alerts.jsonl]}}
"""
HOOK = '#!/bin/sh\ncat >> "$1"\necho >> "$1"\n'


@pytest.fixture(scope="module")
def service(system: Booted) -> Booted:
    """Installed and running, with faults at hand, and a log with five anomalies read."""
    system.run("mkdir", "-p", "/srv/live", "/etc/selfheald/conf.d")
    system.write("/srv/hook", HOOK)
    system.run("chmod", "755", "/srv/hook")
    system.write("/etc/selfheald/conf.d/10-test.yaml", SETTINGS)
    system.run("dpkg", "--force-depends", "--install", "/srv/selfheald.deb")
    [site] = system.run("sh", "-c", "echo /opt/selfheald/lib/python*/site-packages").split()
    system.write(f"{site}/faults_of_tests.py", (HERE / "faults.py").read_bytes())
    system.write(f"{site}/faults_of_tests.pth", "import faults_of_tests\n")
    system.write("/srv/producer.py", (HERE / "producer.py").read_bytes())
    system.run("mkdir", "-p", "/run/systemd/system/selfheald.service.d")
    system.write("/run/systemd/system/selfheald.service.d/test.conf", "[Service]\nRestartSec=0\n")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", "selfheald")
    system.write("/srv/logs/app.log", log_of("healthy"))
    system.waits_for(lambda: state_of(system)["judged_until_ms"] > 0, "a judgement of the healthy log")
    system.write("/srv/logs/second.log", log_of("regressed"))
    system.waits_for(lambda: system.journal("-p4").count("do first:") == 5, "five verdicts")
    return system


def lines_of(service: Booted) -> int:
    lines: int = state_of(service)["read"]["lines"]
    return lines


def test_a_command_hook_gets_each_alert_once(service: Booted) -> None:
    def alerts() -> list[dict[str, str]]:
        said = service.run("cat", f"{STATE}/alerts.jsonl", check=False)
        return [json.loads(line) for line in said.splitlines(keepends=True) if line.endswith("\n")]

    def opened() -> list[dict[str, str]]:
        """What is read in two pieces may open in the first and get graver in the second."""
        return [each for each in alerts() if each["kind"] == "open"]

    service.waits_for(lambda: len(opened()) >= 5, "the alerts")
    assert len(opened()) == len({each["incident"] for each in opened()}) == 5
    assert {each["kind"] for each in alerts()} <= {"open", "escalate"}
    assert [each["title"].count("renderReact") for each in opened()].count(1) == 1


def test_the_metrics_file_says_what_status_says(service: Booted) -> None:
    def figures() -> dict[str, str]:
        lines = service.run("cat", f"{STATE}/selfheald.prom").splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    expected = str(state_of(service)["read"]["events"])
    service.waits_for(lambda: figures()["selfheald_events_total"] == expected, "the figures")
    assert service.run("stat", "--format=%a", f"{STATE}/selfheald.prom").strip() == "644"


def test_doctor_finds_nothing_that_keeps_it_from_working(service: Booted) -> None:
    said = service.run("runuser", "-u", "selfheald", "--", "selfheald", "doctor", *CONFIG)
    assert re.findall("(?m)^failed .*", said) == []
    assert f"ok       store: {STATE}/store.db is whole" in said
    assert "active (running)" in said


def test_top_and_report_show_what_is_open(service: Booted) -> None:
    assert "renderReact" in service.run("selfheald", "top", "--once", *CONFIG)
    assert "5 incidents open" in service.run("selfheald", "report", "--since", "1000d", *CONFIG)
    service.run("selfheald", "report", "--since", "1000d", "--html", "/srv/report.html", *CONFIG)
    assert service.run("cat", "/srv/report.html").count("<svg") == 5


@pytest.mark.parametrize("way", ["SIGUSR1", "SIGUSR2"], ids=["renamed", "copied and truncated"])
def test_of_a_live_log_that_is_rotated_three_times_each_line_counts_once(service: Booted, way: str) -> None:
    before = lines_of(service)
    service.run("sh", "-c", "rm -f /srv/written /srv/live/*")
    produce(service)
    for turn in range(1, 4):
        seen = lines_of(service)
        service.waits_for(lambda seen=seen: lines_of(service) > seen, "lines from the producer")  # type: ignore[misc]
        service.run("systemctl", "kill", f"--signal={way}", "producer")
        service.waits_for(lambda turn=turn: rotated(service, turn), f"rotation {turn}")  # type: ignore[misc]
    written = stop_producing(service)
    service.waits_for(lambda: lines_of(service) >= before + written, "the last line")
    assert lines_of(service) == before + written
    sources = json.loads(service.run("selfheald", "sources", "--format", "json", *CONFIG))["sources"]
    assert sum(source["bytes_lost"] for source in sources) == 0


def rotated(service: Booted, turn: int) -> bool:
    return f"app.log.{turn}\n" in service.run("ls", "/srv/live")


def produce(service: Booted) -> None:
    service.run("systemd-run", "--unit=producer", "/usr/bin/python3", "/srv/producer.py")


def stop_producing(service: Booted) -> int:
    """How many lines were written."""
    service.run("systemctl", "stop", "producer")
    return int(service.run("cat", "/srv/written"))


def test_on_a_full_disk_it_pauses_says_so_and_loses_nothing(service: Booted) -> None:
    service.run("systemctl", "stop", "selfheald")
    service.run("cp", "-a", STATE, "/srv/state")
    service.run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", STATE)
    service.run("sh", "-c", f"cp -a /srv/state/. {STATE} && chown --reference=/srv/state {STATE}")
    service.run("systemctl", "start", "selfheald")
    before = lines_of(service)
    service.run("dd", "status=none", "if=/dev/zero", f"of={STATE}/ballast", "bs=64k", check=False)
    service.run("sh", "-c", "rm -f /srv/written /srv/live/*")
    produce(service)
    service.waits_for(lambda: "reading pauses, nothing is lost" in service.journal("-p3"), "the pause")
    assert service.shows("ActiveState") == "active"
    service.run("rm", f"{STATE}/ballast")
    service.waits_for(lambda: "reading goes on, after a pause" in service.journal("-p4"), "the end of it")
    written = stop_producing(service)
    service.waits_for(lambda: lines_of(service) >= before + written, "the last line")
    assert lines_of(service) == before + written
    assert service.shows("NRestarts") == "0"


def test_a_clock_that_is_set_back_is_told_and_set_right_again_it_goes_on(service: Booted) -> None:
    """What is written meanwhile is dated ahead of the machine's clock, and counted as such."""
    ahead = state_of(service)["read"]["ahead"]
    service.write("/srv/step_s", "-7200")
    service.run("sh", "-c", "rm -f /srv/written /srv/live/*")
    before = lines_of(service)
    produce(service)
    service.waits_for(lambda: "dated later than this machine's clock" in service.journal("-p4"), "a warning")
    service.waits_for(lambda: state_of(service)["read"]["ahead"] > ahead, "the count of it")
    service.run("rm", "/srv/step_s")
    left_out = state_of(service)["read"]["ahead"]
    events = state_of(service)["read"]["events"]
    service.waits_for(lambda: state_of(service)["read"]["events"] > events + 200, "what follows")
    written = stop_producing(service)
    service.waits_for(lambda: lines_of(service) >= before + written, "the last line")
    assert lines_of(service) == before + written
    assert state_of(service)["read"]["ahead"] - left_out <= 100
    assert service.shows("NRestarts") == "0"


def test_a_loop_that_hangs_is_killed_by_the_watchdog_and_nothing_is_counted_twice(service: Booted) -> None:
    """Its other threads live on; only the loop stands still."""
    before = lines_of(service)
    service.write(
        "/run/systemd/system/selfheald.service.d/test.conf", "[Service]\nRestartSec=0\nWatchdogSec=3\n"
    )
    service.run("systemctl", "daemon-reload")
    service.run("systemctl", "restart", "selfheald")
    first = service.shows("MainPID")
    service.run("systemctl", "kill", "--signal=SIGUSR2", "--kill-whom=main", "selfheald")
    service.waits_for(lambda: service.shows("NRestarts") == "1", "the restart")
    service.waits_for(lambda: service.shows("ActiveState") == "active", "the start")
    assert service.shows("MainPID") != first
    assert "Watchdog timeout" in service.journal()
    assert lines_of(service) == before
