"""How long the daemon's own beats take and how often they fail."""

from __future__ import annotations

from collections import deque

import msgspec

from handlers.metrics import add_beats
from handlers.model import BeatStats, ErrorStats, Window
from handlers.self_check.judge_vitals import COMMITS
from handlers.sketch import bin_of
from handlers.stage import BeatReport
from handlers.telemetry.store_telemetry_database import store_telemetry_database


class BeatTimes(msgspec.Struct):
    completed: int = 0
    failed: int = 0
    total_us: int = 0
    """Of the completed ones."""


class OwnBeats:
    """Hears the reports of the stage."""

    def __init__(self) -> None:
        self.by_handler: dict[tuple[str, str], BeatTimes] = {}
        """By sequence id and handler, since the start."""
        self.commits_ms: deque[float] = deque(maxlen=COMMITS)
        """Durations of the latest commits of telemetry."""
        self._window = Window(0)

    def hear(self, report: BeatReport, *, is_steady: bool) -> None:
        """`is_steady`: no backlog is worked off, so that durations can be compared."""
        if report.status == "started":
            return
        duration_us, failed = report.duration_us or 0, report.status == "failed"
        times = self.by_handler.setdefault((report.sequence, report.handler), BeatTimes())
        times.completed += not failed
        times.failed += failed
        times.total_us += 0 if failed else duration_us
        if report.handler == store_telemetry_database.__name__ and not failed:
            self.commits_ms.append(duration_us / 1000)
        self._count(report, duration_us if is_steady else None)

    def take_window(self, start_ms: int) -> Window:
        """What was heard since the last one, as the detectors take it."""
        taken, self._window = self._window, Window(0)
        return Window(start_ms, beats=taken.beats, errors=taken.errors)

    def _count(self, report: BeatReport, duration_us: int | None) -> None:
        """As the reader counts the beats of a log: a failed one is completed, and has no duration."""
        stats = BeatStats(handler=report.handler, completed=1, failed=int(report.status == "failed"))
        if report.status == "failed":
            kind = report.error.partition(":")[0]
            key = (report.sequence, report.topic, kind, "", "")
            self._window.errors.setdefault(key, ErrorStats(handler=report.handler)).count += 1
        elif duration_us is not None:
            stats.total_us = stats.max_us = duration_us
            stats.bins = {bin_of(duration_us): 1}
        add_beats(self._window.beats.setdefault((report.sequence, report.topic), BeatStats()), stats)
