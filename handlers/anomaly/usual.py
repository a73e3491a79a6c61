"""How often something usually runs, by hour of the day."""

from __future__ import annotations

from typing import Final

import msgspec

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
HOUR_LEARNED_MS: Final = 3 * HOUR_MS // 2
"""An hour of the day is known once it was seen on two days."""
MEMORY_MS: Final = 14 * DAY_MS
"""Rates are those of about two weeks: what is older fades."""


class Usual(msgspec.Struct, array_like=True):
    """How often a unit ran, while how much else did. Sums of whole numbers."""

    executions: int = 0
    others: int = 0
    """Other units that ran, summed over the windows."""
    time_ms: int = 0

    def add(self, executions: int, others: int, time_ms: int, memory_ms: int) -> None:
        self.executions += executions
        self.others += others
        self.time_ms += time_ms
        if self.time_ms > memory_ms:
            self.executions //= 2
            self.others //= 2
            self.time_ms //= 2


def hour_of(at_ms: int) -> int:
    """The hour of the day, UTC; those of Saturdays and Sundays, which are 24 to 47, by themselves."""
    is_weekend = at_ms // DAY_MS % 7 in {2, 3}  # 1970 began on a Thursday
    return at_ms % DAY_MS // HOUR_MS + 24 * is_weekend
