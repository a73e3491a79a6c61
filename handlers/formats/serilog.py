"""Serilog text, `[2025-11-09 14:30:45.123 -05:00] [INF] Source.Context: message`, around conductor messages.

The message is what the conductor prints, and is read as such. A stack trace stands below its line, bare and
indented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from handlers.formats.conductor import MESSAGE, OPENING
from handlers.formats.conductor_lines import usual_runs
from handlers.formats.conductor_reader import ConductorReader
from handlers.formats.conductor_runs import Found, span_of
from handlers.model import ParserState

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
    opening: Final = OPENING

    def __init__(self, *, whole_runs: bool = True, window_s: int = 1) -> None:
        """As in `Conductor`."""
        self._span_s = span_of(window_s) if whole_runs else 0

    def recognizes(self, head: bytes) -> bool:
        return _RECORD.search(b"\n" + head) is not None

    def reader(self, source: int, state: ParserState) -> ConductorReader:
        return _Reader(source, state, self._span_s)


class _Reader(ConductorReader):
    def __init__(self, source: int, state: ParserState, span_s: int) -> None:
        super().__init__(source, state, _EVENT)
        self._span_s = span_s

    def read_lines(self) -> None:
        # The matches begin a newline early, in data with one in front: their start is that of their line.
        text = b"\n" + self.data
        found: Iterable[Found] = _EVENT.finditer(text)
        if self._span_s:
            found = usual_runs(_EVENT).gather(_EVENT.finditer(text), self.offset, self.stamp, self._span_s)
        self.answer(found, text, 0, stamped=True)

    def stamp(self, at: int) -> bytes:
        """From the brackets in which the line begins."""
        text = self.data[at + 1 : self.data.find(b"]", at)]
        return text.replace(b" ", b"T", 1).replace(b" ", b"")
