"""Keeps what is said again and again from filling the log: some of it, then how much more there was."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

SPAN_S: Final = 60.0
BURST: Final = 10
"""So many lines about one thing are written in a span of time; the others of it are counted."""
MAX_KEYS: Final = 10_000
"""More things than that are told without being counted: what remembers them must not grow for ever."""
_SUBJECTS: Final = ("id", "path", "topic", "socket", "logger")
"""Fields that say what an event is about, the first one that there is."""
_NUMBER: Final = re.compile(r"\d+")


class Repeated(msgspec.Struct, frozen=True):
    """What was left out of a span of time."""

    level: str
    event: str
    sentence: str
    """The last one."""
    count: int


class _Span(msgspec.Struct):
    ends_s: float
    told: int = 0
    level: str = ""
    sentence: str = ""


class Repeats:
    """Counts by the event and what it is about: a field, else the sentence without its numbers."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, str], _Span] = {}

    def is_told(
        self, level: str, event: str, sentence: str, fields: Mapping[str, object], now_s: float
    ) -> bool:
        """Whether this one is to be written."""
        about = next((f"{name}={fields[name]}" for name in _SUBJECTS if fields.get(name)), None)
        key = event, about or _NUMBER.sub("#", sentence)
        span = self._spans.get(key)
        if span is None:
            if len(self._spans) >= MAX_KEYS:
                return True
            span = self._spans[key] = _Span(now_s + SPAN_S)
        span.told += 1
        span.level, span.sentence = level, sentence
        return span.told <= BURST

    def clear(self) -> None:
        """Forgets everything."""
        self._spans.clear()

    def ended(self, now_s: float) -> Iterator[Repeated]:
        """What was left out of the spans that are over; they are forgotten."""
        over = [key for key, span in self._spans.items() if now_s >= span.ends_s]
        for key in over:
            span = self._spans.pop(key)
            if span.told > BURST:
                yield Repeated(span.level, key[0], span.sentence, span.told - BURST)
