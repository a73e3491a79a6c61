"""Says what is wrong with a setting, in words for operators and with what they may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from pydantic_core import ErrorDetails

from config.document import MAX_PROBLEMS, Document, Location, Problems, Unusable, dotted, short
from config.settings import ENV_DELIMITER, ENV_PREFIX, KEYS, Detect, Settings

LIST: Final = 'must be a list, such as ["a", "b"]'
_NUMBERS: Final = 'must be names with numbers, such as {"Plugin.handler": 5}'
_FORMATS: Final = 'must be names with patterns, such as {"access": {"pattern": "(?P<event>...)"}}'
_BY_GLOB: Final = 'must be globs with names, such as {"legacy/*": "%s"}'
_LIMITS: Final = 'must be globs with settings of detect, such as {"Plugin.*": {"min_samples": 20}}'
SHAPES: Final = {
    "detect_of": _LIMITS,
    "detect_of_source": _LIMITS.replace("Plugin.*", "legacy/*"),
    "expected_ms": _NUMBERS,
    "formats": _FORMATS,
    "alerts": 'must be names with receivers, such as {"pager": {"webhook": "https://..."}}',
    "objectives": 'must be names with objectives, such as {"fast": {"match": "*", "latency_ms": 200}}',
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
    "missing": "needs a pattern",
    "path_type": "must be a path; if it is one, put it in quotes",
    "string_type": "must be text; if it is, put it in quotes",
    "string_unicode": "must be UTF-8 text",
    "too_short": "must have at least one entry",
    "tuple_type": LIST,
}
"""Those of pydantic's error types whose own message is not for operators."""


_LIMITS_MESSAGES: Final = {
    "extra_forbidden": "unknown setting",
    "model_type": 'must have settings of detect below it, such as "min_samples: 20"',
}
_MESSAGES_OF: Final = {
    "formats": {
        "extra_forbidden": "unknown setting; a format has pattern, time_format and duration_unit",
        "model_type": "must have a pattern below it",
    },
    "alerts": {
        "extra_forbidden": "unknown setting; a receiver has webhook, apprise or command, and min_severity, "
        "on, quiet, quiet_below, digest",
        "model_type": "must have a webhook, an apprise URL or a command below it",
    },
    "objectives": {
        "extra_forbidden": "unknown setting; an objective has match, one of latency_ms, error_rate, "
        "availability and throughput, and target, window_d",
        "missing": "needs a match, a glob that names what it is for",
        "model_type": "must have a match and one of latency_ms, error_rate, availability and throughput",
    },
    "detect_of": _LIMITS_MESSAGES,
    "detect_of_source": _LIMITS_MESSAGES,
}
"""The same for the entries of one setting."""


def add_unknown(location: Location, document: Document, problems: Problems) -> None:
    """Adds that there is no such setting."""
    name = dotted(location)
    # Each look-up compares with all keys: beyond what is shown, that would only cost time.
    meant = nearest(name, [*KEYS, *Settings.model_fields]) if len(problems) < MAX_PROBLEMS else None
    problem = f"{short(name)}: unknown setting{hint(meant)}"
    problems.in_file(document.lines[location], problem)


def add_invalid(
    detail: ErrorDetails, document: Document, variables: Mapping[str, str], problems: Problems
) -> None:
    """Adds what pydantic found. `variables`: the name of the variable by the dotted key that it gives."""
    location = tuple(part for part in detail["loc"] if part != "[key]")
    if detail["type"] == "missing":
        location = location[:-1]  # what is not there has no line
    given = detail["input"]
    if isinstance(given, Unusable):
        message = given.reason
    else:
        messages = _MESSAGES | _MESSAGES_OF.get(str(location[0]), {})
        messages |= {"dict_type": SHAPES.get(dotted(location), "")}
        message = messages.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
        message = message.replace("Input should be", "must be")
        if location[0] in {"detect_of", "detect_of_source"} and detail["type"] == "extra_forbidden":
            message += hint(nearest(str(location[-1]), [*Detect.model_fields]))
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
        problems.in_file(document.lines[location], problem)


def nearest(name: str, known: list[str]) -> str | None:
    """The known key that was probably meant: one with the same last part, else one that is spelled alike."""
    last = name.rpartition(".")[2]
    close = [key for key in known if key.endswith(f".{last}")] or difflib.get_close_matches(name[:100], known)
    return close[0] if close else None


def hint(name: str | None) -> str:
    """The end of a sentence that says that something is unknown."""
    return f"; did you mean {name}?" if name else "; the shipped selfheald.yaml lists all"


def variable_of(key: str) -> str:
    """The name of the environment variable of a dotted key."""
    return ENV_PREFIX + key.upper().replace(".", ENV_DELIMITER)
