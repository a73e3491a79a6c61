"""Finds and reads the settings: environment over YAML over default, and every problem with its place.

pydantic-settings takes a missing or empty file for "all defaults" and ignores unknown variables; here both
are errors, so that a threshold with a typing error never goes unnoticed.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pydantic_settings
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.document import MAX_PROBLEMS, Document, Location, Problems, Unusable, dotted, read_document, short
from config.settings import (
    CONFIG_VARIABLE,
    ENV_DELIMITER,
    ENV_PREFIX,
    KEYS,
    NEEDS_RESTART,
    Settings,
    section_fields,
)

SYSTEM_CONFIG: Final = Path("/etc/selfheald/selfheald.yaml")

_LIST: Final = 'must be a list, such as ["a", "b"]'
_NUMBERS: Final = 'must be names with numbers, such as {"Plugin.handler": 5}'
_FORMATS: Final = 'must be names with patterns, such as {"access": {"pattern": "(?P<event>...)"}}'
_ROUTES: Final = 'must be names with receivers, such as {"pager": {"webhook": "https://..."}}'
_BY_GLOB: Final = 'must be globs with names, such as {"legacy/*": "%s"}'
_SHAPES: Final = {
    "expected_ms": _NUMBERS,
    "formats": _FORMATS,
    "alerts": _ROUTES,
    "logs.format_of": _BY_GLOB % "logfmt",
    "ingest.timezone_of": _BY_GLOB % "Europe/Berlin",
}
"""What those settings hold that are neither a list nor a single value."""
_MESSAGES: Final = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_type": "must be a whole number",
    "path_type": "must be a path; if it is one, put it in quotes",
    "string_type": "must be text; if it is, put it in quotes",
    "string_unicode": "must be UTF-8 text",
    "too_short": "must have at least one entry",
    "tuple_type": _LIST,
}
"""Those of pydantic's error types whose own message is not for operators."""
_ENTRIES: Final = {
    "formats": {
        "extra_forbidden": "unknown setting; a format has pattern, time_format and duration_unit",
        "missing": "needs a pattern",
        "model_type": "must have a pattern below it",
    },
    "alerts": {
        "extra_forbidden": "unknown setting; a receiver has webhook, apprise or command, and min_severity, "
        "on, quiet, quiet_below, digest",
        "model_type": "must have a webhook, an apprise URL or a command below it",
    },
}
"""What is wrong with what the operator named."""
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
    """The YAML file, or None where there is none."""
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


