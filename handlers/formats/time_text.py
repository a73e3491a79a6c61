"""Times as logs write them, as milliseconds since the epoch.

ISO 8601 (RFC 3339) and what comes close to it, syslog's `Nov 22 14:30:45` without a year (RFC 3164), and
seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by their size.

What a text leaves open is decided by rules that give the same for the same stream:
- No zone: it is in the zone of its source. An hour that comes twice, at the end of daylight saving, is the
  first one, until that would lead the stream back by more than a minute; then it is the second (PEP 495). A
  time that is skipped, when it begins, counts from the offset before: the writer's clock was not put forward.
- No year: the latest one in which it is no more than a day after its arrival. A day, so that a clock which is
  ahead is told as such, and is not taken for one that is a year behind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from handlers.formats.zoned_times import ZonedTimes, exact_epoch_ms

_EPOCH_UNITS: Final = ((1e17, 1e6), (1e14, 1e3), (1e11, 1.0))
"""(smallest value, its units per millisecond): ns, us, ms; anything smaller is seconds."""
_BACK_MS: Final = 60_000
"""Lines of one stream are not further out of order than this, unless the clock was set back."""
_DAY: Final = timedelta(days=1)
_LEAP_YEARS_APART: Final = 8
"""Between the 29ths of February around a year such as 1900."""
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OTHER: Final = re.compile(
    r"(?:(?:(?P<year>\d{4})[-/]|--)(?P<month>\d\d)[-/](?P<day>\d\d)"
    r"|(?P<name>[A-Z][a-z]{2}) {1,2}(?P<of_name>\d\d?))"
    r"[ Tt](?P<clock>\d\d:\d\d:\d\d(?:[.,]\d{1,12})?)"
    r"(?: ?(?P<zone>[Zz]|UTC|GMT|[+-]\d\d:?\d\d))?",
    re.ASCII,
)
"""Without a year: `--11-22 14:30:45`, the truncated form of ISO 8601:2000, and `Nov 22 14:30:45`."""


class Clock:
    """Reads the times of one stream; neighbouring events often share one, so the last is remembered."""

    def __init__(self, zone: tzinfo, arrival_ms: int, max_skew_ms: int, latest_ms: int) -> None:
        """`latest_ms`: the latest time of the stream so far, 0 for none."""
        self._zone = zone
        self._year_until = datetime.fromtimestamp(arrival_ms / 1000, UTC) + _DAY
        self._until_ms = arrival_ms + max_skew_ms
        self._latest_ms = latest_ms
        self.used_zone = False
        """Whether there was a time without a zone."""
        self._zoned = ZonedTimes()
        self._last: str | float | None = None
        self._last_ms: int | None = None

    def epochs_ms(self, times: Sequence[str | float | None]) -> list[int | None]:
        """Those of a column, which is read at once if all of them are ISO 8601 and name their zone."""
        at_ms = self._zoned.epochs_ms(times)
        return [*map(self.epoch_ms, times)] if at_ms is None else at_ms

    def epoch_ms(self, time: str | float | None) -> int | None:
        """None for what is no time. 0 and the year 1 are how programs write that they know none."""
        if time != self._last:
            self._last = time
            at_ms = None if time is None else self._read(time)
            self._last_ms = at_ms if at_ms is not None and at_ms > 0 else None
        return self._last_ms

    def _read(self, time: str | float) -> int | None:
        if not isinstance(time, str):
            return _from_epoch(time)
        try:
            moment = datetime.fromisoformat(time)
        except ValueError:
            return self._read_other(time)
        if moment.tzinfo is not None:
            return exact_epoch_ms(moment)
        if len(time) > 8 and time.isdigit():
            return _from_epoch(float(time))  # of these digits a date can be made as well
        return self._local(moment)

    def _read_other(self, text: str) -> int | None:
        match = _OTHER.fullmatch(text)
        if match is None:
            try:
                return _from_epoch(float(text))
            except ValueError:
                return None
        if match["name"] is None:
            date = f"{match['month']}-{match['day']}"
        elif match["name"] in _MONTHS:
            date = f"{_MONTHS.index(match['name']) + 1:02}-{int(match['of_name']):02}"
        else:
            return None
        zone = match["zone"] or ""
        rest = f"{date}T{match['clock']}{zone if zone[:1] in '+-' else '+00:00'}"
        moment = _moment(match["year"], rest) if match["year"] else self._with_year(rest)
        if moment is None:
            return None
        return self._local(moment) if moment.tzinfo is None else exact_epoch_ms(moment)

    def _with_year(self, rest: str) -> datetime | None:
        until = self._year_until
        newest = (until + _DAY).year  # by then the year has begun in every zone
        for year in range(newest, newest - _LEAP_YEARS_APART - 1, -1):
            moment = _moment(f"{year:04}", rest)
            if moment is None:
                continue
            if (moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)) <= until:
                return moment
        return None

    def _local(self, moment: datetime) -> int:
        self.used_zone = True
        at_ms = round(moment.replace(tzinfo=self._zone).timestamp() * 1000)
        if at_ms < self._latest_ms - _BACK_MS:
            second_ms = round(moment.replace(tzinfo=self._zone, fold=1).timestamp() * 1000)
            if at_ms < second_ms <= self._until_ms:
                at_ms = second_ms
        if self._latest_ms < at_ms <= self._until_ms:
            self._latest_ms = at_ms
        return at_ms


def _moment(year: str, rest: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{year}-{rest}")
    except ValueError:
        return None


def _from_epoch(value: float) -> int | None:
    if not 0 < value < 1e20:
        return None
    for least, per_ms in _EPOCH_UNITS:
        if value >= least:
            return round(value / per_ms)
    return round(value * 1000)
