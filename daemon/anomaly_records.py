"""Incidents and recommendations in the store.

Tables: `incidents` and `recommendations` (id = number in their own id).
An incident is one document however often its anomaly is seen (see `daemon.incident_life`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from config.alert_route import AlertRoute
from daemon.alerts.outbox import Outbox
from daemon.baseline_records import BaselineRecords
from daemon.case_records import CaseRecords, StoredCase
from daemon.incident import Incident
from daemon.incident_life import Changes, Moment, follow
from daemon.recommendation import StoredRecommendation, renewed
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords, from_document, to_document
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.case_inputs import Given, cases_of
from handlers.diagnosis.verify import verified
from handlers.model import AnyAnomaly, FixRecommendation, Point, SelfAnomaly

INCIDENTS: Final = "incidents"
RECOMMENDATIONS: Final = "recommendations"


PointsSince = Callable[[AnyAnomaly, int], tuple[Point, ...]]


def document_id(text_id: str) -> int:
    """A TinyDB id for a text id; 63 bits of a hash, so two never meet."""
    return int.from_bytes(hashlib.sha256(text_id.encode()).digest()[:8]) >> 1


class AnomalyRecords:
    """Reads and writes incidents and recommendations. Every writing method but `put` and `put_stored` is one
    transaction."""

    def __init__(self, store: Store, telemetry: TelemetryRecords) -> None:
        self._store = store
        self._telemetry = telemetry
        self.baselines = BaselineRecords(store, telemetry)
        self._incidents = store.table(INCIDENTS)
        self._recommendations = store.table(RECOMMENDATIONS)
        self.outbox = Outbox(store)
        self.cases = CaseRecords(store)

    def store(
        self,
        anomalies: Iterable[AnyAnomaly],
        baseline: Baseline,
        late_until_id: int,
        at: Moment,
        routes: Mapping[str, AlertRoute],
        given: Given,
    ) -> Changes:
        """Stores what stands now, with what it makes of the incidents, and what was learned.

        `late_until_id`: up to where late telemetry was judged. `routes`: who is to be told of it. `given`:
        what the anomalies follow from.
        """
        at = replace(at, lossy=tuple(self._telemetry.lossy.marked()))
        with self._store.transaction():
            self.baselines.put(baseline)
            self._telemetry.forget_late(late_until_id)
            changes = self._follow(anomalies, at, routes, of_itself=False)
            told = (*changes.opened, *changes.reopened, *changes.graver)
            cases = cases_of((each.anomaly for each in told), given)
            self.cases.put((document_id(each.anomaly.id), each) for each in cases)
        return changes

    def store_own(
        self,
        troubles: Iterable[SelfAnomaly],
        recommendations: Iterable[FixRecommendation],
        at: Moment,
        routes: Mapping[str, AlertRoute],
    ) -> Changes:
        """The same for what the daemon finds out about itself. Times are those of the clock."""
        self.put_recommendations(recommendations)
        with self._store.transaction():
            return self._follow(troubles, at, routes, of_itself=True)

    def _follow(
        self,
        anomalies: Iterable[AnyAnomaly],
        at: Moment,
        routes: Mapping[str, AlertRoute],
        *,
        of_itself: bool,
    ) -> Changes:
        known = {
            each.anomaly.id: each
            for each in self.incidents()
            if isinstance(each.anomaly, SelfAnomaly) == of_itself
        }
        changes = follow(known, anomalies, at)
        self.put((*changes.told, *changes.quiet))
        self.outbox.add_changes(changes, routes, at.now_ms)
        return changes

    def incidents(self) -> list[Incident]:
        """All of them, resolved ones too."""
        return [from_document(document, Incident) for document in self._incidents.all()]

    def due_ms(self, forget_ms: int) -> int | None:
        """When the next incident changes by the clock alone (see `Moment`); None if none does.

        Those that are about the daemon itself are looked at all the time anyway.
        """
        due: list[int] = []
        for each in self.incidents():
            if isinstance(each.anomaly, SelfAnomaly):
                continue
            if each.state == "silenced" and each.until_ms is not None:
                due.append(each.until_ms)
            if each.is_open and each.confirmed_ms:
                due.append(each.confirmed_ms + forget_ms + 1)
        return min(due, default=None)

    def find(self, anomaly_id: str) -> Incident | None:
        document = self._incidents.get(doc_id=document_id(anomaly_id))
        return from_document(document, Incident) if document is not None else None

    def find_case(self, anomaly_id: str) -> StoredCase | None:
        """What led to an incident. Raises msgspec.ValidationError for what this version cannot read."""
        return self.cases.find(document_id(anomaly_id))

    def put(self, incidents: Iterable[Incident]) -> None:
        """Part of the caller's transaction."""
        self._incidents.put(to_document(each, document_id(each.anomaly.id)) for each in incidents)

    def recommendations(self) -> list[FixRecommendation]:
        """What is to be done about what is open, in order of priority."""
        is_open = {each.anomaly.id for each in self.incidents() if each.is_open}
        to_do = (each.recommendation for each in self.stored_recommendations() if each.is_to_do)
        return [each for each in to_do if not is_open.isdisjoint(each.anomaly_ids)]

    def all_recommendations(self) -> list[FixRecommendation]:
        """Those for resolved anomalies too, which say what was known when they ended."""
        return [each.recommendation for each in self.stored_recommendations()]

    def stored_recommendations(self) -> list[StoredRecommendation]:
        """All of them with what became of them, in order of priority."""
        stored = (from_document(each, StoredRecommendation) for each in self._recommendations.all())
        return sorted(stored, key=lambda each: (each.recommendation.priority, each.recommendation.id))

    def find_recommendation(self, recommendation_id: str) -> StoredRecommendation | None:
        document = self._recommendations.get(doc_id=document_id(recommendation_id))
        return from_document(document, StoredRecommendation) if document is not None else None

    def put_recommendations(self, recommendations: Iterable[FixRecommendation]) -> None:
        """Takes the place of what was recommended for the same anomalies; what became of it stays known."""
        with self._store.transaction():
            stored, gone = renewed(self.stored_recommendations(), recommendations)
            self._remove_recommendations(gone)
            self.put_stored(stored)

    def put_stored(self, stored: Iterable[StoredRecommendation]) -> None:
        """Part of the caller's transaction."""
        self._recommendations.put(to_document(each, document_id(each.recommendation.id)) for each in stored)

    def verify_done(
        self, points_since: PointsSince, min_samples: int, quiet_since_ms: int
    ) -> list[StoredRecommendation]:
        """Marks what is done and is seen to have helped: detection finds none of its anomalies any more.

        Returns what was verified now. `points_since`: the figure of an anomaly after a time. What was done
        after `quiet_since_ms` had not the time to show.
        """
        incidents: dict[str, Incident] = {}
        found = []
        for stored in self.stored_recommendations():
            if stored.state != "done" or stored.verified or stored.since_ms > quiet_since_ms:
                continue
            incidents = incidents or {each.anomaly.id: each for each in self.incidents()}
            about = [incidents[each] for each in stored.recommendation.anomaly_ids if each in incidents]
            # What an operator declared resolved the detection has not found gone.
            if any(each.is_open or each.by for each in about):
                continue
            says = [
                verified(
                    each.anomaly, points_since(each.anomaly, stored.since_ms), stored.since_ms, min_samples
                )
                for each in about
            ]
            if says and None not in says:
                found.append(replace(stored, verified="; ".join(each for each in says if each)))
        if found:
            with self._store.transaction():
                self.put_stored(found)
        return found

    def forget_resolved(self, before_ms: int) -> int:
        """Deletes incidents that were resolved before, with what was recommended; returns how many."""
        old = {
            stored.anomaly.id
            for stored in self.incidents()
            if stored.resolved_ms is not None and stored.resolved_ms < before_ms
        }
        if old:
            with self._store.transaction():
                for anomaly_id in old:
                    self._incidents.remove_between(document_id(anomaly_id), document_id(anomaly_id))
                    self.cases.remove(document_id(anomaly_id))
                self._remove_recommendations(
                    each
                    for each in self.stored_recommendations()
                    if old >= set(each.recommendation.anomaly_ids)
                )
        return len(old)

    def _remove_recommendations(self, stored: Iterable[StoredRecommendation]) -> None:
        for each in stored:
            number = document_id(each.recommendation.id)
            self._recommendations.remove_between(number, number)
