"""The systemd unit, judged by systemd's own tools, which need no running systemd."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.daemon.process import BOUND_S

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "selfheald.service"
PYTHON = "/opt/selfheald/bin/python"
HIGHEST_EXPOSURE = 6  # tenths; a unit without any hardening has 96

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=BOUND_S)


def verify(unit: Path) -> subprocess.CompletedProcess[str]:
    return run("systemd-analyze", "verify", "--recursive-errors=yes", "--man=no", unit)


def security(unit: Path) -> subprocess.CompletedProcess[str]:
    threshold = f"--threshold={HIGHEST_EXPOSURE}"
    return run("systemd-analyze", "security", "--offline=yes", "--no-pager", threshold, unit)


def values(key: str) -> list[str]:
    return [
        line.partition("=")[2]
        for line in UNIT.read_text(encoding="utf-8").splitlines()
        if line.startswith(key + "=")
    ]


def with_installed_python(tmp_path: Path, change: tuple[str, str] = ("", "")) -> Path:
    """A copy that names a program of this machine: the real one exists only where selfheald is installed."""
    true = shutil.which("true")
    assert true is not None
    copy = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8").replace(PYTHON, true)
    copy.write_text(text.replace(*change) if change[0] else text, encoding="utf-8")
    return copy


@needs_systemd
def test_systemd_finds_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    result = verify(with_installed_python(tmp_path))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@needs_systemd
def test_systemd_would_say_what_is_wrong_with_a_unit(tmp_path: Path) -> None:
    result = verify(with_installed_python(tmp_path, change=("WatchdogSec=30", "WatchdogSec=soon\nTypo=1")))
    assert "Failed to parse sec value" in result.stderr
    assert "Unknown key 'Typo'" in result.stderr


@needs_systemd
def test_a_taken_over_daemon_could_do_little() -> None:
    result = security(UNIT)
    assert result.returncode == 0, result.stdout


@needs_systemd
@pytest.mark.parametrize("line", ["ProtectSystem=strict", "CapabilityBoundingSet=", "PrivateNetwork=yes"])
def test_the_measure_notices_a_protection_that_is_gone(line: str, tmp_path: Path) -> None:
    assert security(with_installed_python(tmp_path, change=(f"\n{line}\n", "\n"))).returncode != 0


def test_reload_checks_the_configuration_before_the_daemon_reads_it() -> None:
    [start] = map(shlex.split, values("ExecStart"))
    check, hang_up = map(shlex.split, values("ExecReload"))
    assert start[:5] == [PYTHON, "-I", "-m", "daemon", "run"]
    assert check == [*start[:4], "check-config", *start[5:]]
    assert hang_up[1:] == ["-HUP", "$MAINPID"]


def test_a_crash_loop_ends_as_a_failure_even_when_each_round_waits_for_the_watchdog() -> None:
    [burst] = map(int, values("StartLimitBurst"))
    [interval_s] = map(int, values("StartLimitIntervalSec"))
    [watchdog_s] = map(int, values("WatchdogSec"))
    [restart_s] = map(int, values("RestartSec"))
    assert values("Restart") == ["on-failure"]
    assert burst * (watchdog_s + restart_s) < interval_s / 2, "five hangs would never reach the start limit"


def test_the_working_directory_is_the_one_that_may_be_written() -> None:
    assert values("WorkingDirectory") == [f"/var/lib/{values('StateDirectory')[0]}"]


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd is not installed")
def test_the_user_is_created_as_the_unit_names_it(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\n", encoding="utf-8")
    (etc / "group").write_text("root:x:0:\n", encoding="utf-8")
    result = run("systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "selfheald.sysusers")
    assert result.returncode == 0, result.stderr
    [_, user] = (etc / "passwd").read_text(encoding="utf-8").splitlines()
    name, _, _, gid, _, home, shell = user.split(":")
    assert [name] == values("User")
    assert [home] == values("WorkingDirectory")
    assert shell.endswith("nologin")
    assert f"{values('Group')[0]}:x:{gid}:" in (etc / "group").read_text(encoding="utf-8")


def test_the_folders_are_created_as_the_unit_names_them() -> None:
    text = (SYSTEMD / "selfheald.tmpfiles").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    [config, state] = lines
    assert config == ["d", f"/etc/{values('ConfigurationDirectory')[0]}", "0755", "root", "root"]
    user, group, mode = values("User")[0], values("Group")[0], values("StateDirectoryMode")[0]
    assert state == ["d", values("WorkingDirectory")[0], mode, user, group]
