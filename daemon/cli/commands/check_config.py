"""selfheald check-config"""

from __future__ import annotations

import os
from collections import Counter

from daemon.cli.options import ConfigOption


def check_config(config: ConfigOption = None) -> int:
    """Checks the settings.

    Those of the file and those of the SELFHEALD_ variables.

    \b
    Examples:
      selfheald check-config
      selfheald check-config --config my.yaml && systemctl reload selfheald

    \b
    Exit codes:
      0  all of them can be used
      2  they cannot; every problem is told with its file and line
    """
    from config.load import SYSTEM_CONFIG, find_config
    from daemon.cli.failure import CannotRunError
    from daemon.cli.loading import load
    from daemon.cli.output import write

    path = find_config(config, os.environ)
    checked = str(path) if path else f"no settings file (neither ./selfheald.yaml nor {SYSTEM_CONFIG})"
    try:
        loaded = load(path, {}).loaded
    except CannotRunError as error:
        raise CannotRunError(f"{checked}: cannot be used", *error.lines) from error
    kinds = Counter(_kind(origin, str(path)) for origin in loaded.origins.values())
    figures = ", ".join(f"{kinds[kind]} {name}" for kind, name in _KINDS.items() if kinds[kind])
    write(f"{checked}: valid ({figures})\n")
    return 0


_KINDS = {"file": "set by the file", "variable": "by variables", "default": "by default"}


def _kind(origin: str, path: str) -> str:
    if origin == "default":
        return "default"
    return "file" if origin.startswith(f"{path}:") else "variable"
