"""Trouble that lasts: told when it begins, then ever more rarely, and when it is over."""

from __future__ import annotations

import time
from typing import Final

from daemon.database import StoreError
from daemon.logs import tell

FIRST_REMINDER_S: Final = 60.0
LAST_REMINDER_S: Final = 3600.0
"""Reminders come after a minute, two, four, … and then once an hour."""


class Outage:
    """Of one activity that goes on by itself when the store can be used again."""

    def __init__(self, activity: str, waits: str) -> None:
        """Both begin a sentence: "reading" and "nothing is lost"."""
        self._activity = activity
        self._waits = waits
        self._began = self._told = 0.0
        self._reminder_s = 0.0
        self._kind: type[StoreError] | None = None

    @property
    def lasts(self) -> bool:
        return self._kind is not None

    def failed(self, error: StoreError) -> None:
        """Another attempt failed. It is told if that is news, or was not told for long."""
        now = time.monotonic()
        if self._kind is None:
            self._began = now
        if type(error) is not self._kind:
            self._kind, self._told, self._reminder_s = type(error), now, FIRST_REMINDER_S
            tell("ERROR", "paused", f"{self._activity} pauses, {self._waits}: {error}")
        elif now - self._told >= self._reminder_s:
            self._told, self._reminder_s = now, min(2 * self._reminder_s, LAST_REMINDER_S)
            paused_s = now - self._began
            tell("ERROR", "still-paused", f"{self._activity} has paused for {paused_s:.0f} s: {error}")

    def over(self) -> None:
        """An attempt was successful."""
        if self._kind is not None:
            self._kind = None
            paused_s = time.monotonic() - self._began
            tell("WARNING", "resumed", f"{self._activity} goes on, after a pause of {paused_s:.0f} s")
