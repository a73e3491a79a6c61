"""How far behind its files the reader is: in bytes, and in the age of the oldest byte that is not read.

When that byte was written is not known. It was after the last moment at which nothing was left to read of
its file, and as a rule after the event that was read last before it: the later of the two gives an upper
bound of its age, which is close while a log is followed (by the time between two looks) and while an old one
is caught up with. Where neither is known, the age is not.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Unread(msgspec.Struct, frozen=True):
    """What stands unread in one file."""

    stream: str
    bytes: int
    at_end_ms: int
    """When nothing was left to read of it for the last time; 0 if that never was."""


class Lag(msgspec.Struct, frozen=True):
    bytes: int
    seconds: float | None
    """At most so old is the oldest unread byte; 0 if there is none, None if it is not known."""


def lag_of(unread: Unread, watermark_ms: int, now_ms: int) -> Lag:
    """The lag of one file. `watermark_ms`: latest event time read of its stream, or 0."""
    if not unread.bytes:
        return Lag(0, 0.0)
    known_ms = max(unread.at_end_ms, watermark_ms)
    return Lag(unread.bytes, max(0, now_ms - known_ms) / 1000 if known_ms else None)


def lag_of_all(lags: Iterable[Lag]) -> Lag:
    """The bytes of all, and the age of the oldest among them as far as it is known."""
    behind = [lag for lag in lags if lag.bytes]
    seconds = [lag.seconds for lag in behind if lag.seconds is not None]
    return Lag(sum(lag.bytes for lag in behind), max(seconds) if seconds else None if behind else 0.0)
