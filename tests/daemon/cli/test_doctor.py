"""`selfheald doctor`: each trouble is named, with what to do; nothing is changed by looking."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import loading
from daemon.cli.doctor import logs as doctor_logs
from daemon.cli.doctor.machine import check_unit
from tests.daemon.cli.conftest import Cli


def checks_of(cli: Cli, *arguments: str) -> dict[str, Any]:
    return {check["name"]: check for check in cli("doctor", "--format", "json", *arguments).json()}


def test_a_fresh_place_has_no_failure_and_is_told_what_is_missing(cli: Cli, folder: Path) -> None:
    code, text, _ = cli("doctor")
    assert code == 0
    assert "logs .logs: does not exist" in text
    assert "do: mkdir .logs" in " ".join(text.split())
    assert max(map(len, text.replace(str(folder), ".").splitlines())) <= 80
    assert list(folder.iterdir()) == [], "looking changes nothing"


def test_what_was_installed_without_a_compiler_is_told_and_is_no_failure(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "handlers._speedups", None)
    speed = checks_of(cli)["speed"]
    assert speed["outcome"] == "warning"
    assert "gcc" in speed["advice"]


def test_a_judged_store_is_whole(cli: Cli, judged: Path) -> None:
    checks = checks_of(cli, "--store", str(judged))
    assert checks["store"]["outcome"] == "ok"
    assert checks["daemon"]["finding"] == "does not run on this store"


def test_settings_that_cannot_be_used_are_a_failure_with_file_and_line(cli: Cli, folder: Path) -> None:
    (folder / "selfheald.yaml").write_text("detect:\n  over_expected: -1\n")
    code, text, _ = cli("doctor")
    assert code == 1
    assert "selfheald.yaml:2: detect.over_expected" in text
    assert "1 failure" in text


def test_a_file_that_is_no_store_is_a_failure(cli: Cli, folder: Path) -> None:
    (folder / "store.db").write_text("no store at all, but long enough to be taken for one " * 40)
    checks = checks_of(cli, "--store", "store.db")
    assert checks["store"]["outcome"] == "failed"


def test_a_damaged_store_is_a_failure(cli: Cli, judged: Path, folder: Path) -> None:
    data = bytearray(judged.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 20_000] = os.urandom(20_000)
    (folder / "store.db").write_bytes(data)
    assert checks_of(cli, "--store", "store.db")["store"]["outcome"] == "failed"


def test_a_log_directory_that_is_a_file_is_a_failure(cli: Cli, folder: Path) -> None:
    (folder / ".logs").write_text("")
    assert checks_of(cli)["logs .logs"]["outcome"] == "failed"


def test_too_few_inotify_watches_are_a_failure_with_the_sysctl(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".logs" / "a" / "b").mkdir(parents=True)
    (folder / "max_user_watches").write_text("3\n")
    monkeypatch.setattr(doctor_logs, "INOTIFY", folder)
    check = checks_of(cli)["inotify"]
    assert check["outcome"] == "failed"
    assert check["advice"] == "sysctl fs.inotify.max_user_watches=12"


@pytest.mark.parametrize(
    ("shown", "outcome", "says"),
    [
        pytest.param("LoadState=not-found\nActiveState=inactive", "ok", "not installed", id="not installed"),
        pytest.param(
            "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=0\nResult=success",
            "ok",
            "active (running), 0 restarts",
            id="runs",
        ),
        pytest.param(
            "LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=3\nResult=success",
            "warning",
            "3 restarts",
            id="was restarted",
        ),
        pytest.param(
            "LoadState=loaded\nActiveState=failed\nSubState=failed\nNRestarts=5\nResult=watchdog",
            "failed",
            "because of: watchdog",
            id="gave up",
        ),
        pytest.param("", "unknown", "no systemd", id="no systemd"),
    ],
)
def test_the_unit_is_seen_as_the_service_manager_sees_it(
    monkeypatch: pytest.MonkeyPatch, shown: str, outcome: str, says: str
) -> None:
    def answer(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, stdout=shown)

    monkeypatch.setattr(subprocess, "run", answer)
    check = check_unit()
    assert check.outcome == outcome
    assert says in check.finding


def test_of_the_settings_of_the_service_it_looks_at_the_store_of_the_service(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = folder / "service.yaml"
    settings.write_text("")
    monkeypatch.setattr(loading, "SYSTEM_CONFIG", settings)
    monkeypatch.setattr(loading, "STATE_DIRECTORY", str(folder / "state"))
    assert f"{folder}/state/store.db" in checks_of(cli, "--config", str(settings))["store"]["finding"]
