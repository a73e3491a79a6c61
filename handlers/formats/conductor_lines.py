"""The lines of a conductor log with timestamps: what nearly all of the work of reading it is."""

from __future__ import annotations

import functools
import re
from typing import Final

from handlers.formats.conductor_runs import Found, UsualRuns
from handlers.speedups import either

RESTART: Final = "Initializing RenderX Evolution Communication System"
_BARE_RESTART: Final = f"🎼 {RESTART}".encode()
_STAMP_BYTES: Final = len("2026-11-22T16:10:58.813")


def _stamped_lines(
    pattern: re.Pattern[bytes], data: bytes, start: int, offset: int, span_s: int
) -> tuple[list[Found], int]:
    """The messages in `data` from the line at `start` on, and where they end: with `data`, or before a
    restart without a timestamp.

    The matches of `pattern` begin at the Z of a timestamp. `offset`: of `data` in its file. `span_s`: see
    `span_of`.
    """
    end = bare_restart(data, start)
    lines = pattern.finditer(data, start, end)
    return usual_runs(pattern).gather(lines, offset, functools.partial(stamp_at, data), span_s), end


stamped_lines: Final = either(_stamped_lines, "stamped_lines")


@functools.cache
def usual_runs(pattern: re.Pattern[bytes]) -> UsualRuns:
    """Those among what `pattern` finds, in which each message is a group."""
    return UsualRuns(pattern)


def stamp_at(data: bytes, at: int) -> bytes:
    """The timestamp that ends in the Z at this place; b"" if there is no room for one."""
    return data[at - _STAMP_BYTES : at + 1] if at >= _STAMP_BYTES else b""


def bare_restart(data: bytes, start: int) -> int:
    """Where the line stands, from a line on, in which the program starts again without timestamps."""
    at = data.find(_BARE_RESTART, start)
    while at >= 0:
        line = data.rfind(b"\n", 0, at) + 1
        if not data[line:at].strip(b" "):
            return line
        at = data.find(_BARE_RESTART, at + 1)
    return len(data)
