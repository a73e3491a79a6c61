"""The steps that install the service and those that take it away; they may be taken again at any time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from daemon.service.place import (
    UNIT,
    USER,
    Place,
    drop_in_text,
    folders_text,
    shipped_schema,
    shipped_settings,
    unit_text,
    users_text,
)
from daemon.service.steps import Note, Remove, Run, Step, WriteFile


def installation(
    place: Place, interpreter: str, *, logs: Sequence[str], project: str | None, as_root: bool
) -> Iterator[Step]:
    """Files, user and folders; `activation` follows. `logs` and `project`: whole paths, none to leave them.

    Reads what is there, and changes nothing by itself. Raises OSError, ValueError.
    """
    yield _file(place, "unit", unit_text(interpreter))
    yield _file(place, "users", users_text())
    yield _file(place, "folders", folders_text())
    yield from _settings(place)
    if logs:
        yield _drop_in(place, "logs", drop_in_text("logs", "directories", [*logs]))
    if project is not None:
        yield _drop_in(place, "project", drop_in_text("project", "sequences", [project]))
    yield _program(place, "systemd-sysusers", "selfheald.conf", hint=f"create the system user {USER} by hand")
    if as_root:
        yield _program(
            place, "systemd-tmpfiles", "--create", "selfheald.conf", hint="the first start creates its folder"
        )
    else:
        yield Note("skipped", f"{place.state}: only root can give it to {USER}; the first start creates it")


def activation(place: Place) -> Iterator[Step]:
    """Makes systemd start the service, now and at each boot. What was running is restarted."""
    yield _program(place, "systemctl", "enable", UNIT, hint="enable the unit by hand")
    if place.systemd_runs:
        yield Run(("systemctl", "daemon-reload"))
        yield Run(("systemctl", "restart", UNIT))
    elif place.is_this_system:
        yield Note("note", "systemd does not run here: the service starts when a systemd boots this system")


def removal(place: Place, *, purge: bool) -> Iterator[Step]:
    """What was installed; with `purge` the settings, the state and the user too. Nothing where nothing is."""
    if place.unit.exists():
        if place.systemd_runs:
            yield Run(("systemctl", "disable", "--now", UNIT))
        else:
            yield _program(place, "systemctl", "disable", UNIT, hint="its link in *.wants/ dangles")
    installed = [path for path in (place.unit, place.users, place.folders) if path.exists()]
    for path in installed:
        yield Remove(path)
    if installed and place.systemd_runs:
        yield Run(("systemctl", "daemon-reload"))
    kept = [path for path in (place.configuration, place.state) if path.exists()]
    for path in kept:
        yield Remove(path) if purge else Note("keep", f"{path} (--purge removes it)")
    if purge and place.has_user():
        # The group first: whether userdel takes it along depends on the distribution.
        for command in (("groupdel", "--force", USER), ("userdel", USER)):
            yield _program(place, *command, hint=f"remove {USER} by hand", option="--prefix")


def _settings(place: Place) -> Iterator[Step]:
    """As dpkg does with a configuration file: an edited one stays, and the new one is put beside it."""
    shipped = shipped_settings()
    before = place.shipped.read_bytes() if place.shipped.exists() else None
    current = place.settings.read_bytes() if place.settings.exists() else None
    if current == shipped:
        yield Note("unchanged", str(place.settings))
    elif current in (None, before):
        yield WriteFile(place.settings, shipped)
    else:
        yield Note("keep", f"{place.settings}, which is edited; the defaults are in {place.shipped.name}")
    yield _written(WriteFile(place.shipped, shipped))
    yield _written(WriteFile(place.schema, shipped_schema()))


def _file(place: Place, name: str, text: str) -> Step:
    return _written(WriteFile(getattr(place, name), text.encode()))


def _drop_in(place: Place, name: str, text: str) -> Step:
    return _written(WriteFile(place.drop_in(name), text.encode()))


def _written(step: WriteFile) -> Step:
    """The step, unless there is nothing to do."""
    is_there = step.path.exists() and step.path.read_bytes() == step.content
    return Note("unchanged", str(step.path)) if is_there else step


def _program(place: Place, name: str, *arguments: str, hint: str, option: str = "--root") -> Step:
    if shutil.which(name) is None:
        return Note("skipped", f"{name} is not on this system: {hint}")
    root = () if place.is_this_system else (f"{option}={place.root}",)
    return Run((name, *root, *arguments))
