"""The Debian package, built once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
