"""`service`: what is installed below another root, told before it is done; edits and state stay."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import config
from daemon.service import install
from daemon.service.access import Account, barriers
from daemon.service.place import Place, this_interpreter, unit_text
from tests.daemon.cli.conftest import Cli

pytestmark = pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd is not installed")

SHIPPED = Path(config.__file__).with_name("selfheald.yaml").read_bytes()
ROOT_USER = os.geteuid() == 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with nothing but its accounts."""
    etc = tmp_path / "root" / "etc"
    etc.mkdir(parents=True)
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (etc / "group").write_text("root:x:0:\nadm:x:4:\n")
    return etc.parent


def files_in(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".pwd.lock"
    }


def test_a_dry_run_says_exactly_what_is_then_done_and_does_nothing(root: Path, cli: Cli) -> None:
    before = files_in(root)
    planned = cli("service", "install", "--root", root, "--logs", "/var/log/app", "--dry-run")
    assert (planned.code, planned.err) == (0, "")
    assert files_in(root) == before
    done = cli("service", "install", "--root", root, "--logs", "/var/log/app")
    assert done == planned
    for line in done.out.splitlines():
        if line.startswith("write "):
            assert Path(line.split()[1]).stat().st_mode & 0o777 == 0o644


def test_the_steps_as_json_are_those_in_words(root: Path, cli: Cli) -> None:
    options = ("service", "install", "--root", root, "--dry-run")
    steps = cli(*options, "--format", "json").json()["steps"]
    assert [f"{each['step']:<9} {each['about']}" for each in steps] == cli(*options).out.splitlines()


def test_the_unit_runs_the_interpreter_that_installs_it(root: Path, cli: Cli) -> None:
    cli("service", "install", "--root", root)
    unit = (root / "etc/systemd/system/selfheald.service").read_text()
    assert f"\nExecStart={this_interpreter()} -I -m daemon run --config " in unit
    assert "/opt/selfheald" not in unit
    assert (root / "etc/systemd/system/multi-user.target.wants/selfheald.service").is_symlink()
    assert "\nselfheald:" in (root / "etc/passwd").read_text()


def test_a_path_that_a_unit_cannot_name_is_refused() -> None:
    with pytest.raises(ValueError, match="/home/a b/bin/python: a unit cannot name this path"):
        unit_text("/home/a b/bin/python")


def test_installing_twice_changes_nothing(root: Path, cli: Cli) -> None:
    cli("service", "install", "--root", root, "--logs", "/a")
    before = files_in(root)
    again = cli("service", "install", "--root", root, "--logs", "/a")
    assert again.code == 0
    assert "write " not in again.out
    assert files_in(root) == before


