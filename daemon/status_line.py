"""The line about the daemon that `systemctl status` shows."""

from __future__ import annotations

import time

import msgspec

from daemon.lag import Lag
from handlers.diagnosis.wording import count, span


class Status(msgspec.Struct, frozen=True):
    """What is known at one moment."""

    files: int
    events: int
    """Since the store was begun."""
    lag: Lag
    open_incidents: int


class StatusLine:
    """Knows the last moment, for the rate."""

    def __init__(self) -> None:
        self._before: tuple[float, int] | None = None

    def text(self, status: Status, *, caught_up: bool) -> str:
        now = time.monotonic()
        before_s, events = self._before or (now, status.events)
        self._before = now, status.events
        rate = (status.events - events) / (now - before_s) if now > before_s else 0.0
        parts = [
            count(status.files, "file"),
            f"{rate:,.0f} events/s",
            _lag(status.lag),
            count(status.open_incidents, "open incident"),
        ]
        return ("" if caught_up else "catching up: ") + ", ".join(parts)


def _lag(lag: Lag) -> str:
    if not lag.bytes:
        return "lag 0 B"
    old = "" if lag.seconds is None else f" ({span(lag.seconds * 1000)})"
    return f"lag {lag.bytes:,} B{old}"
