"""How regularly each log is written, from the times at which something of it was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from handlers.self_check.vitals import Rhythm

FORGET_MS: Final = 30 * 86_400_000
"""A log that rested for so long is gone."""
_NUMBER: Final = re.compile(r"\d+")


def learn_rhythms(
    known: Mapping[str, Rhythm], read_ms: Mapping[str, int], now_ms: int, clock_step_ms: int = 0
) -> dict[str, Rhythm]:
    """`known` after another look. `read_ms`: when each file was read last, by path.

    Paths that differ in numbers alone are one log, since rotation and dates are in names. `clock_step_ms`: by
    how much the clock was set since the last look.
    """
    rhythms = {
        name: replace(each, first_ms=each.first_ms + clock_step_ms, last_ms=each.last_ms + clock_step_ms)
        for name, each in sorted(known.items())
        if now_ms - each.last_ms - clock_step_ms <= FORGET_MS
    }
    for path, at_ms in sorted(read_ms.items()):
        name = _NUMBER.sub("#", path)
        before = rhythms.get(name)
        if before is None:
            rhythms[name] = Rhythm(at_ms, at_ms)
        elif at_ms > before.last_ms:
            gap_ms = max(before.longest_gap_ms, at_ms - before.last_ms)
            rhythms[name] = Rhythm(before.first_ms, at_ms, gap_ms)
    return rhythms
