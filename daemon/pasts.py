"""The time around anomalies, read from the store for their diagnosis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from config.objective import Objective
from daemon.budgets import BudgetReader
from daemon.report.series import series_of
from daemon.telemetry_records import TelemetryRecords
from daemon.tiers import DAY_MS, Tiers
from handlers.error_groups import in_group
from handlers.model import AnyAnomaly, BehavioralAnomaly, CoverageAnomaly, Mark, Past, Point

BEFORE_MS: Final = 6 * 3_600_000
"""So much of the time before an anomaly was seen first is looked at for its beginning."""
AFTER_MS: Final = 3_600_000
"""And so much after it: a beginning is not found better by what comes later."""


RECENT_MS: Final = 6 * 3_600_000
"""The last part of a long anomaly shows whether it gets worse."""
KEPT_MS: Final = 300_000
"""That is read anew after so much event time."""


_EVER_MS: Final = 1 << 62


class _Read(msgspec.Struct, frozen=True):
    """What was read of one anomaly, and what of it can be kept for the next time."""

    about: tuple[object, ...]
    before: tuple[Point, ...]
    until_ms: int
    after: tuple[Point, ...]
    recent_part: int
    recent: tuple[Point, ...]


class PastReader:
    """Remembers what was read: the past of an anomaly that is open for long stays as it is."""

    def __init__(
        self,
        telemetry: TelemetryRecords,
        tiers: Tiers,
        window_ms: int,
        objectives: Mapping[str, Objective],
    ) -> None:
        self._telemetry = telemetry
        self._tiers = tiers
        self._window_ms = window_ms
        self._known: dict[str, _Read] = {}
        self._budgets = BudgetReader(tiers, objectives)

    def load(self, anomalies: Iterable[AnyAnomaly]) -> dict[str, Past]:
        """By id. Call inside of a transaction or snapshot."""
        wanted = [each for each in anomalies if not isinstance(each, CoverageAnomaly)]
        if not wanted:
            return {}
        streams = {each.checkpoint.source: each.checkpoint.stream for each in self._telemetry.sources()}
        now_ms = self._telemetry.totals().watermark_ms
        self._known = {each.id: self._read(each) for each in wanted}
        return {each.id: self._past(each, streams, now_ms) for each in wanted}

    def adopt(self, objectives: Mapping[str, Objective]) -> None:
        """Goes on with other objectives."""
        self._budgets = BudgetReader(self._tiers, objectives)

    def _past(self, anomaly: AnyAnomaly, streams: dict[int, str], now_ms: int) -> Past:
        read = self._known[anomaly.id]
        writers = {streams[each.source] for each in anomaly.origins if each.source in streams}
        marks = self._telemetry.marks.between(0, _EVER_MS)
        return Past(
            points=read.before + read.after,
            step_ms=self._window_ms,
            recent=read.recent,
            marks=_marks_for(marks, writers, read.until_ms),
            budgets=self._budgets.load(anomaly, now_ms),
        )

    def _read(self, anomaly: AnyAnomaly) -> _Read:
        first_ms = anomaly.first_seen_ms - anomaly.first_seen_ms % self._window_ms
        until_ms = min(anomaly.last_seen_ms, first_ms + AFTER_MS)
        part = anomaly.last_seen_ms // KEPT_MS
        known = self._known.get(anomaly.id)
        about = _about(anomaly, first_ms)
        if known is None or known.about != about:
            known = _Read(about, self.points(anomaly, first_ms - BEFORE_MS, first_ms), 0, (), 0, ())
        if known.until_ms != until_ms:
            known = replace(known, until_ms=until_ms, after=self.points(anomaly, first_ms, until_ms))
        if known.recent_part != part:
            since_ms = max(first_ms, anomaly.last_seen_ms - RECENT_MS)
            recent = self.points(anomaly, since_ms, anomaly.last_seen_ms)
            known = replace(known, recent_part=part, recent=recent)
        return known

    def points(self, anomaly: AnyAnomaly, since_ms: int, until_ms: int) -> tuple[Point, ...]:
        """Its figure in each window of [since, until) in which it was seen."""
        grouping = self._telemetry.templates.grouping
        keys = dict.fromkeys(in_group(key, grouping) for key in self._telemetry.subjects.errors().values())
        return series_of(
            anomaly,
            lambda subject: self._tiers.history(subject, since_ms, until_ms, self._window_ms),
            self._window_ms,
            keys,
        )

    def points_since(self, anomaly: AnyAnomaly, since_ms: int) -> tuple[Point, ...]:
        """Its figure in the windows that began after `since_ms`; a day of them at most."""
        begin_ms = since_ms - since_ms % self._window_ms + self._window_ms
        return self.points(anomaly, begin_ms, begin_ms + DAY_MS)


def _marks_for(marks: Iterable[Mark], writers: set[str], until_ms: int) -> tuple[Mark, ...]:
    """What concerns these streams. A program may tell its version in another log beside them: that counts
    where they tell none and it is the only program there that does."""
    known = [*marks]
    own = [each for each in known if not each.stream or (each.stream in writers and each.at_ms < until_ms)]
    if not any(each.kind == "version" for each in own):
        folders = {Path(each).parent for each in writers}
        beside = [
            each
            for each in known
            if each.kind == "version" and each.at_ms < until_ms and Path(each.stream).parent in folders
        ]
        if len({(each.stream, each.about) for each in beside}) == 1:
            own += beside
    return tuple(sorted(own))


def _about(anomaly: AnyAnomaly, first_ms: int) -> tuple[object, ...]:
    """What the figures of the past depend on."""
    declared = anomaly.declared if isinstance(anomaly, BehavioralAnomaly) else ()
    return first_ms, anomaly.kind, declared, tuple(each.id for each in anomaly.members[:1])
