"""Where the parts of an installation are, and what they hold."""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

UNIT: Final = "selfheald.service"
USER: Final = "selfheald"
_PACKAGED_PYTHON: Final = "/opt/selfheald/bin/python"
_PLAIN_PATH: Final = re.compile(r"/[\w/.+@~-]+")
"""What a unit takes as it stands: others would need the quotes and escapes of systemd.syntax(7)."""


class Place(msgspec.Struct, frozen=True):
    """The paths of an installation below `root`, which is / but for images and tests."""

    root: Path = Path("/")

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    @property
    def is_this_system(self) -> bool:
        return self.root == Path("/")

    @property
    def unit(self) -> Path:
        return self.at(f"/etc/systemd/system/{UNIT}")

    @property
    def packaged_unit(self) -> Path:
        """Where a package of the distribution has it."""
        return self.at(f"/usr/lib/systemd/system/{UNIT}")

    @property
    def users(self) -> Path:
        return self.at("/etc/sysusers.d/selfheald.conf")

    @property
    def folders(self) -> Path:
        return self.at("/etc/tmpfiles.d/selfheald.conf")

    @property
    def configuration(self) -> Path:
        return self.at("/etc/selfheald")

    @property
    def settings(self) -> Path:
        return self.configuration / "selfheald.yaml"

    @property
    def shipped(self) -> Path:
        """The settings as the installed version ships them: by it an edit is known."""
        return self.configuration / "selfheald.yaml.shipped"

    @property
    def schema(self) -> Path:
        return self.configuration / "selfheald.schema.json"

    def drop_in(self, name: str) -> Path:
        return self.configuration / "conf.d" / f"10-{name}.yaml"

    @property
    def state(self) -> Path:
        return self.at("/var/lib/selfheald")

    def has_user(self) -> bool:
        try:
            accounts = self.at("/etc/passwd").read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return False
        return any(account.startswith(f"{USER}:") for account in accounts)

    @property
    def systemd_runs(self) -> bool:
        """See sd_booted(3)."""
        return self.is_this_system and Path("/run/systemd/system").is_dir()


def unit_text(interpreter: str) -> str:
    """The unit for an interpreter, by its whole path. Raises ValueError for one that no unit can name."""
    if not _PLAIN_PATH.fullmatch(interpreter):
        raise ValueError(f"{interpreter}: a unit cannot name this path; install into one without spaces")
    return _systemd_file(UNIT).replace(_PACKAGED_PYTHON, interpreter)


def users_text() -> str:
    return _systemd_file("selfheald.sysusers")


def folders_text() -> str:
    return _systemd_file("selfheald.tmpfiles")


def shipped_settings() -> bytes:
    return files("config").joinpath("selfheald.yaml").read_bytes()


def shipped_schema() -> bytes:
    return files("config").joinpath("selfheald.schema.json").read_bytes()


def drop_in_text(section: str, key: str, paths: list[str]) -> str:
    """The settings that an option of the installation stands for. JSON is YAML."""
    return (
        f"# Written by selfheald service install. A file of a later name in this folder overrides it.\n"
        f"{section}:\n  {key}: {json.dumps(paths, ensure_ascii=False)}\n"
    )


def this_interpreter() -> str:
    """The one that runs this, not what it links to: the link decides which virtual environment it is."""
    return os.path.abspath(sys.executable)  # noqa: PTH100 (resolve would follow the link)


def _systemd_file(name: str) -> str:
    return files("daemon").joinpath("systemd", name).read_text(encoding="utf-8")
