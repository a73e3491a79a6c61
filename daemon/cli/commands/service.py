"""selfheald service install, uninstall, status"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.cli.group import command_group
from daemon.cli.options import FormatOption

if TYPE_CHECKING:
    from daemon.cli.telling import Telling
    from daemon.service.place import Place
    from daemon.service.steps import Step

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
RootOption = Annotated[
    Path, typer.Option(metavar="DIR", help="Another root directory, as of an image; nothing is started.")
]
ROOT = Path("/")

service = command_group(
    "Installs selfheald as a service of systemd.",
    """
    \b
    Examples:
      selfheald service install --logs /var/log/app
      selfheald service status

    \b
    Exit codes:
      0  done
      2  could not run; standard error says why
    """,
)


@service.command()
def install(
    logs: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="Log directory to watch. Can be repeated. Else as in the settings."),
    ] = None,
    project: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where the watched project declares its sequences.")
    ] = None,
    dry_run: DryRunOption = False,
    root: RootOption = ROOT,
    output: FormatOption = "text",
) -> int:
    """Installs the service, or brings it up to date.

    The unit runs the interpreter that runs this command. Edited settings and the
    state stay.

    \b
    Examples:
      selfheald service install --logs /var/log/app
      selfheald service install --dry-run

    \b
    Exit codes:
      0  installed
      2  could not run: not root, or a step failed; standard error says which
    """
    from daemon.cli.failure import CannotRunError
    from daemon.cli.telling import Telling
    from daemon.service.install import activation, installation
    from daemon.service.place import Place, this_interpreter
    from daemon.service.state import obstacles
    from daemon.service.steps import Note

    place = Place(root.absolute())
    _require_root(place, dry_run)
    _require_no_package(place)
    interpreter = this_interpreter()
    told = Telling(output)
    _require_importable(interpreter)
    try:
        steps = installation(
            place,
            interpreter,
            logs=[os.path.abspath(path) for path in logs or ()],  # noqa: PTH100 (no link is followed)
            project=None if project is None else os.path.abspath(project),  # noqa: PTH100
            as_root=os.geteuid() == 0,
        )
        _take(steps, dry_run, told)
    except ValueError as error:
        raise CannotRunError(str(error)) from error
    if not dry_run:
        _require_valid_settings(place)
        for obstacle in obstacles(place, interpreter):
            told.add(Note("warning", obstacle))
    _take(activation(place), dry_run, told)
    told.end()
    return 0


@service.command()
def uninstall(
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove settings, state and the user selfheald too.")
    ] = False,
    dry_run: DryRunOption = False,
    root: RootOption = ROOT,
    output: FormatOption = "text",
) -> int:
    """Stops the service and removes it.

    Settings and state stay, so that a later installation goes on with them.

    \b
    Examples:
      selfheald service uninstall
      selfheald service uninstall --purge --dry-run

    \b
    Exit codes:
      0  removed, or there was nothing to remove
      2  could not run: not root, or a step failed; standard error says which
    """
    from daemon.cli.telling import Telling
    from daemon.service.install import removal
    from daemon.service.place import Place

    place = Place(root.absolute())
    _require_root(place, dry_run)
    _require_no_package(place)
    told = Telling(output)
    _take(removal(place, purge=purge), dry_run, told)
    told.end()
    return 0


@service.command("status")
def service_status(root: RootOption = ROOT, output: FormatOption = "text") -> int:
    """Says what is installed, runs, and is out of its reach.

    \b
    Examples:
      selfheald service status
      selfheald service status --format json | jq .active

    \b
    Exit codes:
      0  installed, and what is read can be read
      1  not installed, stopped, or something is out of its reach
      2  could not run
    """
    from daemon.cli import as_json
    from daemon.cli.output import write
    from daemon.service.place import Place
    from daemon.service.state import state_of_service, told

    state = state_of_service(Place(root.absolute()))
    write(as_json.document(state) if output == "json" else told(state))
    return 0 if state.is_well else 1


def _require_root(place: Place, dry_run: bool) -> None:
    from daemon.cli.failure import CannotRunError

    if place.is_this_system and os.geteuid() != 0 and not dry_run:
        raise CannotRunError("this changes the system, so it needs root: put sudo in front of it.")


def _require_no_package(place: Place) -> None:
    from daemon.cli.failure import CannotRunError

    if place.packaged_unit.exists():
        raise CannotRunError(
            f"{place.packaged_unit}: a package has installed the service.",
            "So the package upgrades, removes and purges it: apt install, remove, purge.",
        )


def _require_importable(interpreter: str) -> None:
    """With -I, as in the unit, PYTHONPATH and the working directory do not help."""
    import subprocess

    from daemon.cli.failure import CannotRunError

    command = (interpreter, "-I", "-c", "import daemon.app")
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")  # noqa: S603
    if result.returncode:
        said = result.stderr.strip().splitlines()[-1:]
        raise CannotRunError(
            f"{interpreter} cannot run selfheald on its own: {''.join(said)}",
            "Install selfheald into this environment (pip install), then try again.",
        )


def _take(steps: Iterable[Step], dry_run: bool, told: Telling) -> None:
    """Tells each step, and does it unless this is a trial. Raises CannotRunError."""
    from daemon.cli.failure import CannotRunError
    from daemon.service.steps import StepFailedError, do

    try:
        for step in steps:
            told.add(step)
            if not dry_run:
                do(step)
    except StepFailedError as error:
        raise CannotRunError(str(error)) from error
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}") from error


def _require_valid_settings(place: Place) -> None:
    """A service that runs with the settings from before must not be stopped for such that nobody can use."""
    from config.load import SettingsError
    from daemon.cli.failure import CannotRunError
    from daemon.service.state import settings_of

    try:
        settings_of(place)
    except SettingsError as error:
        after = "Everything is installed, but not started. Correct this, then run the command again."
        raise CannotRunError(*error.problems, after) from error
