"""selfheald check-config"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

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
    from config.load import SYSTEM_CONFIG, find_config, settings_files
    from daemon.cli.failure import CannotRunError
    from daemon.cli.loading import load
    from daemon.cli.output import write

    path = find_config(config, os.environ)
    checked = str(path) if path else f"no settings file (neither ./selfheald.yaml nor {SYSTEM_CONFIG})"
    try:
        loaded = load(path, {}).loaded
    except CannotRunError as error:
        raise CannotRunError(f"{checked}: cannot be used", *error.lines) from error
    files = settings_files(path)
    kinds = Counter(_kind(origin, files) for origin in loaded.origins.values())
    figures = ", ".join(f"{kinds[kind]} {name}" for kind, name in _KINDS.items() if kinds[kind])
    drop_ins = "".join(f" and {file}" for file in files[1:])
    write(f"{checked}{drop_ins}: valid ({figures})\n")
    return 0


_KINDS = {
    "file": "set by the file",
    "drop-in": "by drop-ins",
    "variable": "by variables",
    "default": "by default",
}


def _kind(origin: str, files: Sequence[Path]) -> str:
    if origin == "default":
        return "default"
    path = Path(origin.rpartition(":")[0])
    return "variable" if path not in files else "file" if path == files[0] else "drop-in"
