"""What is installed, whether it runs, and what stands in its way."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Final

import msgspec

from config.load import SettingsError
from config.settings import Settings
from daemon.checked import load_checked
from daemon.service.access import barriers, service_account
from daemon.service.place import UNIT, USER, Place, shipped_settings

_INTERPRETER: Final = re.compile(r"^ExecStart=(\S+)", re.MULTILINE)


class ServiceState(msgspec.Struct, frozen=True, kw_only=True):
    unit: str | None
    """Path of the unit; None where it is not installed."""
    interpreter: str | None
    """The Python that it runs."""
    user_exists: bool
    settings: str
    edited: bool | None
    """Whether the settings differ from those that were shipped; None where there are none."""
    drop_ins: tuple[str, ...]
    state: str
    enabled: bool | None
    """None where systemctl is not there to be asked, and so below."""
    active: str | None
    """As `systemctl is-active` says it; None where systemd does not run."""
    obstacles: tuple[str, ...]
    """What the service cannot read, and settings that it cannot use."""

    @property
    def is_well(self) -> bool:
        return self.unit is not None and self.active in (None, "active") and not self.obstacles


def state_of_service(place: Place) -> ServiceState:
    unit = next((path for path in (place.unit, place.packaged_unit) if path.exists()), None)
    found = _INTERPRETER.search(unit.read_text(encoding="utf-8")) if unit else None
    interpreter = found[1] if found else None
    return ServiceState(
        unit=None if unit is None else str(unit),
        interpreter=interpreter,
        user_exists=place.has_user(),
        settings=str(place.settings),
        edited=_is_edited(place),
        drop_ins=tuple(str(path) for path in sorted((place.configuration / "conf.d").glob("*.yaml"))),
        state=str(place.state),
        enabled=_ask(place, "is-enabled") == "enabled" if shutil.which("systemctl") else None,
        active=_ask(place, "is-active") if place.systemd_runs else None,
        obstacles=tuple(obstacles(place, interpreter)) if interpreter else (),
    )


def obstacles(place: Place, interpreter: str) -> list[str]:
    """A sentence for each. What the user may read is asked only on this system, by root."""
    try:
        settings = settings_of(place)
    except SettingsError as error:
        return list(error.problems)
    if not place.is_this_system or os.geteuid() != 0:
        return []
    account = service_account()
    if account is None:
        return [f"there is no user {USER}"]
    project = settings.project
    paths = [Path(interpreter), Path(sysconfig.get_path("purelib")), place.settings]
    paths += [
        place.state / path for path in (*settings.logs.directories, *project.sequences, *project.coverage)
    ]
    return barriers(paths, account)


def settings_of(place: Place) -> Settings:
    """Those that the service reads. Raises SettingsError."""
    return load_checked(place.settings, {"STATE_DIRECTORY": str(place.state)}).settings


def told(state: ServiceState) -> str:
    """The state as text."""
    runs = "systemd does not run here" if state.active is None else state.active
    edited = {True: ", edited", False: ", as shipped", None: ", which cannot be read"}[state.edited]
    lines = [
        ("unit", f"{state.unit}, runs {state.interpreter}" if state.unit else "not installed"),
        ("service", runs + {True: ", enabled", False: ", not enabled", None: ""}[state.enabled]),
        ("user", USER if state.user_exists else f"{USER}, which is not there"),
        ("settings", state.settings + edited),
        *(("", path) for path in state.drop_ins),
        ("state", state.state),
        *(("warning", obstacle) for obstacle in state.obstacles),
    ]
    return "".join(f"{label:<9} {text}\n" for label, text in lines)


def _is_edited(place: Place) -> bool | None:
    try:
        shipped = place.shipped.read_bytes() if place.shipped.exists() else shipped_settings()
        return place.settings.read_bytes() != shipped
    except OSError:
        return None


def _ask(place: Place, question: str) -> str:
    root = () if place.is_this_system else (f"--root={place.root}",)
    command = ("systemctl", *root, question, UNIT)
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
