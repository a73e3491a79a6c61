"""How long the daemon's own beats take and how often they fail, since it was started."""

from __future__ import annotations

import msgspec

from handlers.stage import BeatReport


class BeatTimes(msgspec.Struct):
    completed: int = 0
    failed: int = 0
    total_us: int = 0
    """Of the completed ones."""


class OwnBeats:
    """Hears the reports of the stage."""

    def __init__(self) -> None:
        self.by_handler: dict[tuple[str, str], BeatTimes] = {}
        """By sequence id and handler."""

    def hear(self, report: BeatReport) -> None:
        times = self.by_handler.setdefault((report.sequence, report.handler), BeatTimes())
        if report.status == "completed":
            times.completed += 1
            times.total_us += report.duration_us or 0
        elif report.status == "failed":
            times.failed += 1
