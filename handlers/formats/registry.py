"""All log formats, in the order in which a file's head is tried against them.

JSON lines are last: objects can stand in any log.
"""

from __future__ import annotations

from collections.abc import Mapping

from config.settings import Settings
from handlers.formats.base import Format
from handlers.formats.conductor import Conductor
from handlers.formats.encoding import without_mark
from handlers.formats.jsonl import JsonLines


def log_formats(settings: Settings) -> dict[str, Format]:
    """The formats by name, made with the operator's settings."""
    formats: tuple[Format, ...] = (Conductor(), JsonLines(settings.jsonl))
    return {log_format.name: log_format for log_format in formats}


def detect_format(head: bytes, formats: Mapping[str, Format], wanted: str) -> Format | None:
    """The format of a file by its first bytes; `wanted` is a format's name, or "auto".

    None while the head tells nothing: the file is looked at again when it has grown.
    """
    if wanted != "auto":
        return formats[wanted]
    head = without_mark(head)
    return next((log_format for log_format in formats.values() if log_format.recognizes(head)), None)
