"""Why a line with named fields tells of nothing: JSON lines, logfmt and OTLP."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from config.settings import Jsonl
from handlers.formats.json_paths import value_at
from handlers.formats.logfmt import PAIR
from handlers.formats.near_miss_text import WHERE
from handlers.formats.otlp import why_not

_TELLING: Final = ("duration", "error", "handler", "beat", "sequence", "kind")
_OPEN_QUOTE: Final = re.compile(r'(?<!\S)[^\s="]+="(?:[^"\\]|\\.)*$')
_SPACED: Final = re.compile(r"(?<!\S)([^\s=\"]+) +=")


def json_near_miss(text: str, names: Jsonl) -> str:
    """`names`: what the operator calls the fields."""
    if not text.lstrip().startswith(("{", "[")):
        return ""
    try:
        value = _parsed(text)
    except ValueError as error:
        return str(error)
    return _missing(value, names, "an object") if isinstance(value, dict) else "JSON, but no object"


def otlp_near_miss(text: str) -> str:
    """What is wrong with a request of spans."""
    if not text.lstrip().startswith("{"):
        return ""
    try:
        value = _parsed(text)
    except ValueError as error:
        return str(error)
    if "resourceSpans" not in value:
        return "an object without resourceSpans: no request of spans"
    return f"almost: an ExportTraceServiceRequest{WHERE}{why_not(text.encode())}"


def logfmt_near_miss(text: str, names: Jsonl) -> str:
    """`names`: what the operator calls the fields."""
    pairs = {key: value for key, value in PAIR.findall(text) if value not in {"", '""'}}
    if not pairs:
        return ""
    if (quote := _OPEN_QUOTE.search(text)) is not None:
        return f"almost: key=value{WHERE}at column {quote.start() + 1}, the quotes of this value do not end"
    told = _missing(pairs, names, "pairs")
    if told and (spaced := _SPACED.search(text)) is not None:
        at = f"at column {spaced.start(1) + 1}, there must be no space beside the = of {spaced[1]}"
        return f"almost: key=value{WHERE}{at}"
    return told


def _parsed(text: str) -> Any:
    """Raises ValueError with a sentence for people."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON{WHERE}at column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError):
        raise ValueError("JSON, but with a number that is too long or nested too deep") from None


def _missing(value: Mapping[str, Any], names: Jsonl, what: str) -> str:
    if not any(value_at(value, getattr(names, field)) is not None for field in _TELLING):
        wanted = ", ".join(getattr(names, field) for field in _TELLING)
        why = f"one of them must say what happened{_like(value, names)}"
        return f"{what} without any of the fields {wanted}: {why}"
    if not any(value_at(value, name) for name in (names.event, names.handler)):
        return f"{what} without {names.event} and {names.handler}: one of them must name what it is about"
    if isinstance(value_at(value, names.timestamp), bool | list | dict):
        return f"{names.timestamp} must be a text or a number"
    return f"{what} of which no field says whether something started, completed or failed"


def _like(value: Mapping[str, Any], names: Jsonl) -> str:
    """The fields of the line that differ from wanted ones in case or by a suffix only."""
    for field in ("duration", *_TELLING, "event"):
        name = getattr(names, field)
        close = [key for key in value if key != name and key.lower().startswith(name.lower())]
        if close:
            return f"; to read {close[0]}, set jsonl.{field}: {close[0]}"
    return ""
