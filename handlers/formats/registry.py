"""All log formats, in the order in which the head of a file is tried against them.

What operators declare comes first. JSON lines and logfmt come last: both can stand in any log.
"""

from __future__ import annotations

from collections.abc import Mapping

from config.settings import Settings
from handlers.formats.base import Format
from handlers.formats.conductor import Conductor
from handlers.formats.declared import Declared
from handlers.formats.encoding import without_mark
from handlers.formats.jsonl import JsonLines
from handlers.formats.logfmt import Logfmt
from handlers.formats.otlp import Otlp
from handlers.formats.python import PythonLog
from handlers.formats.serilog import Serilog


def log_formats(settings: Settings, *, whole_runs: bool = True) -> dict[str, Format]:
    """The formats by name, made with the operator's settings.

    `whole_runs`: a run that went as most runs go is one event, and beats of no run are packed; else every
    step is an event of its own.
    """
    formats: tuple[Format, ...] = (
        *(Declared(name, declared) for name, declared in settings.formats.items()),
        Conductor(whole_runs=whole_runs, window_s=settings.ingest.window_s),
        Serilog(whole_runs=whole_runs, window_s=settings.ingest.window_s),
        Otlp(),
        PythonLog(),
        JsonLines(settings.jsonl, packs=whole_runs),
        Logfmt(settings.jsonl, packs=whole_runs),
    )
    return {log_format.name: log_format for log_format in formats}


def detect_format(head: bytes, formats: Mapping[str, Format], wanted: str) -> Format | None:
    """The format of a file by its first bytes; `wanted` is a format's name, or "auto".

    None while the head tells nothing: the file is looked at again when it has grown.
    """
    if wanted != "auto":
        return formats[wanted]
    head = without_mark(head)
    return next((log_format for log_format in formats.values() if log_format.recognizes(head)), None)
