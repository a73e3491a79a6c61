"""How the times of a log are understood."""

from __future__ import annotations

from datetime import tzinfo

import msgspec

from handlers.formats.time_text import Clock


class TrialTimes(msgspec.Struct):
    zone: str = ""
    """That of times which name none; "" where all name one."""
    first_ms: int | None = None
    last_ms: int | None = None
    untimed: int = 0
    """Events without a time, or with one that cannot be read."""
    unread: str = ""
    """The first text that was no time, or ""."""
    ahead: int = 0
    """Events that the daemon would leave out: their clock is ahead of this machine's."""


class TimeReader:
    """Reads the times of the events of one log as the daemon would that read it now."""

    def __init__(self, zone: tzinfo, now_ms: int, max_skew_ms: int) -> None:
        self.times = TrialTimes()
        self._zone = str(zone)
        self._clock = Clock(zone, now_ms, max_skew_ms, 0)
        self._until_ms = now_ms + max_skew_ms

    def add(self, time: str | float | None) -> None:
        times = self.times
        at_ms = self._clock.epoch_ms(time)
        if self._clock.used_zone:
            times.zone = self._zone
        if at_ms is None:
            times.untimed += 1
            times.unread = times.unread or ("" if time is None else str(time)[:80])
        elif at_ms > self._until_ms:
            times.ahead += 1
        else:
            times.first_ms = at_ms if times.first_ms is None else min(times.first_ms, at_ms)
            times.last_ms = at_ms if times.last_ms is None else max(times.last_ms, at_ms)
