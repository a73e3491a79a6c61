"""Finds and reads the settings: environment over YAML over default, and every problem with its place.

pydantic-settings takes a missing or empty file for "all defaults" and ignores unknown variables; here both
are errors, so that a threshold with a typing error never goes unnoticed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pydantic_settings
from pydantic import ValidationError

from config.complaints import LIST, SHAPES, add_invalid, add_unknown, hint, nearest, variable_of
from config.document import Document, Line, Problems, read_document, short
from config.settings import (
    CONFIG_VARIABLE,
    ENV_DELIMITER,
    ENV_PREFIX,
    KEYS,
    NEEDS_RESTART,
    Settings,
    section_fields,
)
from config.show import values_by_key

SYSTEM_CONFIG: Final = Path("/etc/selfheald/selfheald.yaml")
DROP_INS: Final = "conf.d"
"""The folder beside the YAML file whose files override it."""
SECRET: Final = frozenset({"alerts"})
"""Settings whose values hold addresses that are as good as passwords: a log never shows them."""


class SettingsError(Exception):
    """The settings cannot be used. `problems` has a line for each reason, in the order of the file."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class LoadedSettings(msgspec.Struct, frozen=True):
    """Settings and where they come from."""

    settings: Settings
    path: Path | None
    """The YAML file, or None where there is none. Its drop-ins stand beside it, see `settings_files`."""
    origins: dict[str, str]
    """Dotted key -> "default", "selfheald.yaml:12" or the name of the environment variable."""


class Change(msgspec.Struct, frozen=True):
    """One setting that differs, with its values as text."""

    key: str
    old: str
    new: str
    needs_restart: bool
    """Whether a running daemon keeps the old value."""


