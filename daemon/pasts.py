"""The time around anomalies, read from the store for their diagnosis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from config.objective import Objective
from daemon.budgets import BudgetReader
from daemon.report.series import series_of
from daemon.telemetry_records import TelemetryRecords
from daemon.tiers import DAY_MS, Tiers
from handlers.error_groups import in_group
from handlers.model import AnyAnomaly, CoverageAnomaly, Past, Point

BEFORE_MS: Final = 6 * 3_600_000
"""So much of the time before an anomaly was seen first is looked at for its beginning."""
AFTER_MS: Final = 3_600_000
"""And so much after it: a beginning is not found better by what comes later."""


class _Read(msgspec.Struct, frozen=True):
    first_seen_ms: int
    until_ms: int
    past: Past


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
        self._known = {each.id: self._read(each, streams) for each in wanted}
        now_ms = self._telemetry.totals().watermark_ms
        return {
            each.id: replace(self._known[each.id].past, budgets=self._budgets.load(each, now_ms))
            for each in wanted
        }

    def adopt(self, objectives: Mapping[str, Objective]) -> None:
        """Goes on with other objectives."""
        self._budgets = BudgetReader(self._tiers, objectives)

    def _read(self, anomaly: AnyAnomaly, streams: dict[int, str]) -> _Read:
        until_ms = min(anomaly.last_seen_ms, anomaly.first_seen_ms + AFTER_MS)
        known = self._known.get(anomaly.id)
        if known and (known.first_seen_ms, known.until_ms) == (anomaly.first_seen_ms, until_ms):
            return known
        points = self.points(anomaly, anomaly.first_seen_ms - BEFORE_MS, until_ms)
        writers = {streams[each.source] for each in anomaly.origins if each.source in streams}
        marks = self._telemetry.marks.between(0, until_ms)
        past = Past(points, self._window_ms, tuple(each for each in marks if each.stream in writers))
        return _Read(anomaly.first_seen_ms, until_ms, past)

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
