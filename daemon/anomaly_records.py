"""Anomalies and recommendations in the store.

Tables: `anomalies` and `recommendations` (id = number in their own id).
An anomaly is one document however often it is seen: detection opens it, updates it and resolves it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from daemon.baseline_records import BaselineRecords
from daemon.lossy_windows import overlap_ms
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords, from_document, to_document
from handlers.anomaly.baseline import Baseline
from handlers.model import AnyAnomaly, FixRecommendation

ANOMALIES: Final = "anomalies"
RECOMMENDATIONS: Final = "recommendations"


class StoredAnomaly(msgspec.Struct):
    """An anomaly with its life."""

    anomaly: AnyAnomaly
    """As it was seen last."""
    state: Literal["open", "resolved"]
    first_seen_ms: int
    """Event time at which it began."""
    last_seen_ms: int
    detections: int
    """Detection cycles that saw it."""
    resolved_ms: int | None = None
    """End of the windows in which it was gone."""


class StoredRecommendation(msgspec.Struct):
    recommendation: FixRecommendation


class Changes(msgspec.Struct, frozen=True):
    """What one detection changed."""

    opened: tuple[StoredAnomaly, ...] = ()
    reopened: tuple[StoredAnomaly, ...] = ()
    resolved: tuple[StoredAnomaly, ...] = ()


def document_id(text_id: str) -> int:
    """A TinyDB id for a text id; 63 bits of a hash, so two never meet."""
    return int.from_bytes(hashlib.sha256(text_id.encode()).digest()[:8]) >> 1


class AnomalyRecords:
    """Reads and writes anomalies. Every writing method is one transaction."""

    def __init__(self, store: Store, telemetry: TelemetryRecords) -> None:
        self._store = store
        self._telemetry = telemetry
        self.baselines = BaselineRecords(store, telemetry)
        self._anomalies = store.table(ANOMALIES)
        self._recommendations = store.table(RECOMMENDATIONS)

    def store(
        self, anomalies: Iterable[AnyAnomaly], baseline: Baseline, late_until_id: int, hold_ms: int
    ) -> Changes:
        """Stores what stands now and what was learned; what stood and is gone for `hold_ms` is resolved.

        Time in which lines were lost does not count as gone.
        `late_until_id`: up to where late telemetry was judged.
        """
        standing = {anomaly.id: anomaly for anomaly in anomalies}
        opened: list[StoredAnomaly] = []
        reopened: list[StoredAnomaly] = []
        resolved: list[StoredAnomaly] = []
        marked = self._telemetry.lossy.marked()
        with self._store.transaction():
            self.baselines.put(baseline)
            self._telemetry.forget_late(late_until_id)
            known = {stored.anomaly.id: stored for stored in self.anomalies()}
            changed: list[StoredAnomaly] = []
            for anomaly in standing.values():
                before = known.get(anomaly.id)
                after = _seen(anomaly, before)
                if before is None:
                    opened.append(after)
                elif before.state == "resolved":
                    reopened.append(after)
                changed.append(after)
            for before in known.values():
                gone_ms = baseline.judged_until_ms - before.last_seen_ms
                gone_ms -= overlap_ms(marked, before.last_seen_ms, baseline.judged_until_ms)
                gone = before.anomaly.id not in standing and gone_ms >= hold_ms
                if before.state == "open" and gone:
                    before.state = "resolved"
                    before.resolved_ms = baseline.judged_until_ms
                    resolved.append(before)
            self._anomalies.put(
                to_document(stored, document_id(stored.anomaly.id)) for stored in changed + resolved
            )
        return Changes(tuple(opened), tuple(reopened), tuple(resolved))

    def anomalies(self) -> list[StoredAnomaly]:
        """All of them, open and resolved."""
        return [from_document(document, StoredAnomaly) for document in self._anomalies.all()]

    def recommendations(self) -> list[FixRecommendation]:
        """Those for what is open, in order of priority."""
        is_open = {each.anomaly.id for each in self.anomalies() if each.state == "open"}
        return [each for each in self.all_recommendations() if each.anomaly_id in is_open]

    def all_recommendations(self) -> list[FixRecommendation]:
        """Those for resolved anomalies too, which say what was known when they ended."""
        stored = (from_document(each, StoredRecommendation) for each in self._recommendations.all())
        return sorted((each.recommendation for each in stored), key=lambda each: (each.priority, each.id))

    def put_recommendations(self, recommendations: Iterable[FixRecommendation]) -> None:
        """Replaces the recommendations for the anomalies that the given ones are about."""
        new = list(recommendations)
        with self._store.transaction():
            self._remove_recommendations({each.anomaly_id for each in new})
            self._recommendations.put(
                to_document(StoredRecommendation(each), document_id(each.id)) for each in new
            )

    def forget_resolved(self, before_ms: int) -> int:
        """Deletes anomalies that were resolved before, with what was recommended; returns how many."""
        old = {
            stored.anomaly.id
            for stored in self.anomalies()
            if stored.resolved_ms is not None and stored.resolved_ms < before_ms
        }
        if old:
            with self._store.transaction():
                for anomaly_id in old:
                    self._anomalies.remove_between(document_id(anomaly_id), document_id(anomaly_id))
                self._remove_recommendations(old)
        return len(old)

    def _remove_recommendations(self, anomaly_ids: set[str]) -> None:
        for each in self.all_recommendations():
            if each.anomaly_id in anomaly_ids:
                self._recommendations.remove_between(document_id(each.id), document_id(each.id))


def _seen(anomaly: AnyAnomaly, before: StoredAnomaly | None) -> StoredAnomaly:
    if before is None:
        return StoredAnomaly(anomaly, "open", anomaly.first_seen_ms, anomaly.last_seen_ms, 1)
    first_ms = before.first_seen_ms if before.state == "open" else anomaly.first_seen_ms
    last_ms = max(before.last_seen_ms, anomaly.last_seen_ms)
    return StoredAnomaly(anomaly, "open", first_ms, last_ms, before.detections + 1)
