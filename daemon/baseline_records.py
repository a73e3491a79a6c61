"""What was learned, in the store. Table `baselines`: one document a subject, id = its number."""

from __future__ import annotations

from typing import Final

import msgspec
from tinydb.table import Document

from daemon.store import Store
from daemon.subjects import SubjectKind, beat_key, error_key
from daemon.telemetry_records import TelemetryRecords, from_document, to_document
from handlers.anomaly.baseline import Baseline, Learned
from handlers.anomaly.error_rate import ErrorRate
from handlers.anomaly.united_errors import united_errors
from handlers.error_groups import in_group
from handlers.model import BeatStats, RunStats

BASELINES: Final = "baselines"


class BaselineRecords:
    """Reads and writes baselines. Write inside of a transaction."""

    def __init__(self, store: Store, telemetry: TelemetryRecords) -> None:
        self._telemetry = telemetry
        self._table = store.table(BASELINES)

    def load(self) -> Baseline:
        baseline = Baseline(self._telemetry.totals().judged_until_ms)
        for document in self._table.all():
            kind, key = self._telemetry.subjects.name(document.doc_id)
            if kind == "beat":
                baseline.beats[beat_key(key)] = from_document(document, Learned[BeatStats])
            elif kind == "run":
                baseline.runs[key[0]] = from_document(document, Learned[RunStats])
            else:
                baseline.errors[error_key(key)] = from_document(document, Learned[ErrorRate])
        baseline.errors = united_errors(baseline.errors, self._telemetry.templates.grouping)
        return baseline

    def put(self, baseline: Baseline) -> None:
        """Stores what was learned of its subjects; what is stored of others stays."""
        self._unite()
        totals = self._telemetry.totals()
        totals.judged_until_ms = baseline.judged_until_ms
        self._telemetry.put_totals(totals)
        documents = [self._document("beat", key, learned) for key, learned in baseline.beats.items()]
        documents += [self._document("run", (key,), learned) for key, learned in baseline.runs.items()]
        documents += [self._document("error", key, learned) for key, learned in baseline.errors.items()]
        self._table.put(documents)

    def _unite(self) -> None:
        """Puts what is stored under older names of groups to the name that they have now."""
        grouping = self._telemetry.templates.grouping
        groups = {
            number: (key, in_group(key, grouping))
            for number, key in self._telemetry.subjects.errors().items()
        }
        older = {number: group for number, (key, group) in groups.items() if key != group}
        stored = self._table.get(doc_ids=[*older]) if older else []
        if stored:
            united = self.load().errors
            names = dict.fromkeys(older[document.doc_id] for document in stored)
            self._table.put([self._document("error", name, united[name]) for name in names])
            for document in stored:
                self._table.remove_between(document.doc_id, document.doc_id)

    def _document(self, kind: SubjectKind, key: tuple[str, ...], learned: msgspec.Struct) -> Document:
        return to_document(learned, self._telemetry.subjects.number(kind, key))
