"""The command line `selfheald`."""

from __future__ import annotations

import sys
from typing import Final

from daemon.signals import hold_signals

_EXTRA: Final = frozenset({"typer", "rich"})


def main() -> int:
    """Runs the command that the arguments of the process name; returns its exit code."""
    if sys.argv[1:2] == ["run"]:
        hold_signals()  # importing the rest takes longer than a service manager may wait with a stop
    try:
        from daemon.cli.app import run  # the daemon alone can be installed without typer and rich

        return run(sys.argv[1:])
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        print(f'selfheald: {missing} is missing: install "selfheald[cli]"', file=sys.stderr)
        return 2
