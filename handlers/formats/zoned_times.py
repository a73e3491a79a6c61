"""Columns of ISO 8601 times that name their zone: a log has millions of them, and few different parts.

The seconds of a time and what stands behind them, a fraction and an offset, come again and again, each with
many of the other. Both are looked up without a step of Python a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from operator import add, itemgetter
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = len("2026-11-22T16:10:58")
_SECONDS_OF: Final = itemgetter(slice(_SECOND))
_REST_OF: Final = itemgetter(slice(_SECOND, None))
_YEAR_MS: Final = 365 * 86_400_000
_MAX_RESTS: Final = 100_000


def exact_epoch_ms(moment: datetime) -> int:
    """Rounded; in whole numbers, so that a second and its fraction add up."""
    since = moment - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + (since.microseconds + 500) // 1000


class _Seconds(dict[str, int]):
    """`2026-11-22T16:10:58` as milliseconds since the epoch, as if it were UTC."""

    def __missing__(self, text: str) -> int:
        moment = datetime.fromisoformat(text)
        at_ms = exact_epoch_ms(moment.replace(tzinfo=UTC))
        if len(text) != _SECOND or moment.tzinfo is not None or at_ms < _YEAR_MS:
            raise ValueError(text)
        self[text] = at_ms
        return at_ms


class _Rests(dict[str, int]):
    """`.813Z`, `+01:00` as the milliseconds to add."""

    def __missing__(self, text: str) -> int:
        moment = datetime.fromisoformat(f"1970-01-02T00:00:00{text}")
        if moment.tzinfo is None:
            raise ValueError(text)
        if len(self) == _MAX_RESTS:
            self.clear()
        self[text] = rest_ms = exact_epoch_ms(moment) - 86_400_000
        return rest_ms


class ZonedTimes:
    """Reads columns of times."""

    def __init__(self) -> None:
        self._seconds = _Seconds()
        self._rests = _Rests()

    def epochs_ms(self, times: Sequence[object]) -> list[int | None] | None:
        """Milliseconds since the epoch; None if any of the times is of another form."""
        if {*map(type, times)} != {str}:
            return None
        try:
            seconds = map(self._seconds.__getitem__, map(_SECONDS_OF, times))  # type: ignore[arg-type]
            rests = map(self._rests.__getitem__, map(_REST_OF, times))  # type: ignore[arg-type]
            return [*map(add, seconds, rests)]
        except ValueError:
            return None
