"""What is known of the daemon at one moment, besides how long its beats take."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class LagPoint(msgspec.Struct, frozen=True):
    """How far behind the reader was at one look."""

    at_s: float
    """By a clock that nobody sets."""
    bytes: int
    age_s: float | None
    """Of the oldest unread byte, None if it is not known."""


class Rhythm(msgspec.Struct, frozen=True):
    """How regularly a log is written."""

    first_ms: int
    last_ms: int
    """When something of it was read last."""
    longest_gap_ms: int = 0
    """Between two times at which something was read."""


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    now_ms: int
    died: bool = False
    """Whether the process before this one ended without closing the store."""
    dead: Mapping[str, tuple[str, ...]] = {}
    """What is broken, by component."""
    clock_step_ms: int = 0
    """By how much the clock was set since the last look; backwards is negative."""
    commits_ms: tuple[float, ...] = ()
    """How long the latest commits took."""
    lag: tuple[LagPoint, ...] = ()
    """The latest looks, oldest first."""
    rhythms: Mapping[str, Rhythm] = {}
    """By log; rotated and dated files of one name are one log."""
    store_room_bytes: int | None = None
    """How much the store can still grow: to store.max_bytes, or until the disk is full."""
    store_max_bytes: int = 0
    rejected: tuple[str, ...] = ()
    """What is wrong with the settings as they are saved now."""