def test_an_upgrade_replaces_settings_that_nobody_edited(
    root: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("service", "install", "--root", root)
    monkeypatch.setattr(install, "shipped_settings", lambda: SHIPPED + b"# of the next version\n")
    cli("service", "install", "--root", root)
    assert (root / "etc/selfheald/selfheald.yaml").read_bytes().endswith(b"# of the next version\n")


def test_an_upgrade_keeps_edited_settings_and_puts_the_new_ones_beside_them(
    root: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("service", "install", "--root", root, "--logs", "/a")
    settings = root / "etc/selfheald/selfheald.yaml"
    edited = SHIPPED.replace(b"over_expected: 0.5", b"over_expected: 0.9")
    settings.write_bytes(edited)
    new = SHIPPED + b"# of the next version\n"
    monkeypatch.setattr(install, "shipped_settings", lambda: new)
    for _ in range(2):
        result = cli("service", "install", "--root", root)
        assert f"keep      {settings}, which is edited" in result.out
        assert settings.read_bytes() == edited
        assert settings.with_name("selfheald.yaml.shipped").read_bytes() == new
    assert (root / "etc/selfheald/conf.d/10-logs.yaml").exists()


def test_the_directories_that_were_asked_for_are_in_force(root: Path, cli: Cli) -> None:
    cli("service", "install", "--root", root, "--logs", "/a", "--logs", "b", "--project", "/p")
    shown = cli("config", "show", "--origin", "--config", root / "etc/selfheald/selfheald.yaml").out
    drop_ins = root / "etc/selfheald/conf.d"
    assert f'  directories: ["/a", "{Path.cwd()}/b"]  # {drop_ins}/10-logs.yaml:3\n' in shown
    assert f'  sequences: ["/p"]  # {drop_ins}/10-project.yaml:3\n' in shown


def test_uninstalling_keeps_settings_and_state_and_purging_leaves_nothing(root: Path, cli: Cli) -> None:
    cli("service", "install", "--root", root)
    state = root / "var/lib/selfheald"
    state.mkdir(parents=True, exist_ok=True)
    (state / "store.db").touch()
    removed = cli("service", "uninstall", "--root", root)
    assert removed.code == 0
    assert f"keep      {state} (--purge removes it)" in removed.out
    assert (state / "store.db").exists()
    assert (root / "etc/selfheald/selfheald.yaml").exists()
    assert not list(root.glob("etc/systemd/system/**/selfheald.service"))
    if ROOT_USER:  # removing a user takes more
        assert cli("service", "uninstall", "--root", root, "--purge").code == 0
        left = {name for name in files_in(root) if "selfheald" in name}
        assert left == set()
        assert "selfheald" not in (root / "etc/passwd").read_text() + (root / "etc/group").read_text()
        assert cli("service", "uninstall", "--root", root, "--purge") == (0, "", "")


def test_status_says_what_is_there(root: Path, cli: Cli) -> None:
    code, out, _ = cli("service", "status", "--root", root)
    assert code == 1
    assert out.startswith("unit      not installed\n")
    cli("service", "install", "--root", root)
    code, out, _ = cli("service", "status", "--root", root)
    assert code == 0
    assert f"runs {this_interpreter()}\n" in out
    assert "selfheald.yaml, as shipped\n" in out
    (root / "etc/selfheald/selfheald.yaml").write_text("log: {level: DEBUG}\n")
    assert cli("service", "status", "--root", root, "--format", "json").json()["edited"] is True


def test_a_service_that_a_package_installed_is_left_to_the_package(root: Path, cli: Cli) -> None:
    unit = root / "usr/lib/systemd/system/selfheald.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    code, out, err = cli("service", "install", "--root", root)
    assert (code, out) == (2, "")
    assert "a package has installed the service" in err


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_without_root_it_says_what_it_needs(command: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    code, out, err = cli("service", command)
    assert (code, out) == (2, "")
    assert err == "selfheald: this changes the system, so it needs root: put sudo in front of it.\n"


def test_a_program_that_fails_is_named_with_what_it_says(root: Path, cli: Cli) -> None:
    (root / "etc/sysusers.d").mkdir()
    (root / "etc/systemd").write_text("in the way of a folder")
    code, _, err = cli("service", "install", "--root", root)
    assert code == 2
    assert f"{root}/etc/systemd" in err
    assert "Traceback" not in err


def test_a_service_is_not_restarted_with_settings_that_it_cannot_use(root: Path, cli: Cli) -> None:
    cli("service", "install", "--root", root)
    bad = root / "etc/selfheald/conf.d/bad.yaml"
    bad.parent.mkdir()
    bad.write_text("log: {level: LOUD}\n")
    code, out, err = cli("service", "install", "--root", root)
    assert code == 2
    assert "run       systemctl" not in out
    assert f"{bad}:1: log.level: must be " in err
    assert "not started" in err
    status = cli("service", "status", "--root", root)
    assert status.code == 1
    assert f"warning   {bad}:1: " in status.out


@pytest.mark.skipif(not ROOT_USER, reason="only root can ask for another user")
@pytest.mark.parametrize(
    ("modes", "said"),
    [
        pytest.param({}, [], id="nothing where all can be read"),
        pytest.param(
            {"a": 0o700}, ["{a}: the user selfheald lacks x, so {log} is out of reach"], id="a closed folder"
        ),
        pytest.param(
            {"a/logs": 0o711}, ["{log}: the user selfheald lacks rx"], id="a folder not to be listed"
        ),
    ],
)
def test_it_says_which_folder_stands_in_the_way(modes: dict[str, int], said: list[str]) -> None:
    # Not below /tmp, which the service has for itself; and pytest's folders are closed to others.
    place = Path("/run") / f"selfheald-test-{os.getpid()}"
    log = place / "a" / "logs"
    log.mkdir(parents=True)
    try:
        for name, mode in modes.items():
            (place / name).chmod(mode)
        told = barriers([log], Account(65534, 65534, ()))
    finally:
        shutil.rmtree(place)
    assert [sentence.partition(";")[0] for sentence in told] == [
        text.format(a=place / "a", log=log) for text in said
    ]


def test_the_service_does_not_see_the_tmp_of_others() -> None:
    [told] = barriers([Path("/tmp/logs")], Account(0, 0, ()))
    assert told.startswith("/tmp/logs: the service has a /tmp of its own")


def test_the_installed_unit_is_as_hard_as_the_shipped_one(root: Path, cli: Cli) -> None:
    cli("service", "install", "--root", root)
    unit = Place(root).unit
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=6", str(unit)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