def find_config(explicit: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The YAML file to read: the explicit one, $SELFHEALD_CONFIG, ./selfheald.yaml, that in /etc, or None.

    A file that was named is returned even if it is missing, and so is one that cannot be looked at:
    `load_settings` says what is wrong with it, where going on with the next would hide that.
    """
    if explicit is not None:
        return explicit
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE])
    return next((path for path in (Path("selfheald.yaml"), SYSTEM_CONFIG) if not _is_absent(path)), None)


def settings_files(path: Path | None, problems: Problems | None = None) -> list[Path]:
    """The YAML file and its drop-ins, `conf.d/*.yaml` beside it, in the order in which they are read.

    Names that begin with a dot belong to editors. A folder that cannot be listed is added to `problems`.
    """
    if path is None:
        return []
    folder = path.parent / DROP_INS
    try:
        drop_ins = [each for each in folder.iterdir() if each.suffix == ".yaml" and each.name[0] != "."]
    except (FileNotFoundError, NotADirectoryError):
        drop_ins = []
    except OSError as error:
        drop_ins = []
        if problems is not None:
            problems.reads(folder)
            problems.in_file(Line(folder, 0), f"cannot be listed: {error.strerror}")
    return [path, *sorted(drop_ins)]


def load_settings(path: Path | None, environ: Mapping[str, str]) -> LoadedSettings:
    """Settings from the environment over those of the drop-ins over those of the YAML file over the defaults.

    A setting that is given more than once has the value that was given last, as a whole: lists and names with
    values are not joined.

    Under systemd, which sets STATE_DIRECTORY, the defaults of `store.path` and `metrics.file` lie in it.

    Raises:
        SettingsError: with all that is wrong in both, each with its file and line or its variable.
    """
    problems = Problems()
    document = Document()
    for file in settings_files(path, problems):
        _overlay_file(document, read_document(file, problems), problems)
    values = document.values
    variables = _overlay_environment(values, environ, problems)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            # pydantic does not count entries that are wrong, which are reported by themselves.
            if detail["type"] != "too_short" or not detail["input"]:
                add_invalid(detail, document, variables, problems)
        raise SettingsError(problems.lines()) from None
    if problems:
        raise SettingsError(problems.lines())
    origins = {key: variables.get(key) or _line(document, key) or "default" for key in KEYS}
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if state and "store.path" not in variables and settings.store.path == Settings().store.path:
        store = settings.store.model_copy(update={"path": Path(state, "store.db")})
        settings = settings.model_copy(update={"store": store})
        origins["store.path"] = "STATE_DIRECTORY"
    if state and "metrics.file" not in variables and settings.metrics.file is None:
        metrics = settings.metrics.model_copy(update={"file": Path(state, "selfheald.prom")})
        settings = settings.model_copy(update={"metrics": metrics})
        origins["metrics.file"] = "STATE_DIRECTORY"
    return LoadedSettings(settings, path, origins)


def differences(old: Settings, new: Settings) -> tuple[Change, ...]:
    """What a reload changes, in the order of the settings."""
    before, after = _as_text(old), _as_text(new)
    changed = (key for key in KEYS if before[key] != after[key])
    return tuple(
        Change(key, "...", "...", False)
        if key in SECRET
        else Change(key, before[key], after[key], key in NEEDS_RESTART)
        for key in changed
    )


def _as_text(settings: Settings) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in values_by_key(settings).items()
    }


def _is_absent(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _overlay_file(document: Document, file: Document, problems: Problems) -> None:
    """Puts the settings of a file over those of the files before it."""
    for name, section in _known_sections(file, problems).items():
        document.lines[(name,)] = file.lines[(name,)]
        if name in KEYS:
            document.adopt(file, (name,))
            document.values[name] = section
        else:
            for key in section:
                document.adopt(file, (name, key))
            document.values[name] = document.values.get(name, {}) | section


def _known_sections(document: Document, problems: Problems) -> dict[str, Any]:
    """The sections of a document that can be validated; what is unknown is left out and reported."""
    sections: dict[str, Any] = {}
    for name, value in document.values.items():
        if name not in Settings.model_fields:
            add_unknown((name,), document, problems)
        elif value is None:
            sections[name] = {}  # all settings in it are commented out
        elif not isinstance(value, dict):
            reason = f"{name}: must be a section with settings below it"
            problems.in_file(document.lines[(name,)], reason)
        else:
            fields = section_fields(name)
            sections[name] = {key: value[key] for key in value if fields is None or key in fields}
            for key in (key for key in value if key not in sections[name]):
                add_unknown((name, key), document, problems)
    return sections


def _overlay_environment(
    values: dict[str, Any], environ: Mapping[str, str], problems: Problems
) -> dict[str, str]:
    """Puts the values of variables over `values`; returns the name of the variable by dotted key."""
    variables: dict[str, str] = {}
    for name in sorted(environ):
        if not name.upper().startswith(ENV_PREFIX) or name == CONFIG_VARIABLE:
            continue
        key = _KEY_OF_VARIABLE.get(name)
        if key is None:
            unknown = name.upper().removeprefix(ENV_PREFIX).lower().replace(ENV_DELIMITER, ".")
            meant = nearest(unknown, [*KEYS, "config"])
            problems.in_environment(short(name), f"unknown variable{hint(meant and variable_of(meant))}")
            continue
        source = pydantic_settings.EnvSettingsSource(Settings)
        source.env_vars = {name.lower(): environ[name]}  # one at a time, so that its error has a name
        try:
            found = source()
        except (pydantic_settings.SettingsError, RecursionError):
            reason = SHAPES.get(key, LIST)
            problems.in_environment(name, f"{key}: {reason} (got {short(environ[name])})")
            continue
        variables[key] = name
        for section, value in found.items():
            values[section] = value if section in KEYS else values.get(section, {}) | value
    return variables


def _line(document: Document, key: str) -> str | None:
    line = document.lines.get(tuple(key.split(".")))
    return None if line is None else str(line)


_KEY_OF_VARIABLE: Final = {variable_of(key): key for key in KEYS}
