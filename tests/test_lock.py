"""What CI and the Debian package install is known by its hash, and is what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = {".ci/requirements.lock": ("cli", "dev"), "systemd/requirements.lock": ("cli",)}
ENTRY = re.compile(r"(?P<pin>\S+==\S+)(?: ; [^\n\\]+)?(?P<hashes>(?: \\\n {4}--hash=sha256:[0-9a-f]{64})+)\n")
EACH = pytest.mark.parametrize("name", LOCKS)


def pins(name: str) -> dict[str, str]:
    """Version by project."""
    entries = ENTRY.finditer((ROOT / name).read_text(encoding="utf-8"))
    return dict(entry["pin"].split("==") for entry in entries)


def wanted(extras: tuple[str, ...]) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    optional = project["project"]["optional-dependencies"]
    texts = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    return [Requirement(text) for text in (*texts, *(text for extra in extras for text in optional[extra]))]


@EACH
def test_a_lock_holds_pinned_releases_with_their_hashes_and_nothing_else(name: str) -> None:
    """No address of a registry, above all: whoever installs says where from."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(pins(name)) > 10
    assert ENTRY.sub("", text) == ""


@EACH
def test_a_lock_has_what_pyproject_asks_for(name: str) -> None:
    """`.ci/lock` brings them up to date."""
    locked = pins(name)
    for requirement in wanted(LOCKS[name]):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in {name}"
        assert requirement.specifier.contains(version), f"{requirement} excludes {version} of {name}"


@EACH
def test_a_lock_has_what_its_releases_need(name: str) -> None:
    locked = pins(name)
    looked_at = 0
    for project, version in locked.items():
        try:
            distribution = metadata.distribution(project)
        except metadata.PackageNotFoundError:
            continue  # for another platform, or not installed here
        if distribution.version != version:
            continue
        looked_at += 1
        for requirement in map(Requirement, distribution.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed = locked.get(canonicalize_name(requirement.name))
                assert needed is not None, f"{project} needs {requirement}"
                assert requirement.specifier.contains(needed), f"{project} needs {requirement}"
    if not looked_at:
        pytest.skip("all that is installed here is of other versions")


def test_the_service_is_made_of_the_releases_that_were_tested() -> None:
    assert pins("systemd/requirements.lock").items() <= pins(".ci/requirements.lock").items()
