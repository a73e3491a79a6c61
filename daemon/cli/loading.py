"""The settings of a command: the file, the environment and, over both, its options."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from config.load import SYSTEM_CONFIG, LoadedSettings, SettingsError, find_config
from daemon.checked import load_checked
from daemon.cli.failure import CannotRunError

VARIABLES: Final = {
    "--logs": "SELFHEALD_LOGS__DIRECTORIES",
    "--store": "SELFHEALD_STORE__PATH",
    "--format": "SELFHEALD_LOG__FORMAT",
    "--sequences": "SELFHEALD_PROJECT__SEQUENCES",
    "--coverage": "SELFHEALD_PROJECT__COVERAGE",
}
"""Options go into the environment of the command, so that they are checked like all settings and stay in
force when a running daemon reads an edited file."""

STATE_DIRECTORY: Final = "/var/lib/selfheald"
"""Where the service keeps its store; systemd tells it to the service alone."""


class Loaded(msgspec.Struct, frozen=True):
    """Settings, and the environment that they came from, options included."""

    loaded: LoadedSettings
    environ: Mapping[str, str]


def load(
    path: Path | None,
    options: Mapping[str, str | Sequence[str] | None],
    environ: Mapping[str, str] = os.environ,
) -> Loaded:
    """Settings of the file at `path` and the environment, with `options` over both.

    An option that is None or an empty list was not given. Raises CannotRunError.
    """
    given = {
        VARIABLES[option]: value if isinstance(value, str) else json.dumps(list(value))
        for option, value in options.items()
        if value or value == ""
    }
    environ = {**environ, **given}
    try:
        return Loaded(load_checked(path, environ), environ)
    except SettingsError as error:
        raise CannotRunError(*(_with_options(problem, given) for problem in error.problems)) from error


def load_for_store(config: Path | None, store: str | None) -> LoadedSettings:
    """Settings of a command that reads the store. Raises CannotRunError.

    A settings file with an error is told and passed over: the daemon runs on with its last good settings, and
    just then people ask it for its state.
    """
    path = find_config(config, os.environ)
    environ = as_the_service(path)
    options = {"--store": store}
    try:
        return load(path, options, environ).loaded
    except CannotRunError as error:
        if config is not None or path is None:
            raise
        loaded = load(None, options, environ).loaded
        for line in error.lines:
            sys.stderr.write(f"selfheald: {line}\n")
        sys.stderr.write(f"selfheald: {path} is passed over; the store is {loaded.settings.store.path}\n")
        return loaded


def as_the_service(path: Path | None) -> Mapping[str, str]:
    """The environment, in which the settings of the service mean the store of the service."""
    of_service = {"STATE_DIRECTORY": STATE_DIRECTORY} if path == SYSTEM_CONFIG else {}
    return of_service | os.environ


def _with_options(problem: str, given: Mapping[str, str]) -> str:
    """The problem with the name of the option in place of its variable."""
    for option, variable in VARIABLES.items():
        if variable in given:
            problem = problem.replace(variable, option)
    return problem
