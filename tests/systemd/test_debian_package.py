"""The Debian package, built and then installed, upgraded, removed and purged by dpkg below another root.

dpkg runs the maintainer scripts on this system with DPKG_ROOT set, which they honour; no systemd is told.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.systemd.conftest import PYTHON, ROOT, missing_for_packages, run

SETTINGS = "etc/selfheald/selfheald.yaml"
NEXT = "# of the next version\n"


pytestmark = pytest.mark.skipif(bool(missing_for_packages()), reason=missing_for_packages() or "never")


@pytest.fixture(scope="module")
def next_package(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A later version with other defaults."""
    folder = tmp_path_factory.mktemp("next") / "package"
    run("dpkg-deb", "--raw-extract", package, folder)
    control = folder / "DEBIAN/control"
    control.write_text(control.read_text().replace("Version: ", "Version: 9"))
    with (folder / SETTINGS).open("a") as settings:
        settings.write(NEXT)
    made = folder.with_suffix(".deb")
    run("dpkg-deb", "--root-owner-group", "--build", folder, made)
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with an empty package database."""
    for folder in ("etc", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").touch()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\nadm:x:4:\n")
    return tmp_path


@pytest.fixture
def dpkg(root: Path) -> Callable[..., str]:
    options = (f"--root={root}", f"--log={root}/dpkg.log", "--no-triggers")
    force = ("--force-script-chrootless", "--force-depends", "--force-confold")

    def call(*arguments: str | Path) -> str:
        return run("dpkg", *options, *force, *arguments)

    return call


def accounts(root: Path) -> str:
    return (root / "etc/passwd").read_text() + (root / "etc/group").read_text()


def wants(root: Path) -> Path:
    return root / "etc/systemd/system/multi-user.target.wants/selfheald.service"


def test_no_file_names_the_place_where_it_was_built(package: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "--extract", package, tmp_path)
    interpreter = (tmp_path / "opt/selfheald/bin/python").resolve()
    assert (tmp_path / "opt/selfheald/bin/selfheald").read_text().startswith("#!/opt/selfheald/bin/python")
    assert interpreter == PYTHON.resolve()
    found = subprocess.run(
        ["grep", "-rl", "/tmp/", tmp_path / "opt"], capture_output=True, text=True, check=False
    )
    named = [name for name in found.stdout.split() if "/site-packages/" not in name]
    assert named == []


def test_installing_gives_user_folders_settings_and_an_enabled_unit(
    package: Path, root: Path, dpkg: Callable[..., str]
) -> None:
    dpkg("--install", package)
    assert "selfheald:x:" in (root / "etc/passwd").read_text()
    state = (root / "var/lib/selfheald").stat()
    assert (state.st_mode & 0o777, state.st_uid != 0) == (0o750, True)
    assert (root / SETTINGS).read_bytes() == (ROOT / "config/selfheald.yaml").read_bytes()
    assert wants(root).is_symlink()
    unit = (root / "usr/lib/systemd/system/selfheald.service").read_text()
    [start] = (line for line in unit.splitlines() if line.startswith("ExecStart="))
    interpreter = Path(start.removeprefix("ExecStart=").split()[0])
    assert (root / interpreter.relative_to("/")).is_symlink()


def test_an_upgrade_keeps_edited_settings_state_and_what_was_disabled(
    package: Path, next_package: Path, root: Path, dpkg: Callable[..., str]
) -> None:
    dpkg("--install", package)
    (root / SETTINGS).write_text("log: {level: DEBUG}\n")
    (root / "var/lib/selfheald/store.db").write_text("state")
    wants(root).unlink()
    dpkg("--install", next_package)
    assert (root / SETTINGS).read_text() == "log: {level: DEBUG}\n"
    assert (root / f"{SETTINGS}.dpkg-dist").read_text().endswith(NEXT)
    assert (root / "var/lib/selfheald/store.db").read_text() == "state"
    assert not wants(root).is_symlink()


def test_an_upgrade_replaces_settings_that_nobody_edited(
    package: Path, next_package: Path, root: Path, dpkg: Callable[..., str]
) -> None:
    dpkg("--install", package)
    dpkg("--install", next_package)
    assert (root / SETTINGS).read_text().endswith(NEXT)
    assert not (root / f"{SETTINGS}.dpkg-dist").exists()


def test_removing_keeps_settings_and_state_and_installing_again_goes_on_with_them(
    package: Path, root: Path, dpkg: Callable[..., str]
) -> None:
    dpkg("--install", package)
    (root / SETTINGS).write_text("log: {level: DEBUG}\n")
    (root / "var/lib/selfheald/store.db").write_text("state")
    (root / "opt/selfheald/lib/compiled.pyc").touch()
    dpkg("--remove", "selfheald")
    assert not (root / "opt/selfheald").exists()
    assert not (root / "usr/lib/systemd/system/selfheald.service").exists()
    dpkg("--install", package)
    assert (root / SETTINGS).read_text() == "log: {level: DEBUG}\n"
    assert (root / "var/lib/selfheald/store.db").read_text() == "state"


def test_purging_leaves_nothing(package: Path, root: Path, dpkg: Callable[..., str]) -> None:
    dpkg("--install", package)
    (root / "etc/selfheald/conf.d/mine.yaml").write_text("log: {level: DEBUG}\n")
    (root / "var/lib/selfheald/store.db").write_text("state")
    dpkg("--purge", "selfheald")
    left = [str(path.relative_to(root)) for path in root.rglob("*") if "selfheald" in path.name]
    assert left == []
    assert "selfheald" not in accounts(root)
    dpkg("--install", package)
    assert (root / SETTINGS).exists()


@pytest.mark.parametrize("path", ["etc/systemd/system/selfheald.service", "opt/selfheald/pyvenv.cfg"])
def test_an_installation_without_a_package_is_not_overwritten(
    path: str, package: Path, root: Path, dpkg: Callable[..., str]
) -> None:
    (root / path).parent.mkdir(parents=True)
    (root / path).write_text("mine")
    with pytest.raises(AssertionError, match="is there already, and not from a package"):
        dpkg("--install", package)
    assert (root / path).read_text() == "mine"
    assert "selfheald" not in accounts(root)
