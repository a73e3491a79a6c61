"""What was learned, in the store.

Tables: `baselines` and `long_term` (one document a subject, id = its number), `activity` (id 1: rates).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from daemon.store import Store
from daemon.subjects import Subject, beat_key, error_key
from daemon.telemetry_records import TelemetryRecords, from_document, to_document
from handlers.anomaly.activity import Activity
from handlers.anomaly.baseline import Baseline, Learned
from handlers.anomaly.error_rate import ErrorRate
from handlers.anomaly.long_term import LongTerm
from handlers.anomaly.united_errors import united_errors
from handlers.error_groups import in_group
from handlers.model import BeatStats, RunStats

BASELINES: Final = "baselines"
LONG_TERM: Final = "long_term"
ACTIVITY: Final = "activity"
_ACTIVITY_ID: Final = 1


class BaselineRecords:
    """Reads and writes baselines. Write inside of a transaction."""

    def __init__(self, store: Store, telemetry: TelemetryRecords) -> None:
        self._telemetry = telemetry
        self._table = store.table(BASELINES)
        self._long_term = store.table(LONG_TERM)
        self._activity = store.table(ACTIVITY)

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
        for document in self._long_term.all():
            _, key = self._telemetry.subjects.name(document.doc_id)
            baseline.performance.beats[beat_key(key)] = from_document(document, LongTerm)
        if (rates := self._activity.get(doc_id=_ACTIVITY_ID)) is not None:
            baseline.performance.activity = from_document(rates, Activity)
        return baseline

    def put(self, baseline: Baseline) -> None:
        """Stores what was learned of its subjects; what is stored of others stays."""
        self._unite()
        totals = self._telemetry.totals()
        totals.judged_until_ms = baseline.judged_until_ms
        self._telemetry.put_totals(totals)
        self._table.put(
            to_document(learned, self._telemetry.subjects.number(*subject))
            for subject, learned in _subjects(baseline)
        )
        memory = baseline.performance
        self._long_term.put(
            to_document(record, self._telemetry.subjects.number("beat", key))
            for key, record in memory.beats.items()
        )
        if memory.activity.until_ms:
            self._activity.put([to_document(memory.activity, _ACTIVITY_ID)])

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
            self._table.put(
                to_document(united[name], self._telemetry.subjects.number("error", name)) for name in names
            )
            for document in stored:
                self._table.remove_between(document.doc_id, document.doc_id)

    def remove(self, baseline: Baseline) -> None:
        """Forgets the subjects that the given one holds."""
        for subject, _ in _subjects(baseline):
            number = self._telemetry.subjects.number(*subject)
            self._table.remove_between(number, number)
            self._long_term.remove_between(number, number)


def _subjects(baseline: Baseline) -> Iterator[tuple[Subject, msgspec.Struct]]:
    for beat, learned in baseline.beats.items():
        yield ("beat", beat), learned
    for run, learned_runs in baseline.runs.items():
        yield ("run", (run,)), learned_runs
    for error, rate in baseline.errors.items():
        yield ("error", error), rate
