"""Where a line stopped being what a format understands: for people who ask why a line is not matched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from config.settings import Settings
from handlers.formats import conductor, jsonl, logfmt, otlp, python, serilog
from handlers.formats.conductor_near_miss import nearest_message
from handlers.formats.fields_near_miss import json_near_miss, logfmt_near_miss, otlp_near_miss
from handlers.formats.near_miss_text import stopped
from handlers.formats.pattern_near_miss import stops_at
from handlers.formats.record_near_miss import python_near_miss, serilog_near_miss


def near_miss(format_name: str, line: bytes, settings: Settings) -> str:
    """A sentence on an unmatched line that is close to what the format understands; "" for any other line.

    Without a format ("") it is the first of all formats that the line is close to. Columns count characters,
    from 1.
    """
    text = line.decode("utf-8", "replace").rstrip("\r\n").removeprefix("\ufeff")
    if format_name:
        return _of_format(format_name, text, settings)
    names = (*settings.formats, *(name for name in _BUILT_IN if name != otlp.NAME))
    told = ((name, _of_format(name, text, settings)) for name in names)
    return next((f"as {name}: {sentence}" for name, sentence in told if sentence), "")


def _of_format(name: str, text: str, settings: Settings) -> str:
    if name in settings.formats:
        return _declared(settings.formats[name].pattern, text)
    return _BUILT_IN[name](text, settings)


def _declared(pattern: str, text: str) -> str:
    stop = stops_at(pattern, text)
    if stop is None:
        return ""
    where = f" (in group {stop.group})" if stop.group else ""
    expected = f'"{stop.expected}"{where}'
    return f"almost: the pattern{stopped(text, stop.end, expected)}"


_BUILT_IN: Final[Mapping[str, Callable[[str, Settings], str]]] = {
    conductor.NAME: lambda text, _: nearest_message(text),
    serilog.NAME: lambda text, _: serilog_near_miss(text) or nearest_message(text),
    otlp.NAME: lambda text, _: otlp_near_miss(text),
    python.NAME: lambda text, _: python_near_miss(text),
    jsonl.NAME: lambda text, settings: json_near_miss(text, settings.jsonl),
    logfmt.NAME: lambda text, settings: logfmt_near_miss(text, settings.jsonl),
}
