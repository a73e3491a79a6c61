"""How the durations of a subject usually differ from hour to hour, by time of day and of week.

Each hour with enough executions leaves its median, and the last four weeks of them are kept. What three
quarters of the last days show at an hour, or all of the last weeks at an hour of the week, is usual there: a
job that slows a handler down every day at noon is told on the first days and expected later, and the same
slowness at midnight is still told. Hours on which a verdict fell count here too, else what is slow every noon
could never be learned; but a day on which most hours were faulty is left out, so that a fault that lasts is
not taken for usual. Hours are those of UTC.
"""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.sketch import add_bins, median_bin

HOUR_MS: Final = 3_600_000
_DAYS_KEPT: Final = 28
LEAST_DAYS: Final = 5
"""Days that must have been seen at an hour before anything is usual at it, of the last seven."""
LEAST_WEEKS: Final = 3
"""The same for an hour of the week, of the last four."""
LEAST_SAMPLES: Final = 10
"""Executions of an hour from which on its median is kept."""
_DAY_BYTES: Final = 48
"""Two for each hour."""
_LEVEL_OF_BIN_0: Final = 2
"""Bins begin with -1, and 0 stands for an hour without a median."""


class Season(msgspec.Struct):
    """The last weeks of one subject, and the hour and the day that have not ended."""

    days: tuple[int, ...] = ()
    """Days since the epoch."""
    levels: bytes = b""
    """Of each hour of each day two bytes: 0, or its median as the bin of the sketch + 2."""
    hour: int = 0
    """Hours since the epoch, of the hour that has not ended."""
    bins: dict[int, int] = {}
    """Durations of that hour."""
    faulty: int = 0
    """How many of them a verdict fell on."""
    today: dict[int, int] = {}
    """Levels of the hours of its day that have ended."""
    faulty_hours: int = 0
    """How many of those were faulty in their greater part."""

    def copy(self) -> Season:
        return msgspec.structs.replace(self, bins={**self.bins}, today={**self.today})

    def take(self, start_ms: int, bins: dict[int, int], *, faulty: bool) -> None:
        """Adds a window. What comes after its hour has ended is left out."""
        hour = start_ms // HOUR_MS
        if hour > self.hour:
            self._end_hour()
            if hour // 24 > self.hour // 24:
                self._end_day()
            self.hour = hour
        if hour == self.hour:
            add_bins(self.bins, bins)
            self.faulty += sum(bins.values()) if faulty else 0

    def offset(self, hours: int, normal: int) -> int:
        """By how many bins the usual level of an hour is over the bin `normal`; 0 if it is not known.

        `hours` since the epoch.
        """
        day, hour = divmod(hours, 24)
        high, low = self.levels[2 * hour :: _DAY_BYTES], self.levels[2 * hour + 1 :: _DAY_BYTES]
        levels = [256 * first + second for first, second in zip(high, low, strict=True)]
        return _common(levels[-7:], normal, LEAST_DAYS) or _common(
            [level for number, level in zip(self.days, levels, strict=True) if number % 7 == day % 7],
            normal,
            LEAST_WEEKS,
        )

    def _end_hour(self) -> None:
        samples = sum(self.bins.values())
        if samples >= LEAST_SAMPLES:
            self.today[self.hour % 24] = median_bin(self.bins) + _LEVEL_OF_BIN_0
            self.faulty_hours += 2 * self.faulty > samples
        self.bins, self.faulty = {}, 0

    def _end_day(self) -> None:
        if self.today and 2 * self.faulty_hours <= len(self.today):
            levels = b"".join(self.today.get(hour, 0).to_bytes(2) for hour in range(24))
            self.days = (*self.days, self.hour // 24)[-_DAYS_KEPT:]
            self.levels = (self.levels + levels)[-_DAYS_KEPT * _DAY_BYTES :]
        self.today, self.faulty_hours = {}, 0


def _common(levels: list[int], normal: int, least: int) -> int:
    """What three quarters of the levels differ from `normal` at least, all in one direction; else 0."""
    offsets = sorted(level - _LEVEL_OF_BIN_0 - normal for level in levels if level)
    if len(offsets) < least:
        return 0
    quarter = (len(offsets) - 1) // 4
    return max(offsets[quarter], 0) or min(offsets[-1 - quarter], 0)
