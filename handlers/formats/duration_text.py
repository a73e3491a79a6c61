"""Durations as logs write them: a number in a unit that its name or the settings tell, or text with units."""

from __future__ import annotations

import re
from typing import Final

PER_MS: Final = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
"""Milliseconds in a unit of duration."""
_PER_UNIT: Final = {**PER_MS, "µs": 1e-3, "μs": 1e-3, "m": 60_000.0, "h": 3_600_000.0}
_PART: Final = r"(\d{1,15}(?:\.\d{1,15})?) ?(h|ms|m|s|us|µs|μs|ns)"
_PARTS: Final = re.compile(_PART)
_TEXT: Final = re.compile(rf"(?:{_PART})+")
_WORDS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "seconds"), "s"),
    **dict.fromkeys(("ms", "millis", "milliseconds"), "ms"),
    **dict.fromkeys(("us", "micros", "microseconds"), "us"),
    **dict.fromkeys(("ns", "nanos", "nanoseconds"), "ns"),
}
_LAST_WORD: Final = re.compile(r"[_.\- ]([a-z]+)$|(?<=[a-z0-9])([A-Z][a-z]*)$")


def ms_in_unit(unit: str, name: str) -> float:
    """Milliseconds in one unit; "auto" is the unit that the field's name ends in, else ms."""
    if unit == "auto":
        last = _LAST_WORD.search(name)
        unit = _WORDS.get((last[1] or last[2]).lower(), "ms") if last else _WORDS.get(name, "ms")
    return PER_MS[unit]


def duration_of_text(text: str) -> float | None:
    """Milliseconds of "12.5ms", "320µs", "1m2.5s" (Go's time.Duration); None for other text."""
    if _TEXT.fullmatch(text) is None:
        return None
    return sum(float(number) * _PER_UNIT[unit] for number, unit in _PARTS.findall(text))
