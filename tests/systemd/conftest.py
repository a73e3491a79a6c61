"""The Debian package, built once, and a system to install it on."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.systemd.booted import Booted, NoBootError, booted

ROOT = Path(__file__).parents[2]
PYTHON = Path("/usr/bin/python3")


def missing_for_packages() -> str:
    """Why no package can be built and installed here, or ""."""
    tools = ("dpkg", "dpkg-deb", "systemd-sysusers", "systemd-tmpfiles", "deb-systemd-helper", "userdel")
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        return f"{missing[0]} is not installed"
    if os.geteuid() != 0:
        return "dpkg installs only as root"
    check = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
    suits = PYTHON.exists() and subprocess.run([PYTHON, "-c", check], check=False).returncode == 0
    return "" if suits else f"{PYTHON} is none of 3.11 or newer with venv"


def run(*command: str | Path, **environ: str) -> str:
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without the dependencies, which only a network could give."""
    source = tmp_path_factory.mktemp("source")
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    for name in ("config", "daemon", "handlers", "systemd"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignore)
    offline = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    run(sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", source, source)
    [wheel] = source.glob("*.whl")
    environ = {"PYTHON": str(PYTHON), "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1"}
    return Path(run(ROOT / "systemd/debian/build.sh", source, wheel, **environ).strip())


def missing_for_boot() -> str:
    """Why no systemd can be booted with the package here, or ""."""
    if missing := missing_for_packages():
        return missing
    if tools := [tool for tool in ("unshare", "nsenter", "journalctl") if shutil.which(tool) is None]:
        return f"{tools[0]} is not installed"
    if not Path("/lib/systemd/systemd").exists():
        return "systemd is not installed"
    version = "import sys; print(*sys.version_info[:2])"
    there = subprocess.run([PYTHON, "-c", version], capture_output=True, text=True, check=True).stdout.split()
    same = there == [*map(str, sys.version_info[:2])]
    return "" if same else f"{PYTHON} cannot use the packages of this environment: it is another version"


def dependencies(name: str, extra: str, known: dict[str, metadata.Distribution]) -> None:
    """Adds all that a distribution needs, as far as it is installed here."""
    for requirement in metadata.distribution(name).requires or ():
        needed, _, marker = requirement.partition(";")
        if "extra ==" in marker and f"'{extra}'" not in marker.replace('"', "'"):
            continue
        project = re.split(r"[^\w.-]", needed.strip())[0]
        try:
            distribution = metadata.distribution(project)
        except metadata.PackageNotFoundError:
            continue  # for another platform
        if project not in known:
            known[project] = distribution
            dependencies(project, "yaml", known)


@pytest.fixture(scope="session")
def whole_package(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the dependencies of this environment."""
    folder = tmp_path_factory.mktemp("whole") / "package"
    run("dpkg-deb", "--raw-extract", package, folder)
    [site] = folder.glob("opt/selfheald/lib/python*/site-packages")
    known: dict[str, metadata.Distribution] = {}
    dependencies("selfheald", "cli", known)
    for distribution in known.values():
        for file in distribution.files or ():
            if ".." not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), site / file)
    made = folder.with_suffix(".deb")
    run("dpkg-deb", "-Zgzip", "--root-owner-group", "--build", folder, made)
    return made


@pytest.fixture(scope="module")
def system(whole_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """With an empty /srv/logs, and the package in /srv."""
    try:
        with booted(tmp_path_factory.mktemp("booted")) as system:
            system.run("mkdir", "-p", "/srv/logs")
            system.write("/srv/selfheald.deb", whole_package.read_bytes())
            yield system
    except NoBootError as error:
        pytest.skip(f"no systemd boots here: {error}")


def state_of(system: Booted) -> Any:
    command = ("selfheald", "status", "--config", "/etc/selfheald/selfheald.yaml", "--format", "json")
    return json.loads(system.run(*command))


def log_of(name: str) -> bytes:
    return gzip.decompress((ROOT / "tests/data/conductor" / f"{name}.log.gz").read_bytes())
