"""Serilog text, `[2025-11-09 14:30:45.123 -05:00] [INF] Source.Context: message`, around conductor messages.

The message is what the conductor prints, and is read as such. A stack trace stands below its line, bare and
indented.
"""

from __future__ import annotations

import re
from typing import Final

from handlers.formats.base import Extraction
from handlers.formats.conductor import MESSAGE
from handlers.formats.conductor_reader import ConductorReader
from handlers.model import Block, ParserState

NAME: Final = "serilog"

_HEADER: Final = (
    rb"\n\[\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: ?[+-]\d\d:\d\d|Z)?\] \[[A-Z][A-Za-z]{2,10}\] "
)
# What 1.5 prints itself before a message; the time is that of the header.
_OWN_TIME: Final = rb"\d{4}-\d\d-\d\dT[\d:.]{8,18}Z +"
_RECORD: Final = re.compile(_HEADER)
_EVENT: Final = re.compile(_HEADER + rb"(?:[^\s:]{1,300}: )? *(?:" + _OWN_TIME + rb")?(?:" + MESSAGE + rb")")


class Serilog:
    """The format; it holds no state."""

    name: Final = NAME

    def recognizes(self, head: bytes) -> bool:
        return _RECORD.search(b"\n" + head) is not None

    def extract(self, block: Block, state: ParserState, *, at_end: bool = False) -> Extraction:
        reader = _Reader(block, state)
        reader.resume_stack()
        # The matches begin a newline early, in data with one in front: their start is that of their line.
        reader.lines(_EVENT.finditer(b"\n" + block.data), 0, stamped=True)
        if at_end:
            reader.close_error()
        return Extraction(events=reader.events, state=reader.state, matched=reader.matched, unreadable=0)


class _Reader(ConductorReader):
    """Reads the time from the brackets in which a line begins."""

    def _time(self) -> str | float | None:
        text = self.data[self.at + 1 : self.data.find(b"]", self.at)].decode("ascii", "replace")
        return text.replace(" ", "T", 1).replace(" ", "")