def load_settings(path: Path | None, environ: Mapping[str, str]) -> LoadedSettings:
    """Settings from the environment over those of the YAML file over the defaults.

    Under systemd, which sets STATE_DIRECTORY, the default of `store.path` is `$STATE_DIRECTORY/store.db`.

    Raises:
        SettingsError: with all that is wrong in both, each with its file and line or its variable.
    """
    problems = Problems()
    document = Document(Path(), {}, {}, {}) if path is None else read_document(path, problems)
    values = _known_sections(document, problems)
    variables = _overlay_environment(values, environ, problems)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            # pydantic does not count entries that are wrong, which are reported by themselves.
            if detail["type"] != "too_short" or not detail["input"]:
                _add_invalid(detail, document, variables, problems)
        raise SettingsError(problems.lines()) from None
    if problems:
        raise SettingsError(problems.lines())
    origins = {key: variables.get(key) or _line(document, key) or "default" for key in KEYS}
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if state and "store.path" not in variables and settings.store.path == Settings().store.path:
        store = settings.store.model_copy(update={"path": Path(state, "store.db")})
        settings = settings.model_copy(update={"store": store})
        origins["store.path"] = "STATE_DIRECTORY"
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
    texts: dict[str, str] = {}
    dumped = settings.model_dump(mode="json")
    for key in KEYS:
        section, _, name = key.partition(".")
        value = dumped[section][name] if name else dumped[section]
        texts[key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return texts


def _is_absent(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _known_sections(document: Document, problems: Problems) -> dict[str, Any]:
    """The sections of a document that can be validated; what is unknown is left out and reported."""
    sections: dict[str, Any] = {}
    for name, value in document.values.items():
        if name not in Settings.model_fields:
            _add_unknown((name,), document, problems)
        elif value is None:
            sections[name] = {}  # all settings in it are commented out
        elif not isinstance(value, dict):
            reason = f"{name}: must be a section with settings below it"
            problems.in_file(document.path, document.lines[(name,)], reason)
        else:
            fields = section_fields(name)
            sections[name] = {key: value[key] for key in value if fields is None or key in fields}
            for key in (key for key in value if key not in sections[name]):
                _add_unknown((name, key), document, problems)
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
            nearest = _nearest(unknown, [*KEYS, "config"])
            problems.in_environment(short(name), f"unknown variable{_hint(nearest and _variable(nearest))}")
            continue
        source = pydantic_settings.EnvSettingsSource(Settings)
        source.env_vars = {name.lower(): environ[name]}  # one at a time, so that its error has a name
        try:
            found = source()
        except (pydantic_settings.SettingsError, RecursionError):
            reason = _SHAPES.get(key, _LIST)
            problems.in_environment(name, f"{key}: {reason} (got {short(environ[name])})")
            continue
        variables[key] = name
        for section, value in found.items():
            values[section] = value if section in KEYS else values.get(section, {}) | value
    return variables


def _add_unknown(location: Location, document: Document, problems: Problems) -> None:
    name = dotted(location)
    # Each look-up compares with all keys: beyond what is shown, that would only cost time.
    nearest = _nearest(name, [*KEYS, *Settings.model_fields]) if len(problems) < MAX_PROBLEMS else None
    problem = f"{short(name)}: unknown setting{_hint(nearest)}"
    problems.in_file(document.path, document.lines[location], problem)


def _add_invalid(
    detail: ErrorDetails, document: Document, variables: Mapping[str, str], problems: Problems
) -> None:
    location = tuple(part for part in detail["loc"] if part != "[key]")
    if detail["type"] == "missing":
        location = location[:-1]  # what is not there has no line
    given = detail["input"]
    if isinstance(given, Unusable):
        message = given.reason
    else:
        entries = _ENTRIES.get(str(location[0]), {})
        messages = _MESSAGES | entries | {"dict_type": _SHAPES.get(dotted(location), "")}
        message = messages.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
        message = message.replace("Input should be", "must be")
    variable = variables.get(dotted(location[:1])) or variables.get(dotted(location[:2]))
    if variable is None and location not in document.lines:  # a section that only variables touched
        variable = next(name for key, name in variables.items() if key.startswith(f"{dotted(location)}."))
    text = None if variable else document.texts.get(location)
    if text is None and isinstance(given, str | int | float):
        text = str(given)
    got = "" if text is None else f" (got {short(text) or 'nothing'})"
    problem = f"{short(dotted(location))}: {message}{got}"
    if variable:
        problems.in_environment(variable, problem)
    else:
        problems.in_file(document.path, document.lines[location], problem)


def _line(document: Document, key: str) -> str | None:
    line = document.lines.get(tuple(key.split(".")))
    return None if line is None else f"{document.path}:{line}"


def _nearest(name: str, known: list[str]) -> str | None:
    """The known key that was probably meant: one with the same last part, else one that is spelled alike."""
    last = name.rpartition(".")[2]
    close = [key for key in known if key.endswith(f".{last}")] or difflib.get_close_matches(name[:100], known)
    return close[0] if close else None


def _hint(name: str | None) -> str:
    return f"; did you mean {name}?" if name else "; the shipped selfheald.yaml lists all"


def _variable(key: str) -> str:
    return ENV_PREFIX + key.upper().replace(".", ENV_DELIMITER)


_KEY_OF_VARIABLE: Final = {_variable(key): key for key in KEYS}
