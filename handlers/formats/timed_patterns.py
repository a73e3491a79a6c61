"""The patterns of a format one by one, so that it can be told which of them takes how long."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from handlers.formats import conductor, jsonl, logfmt, otlp, python, serilog
from handlers.formats.base import Format
from handlers.formats.conductor import MESSAGES
from handlers.formats.conductor_near_miss import shown
from handlers.formats.scan import extract_block
from handlers.model import Block, ParserState

_ONE: Final = {
    python.NAME: "the beginning of a record",
    jsonl.NAME: "a JSON object",
    otlp.NAME: "a request of spans",
    logfmt.NAME: "key=value pairs",
}


def timed_patterns(log_format: Format) -> Mapping[str, Callable[[bytes], object]]:
    """What looks at a line, by what people know it as. A format that has one pattern only is its own."""
    name = log_format.name
    if name in {conductor.NAME, serilog.NAME}:
        return {shown(message): re.compile(message.encode()).search for message in MESSAGES}
    return {_ONE.get(name, f"the pattern of {name}"): partial(_read, log_format)}


def _read(log_format: Format, line: bytes) -> object:
    return extract_block(log_format, Block(0, 0, len(line), line, 1), ParserState(), at_end=False)
