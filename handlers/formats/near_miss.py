"""Where a line stopped being what a format understands: for people who ask why a line is not matched."""

from __future__ import annotations

import json
from typing import Any, Final

from config.settings import Jsonl
from handlers.formats import conductor, jsonl, serilog
from handlers.formats.conductor_near_miss import WHERE, nearest_message

_TELLING: Final = ("duration", "error", "handler", "beat", "sequence", "kind")


def near_miss(format_name: str, line: bytes, names: Jsonl) -> str:
    """A sentence on an unmatched line that is close to what the format understands; "" for any other line.

    `names`: what the operator calls the fields of JSON lines. Columns count characters, from 1.
    """
    text = line.decode("utf-8", "replace").rstrip("\r\n")
    if format_name in {conductor.NAME, serilog.NAME}:
        return nearest_message(text)
    if format_name == jsonl.NAME:
        return _json_near_miss(text.removeprefix("\ufeff"), names)
    return ""


def _json_near_miss(text: str, names: Jsonl) -> str:
    if not text.lstrip().startswith(("{", "[")):
        return ""
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError as error:
        return f"not JSON{WHERE}at column {error.colno}: {error.msg}"
    except (ValueError, RecursionError):
        return "JSON, but with a number that is too long or nested too deep"
    return _missing(value, names) if isinstance(value, dict) else "JSON, but no object"


def _missing(value: dict[str, Any], names: Jsonl) -> str:
    if not any(value.get(getattr(names, field)) is not None for field in _TELLING):
        wanted = ", ".join(getattr(names, field) for field in _TELLING)
        return f"an object without any of the fields {wanted}: one of them must say what happened"
    if not any(value.get(name) for name in (names.event, names.handler)):
        return f"an object without {names.event} and {names.handler}: one of them must name what it is about"
    if isinstance(value.get(names.timestamp), bool | list | dict):
        return f"{names.timestamp} must be a text or a number"
    return "an object of which no field says whether something started, completed or failed"
