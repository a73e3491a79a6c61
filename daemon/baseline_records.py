"""What was learned, in the store. Table `baselines`: one document a subject, id = its number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from daemon.store import Store
from daemon.subjects import Subject, beat_key, error_key
from daemon.telemetry_records import TelemetryRecords, from_document, to_document
from handlers.anomaly.baseline import Baseline, ErrorRate, Learned
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
        return baseline

    def put(self, baseline: Baseline) -> None:
        """Stores what was learned of its subjects; what is stored of others stays."""
        totals = self._telemetry.totals()
        totals.judged_until_ms = baseline.judged_until_ms
        self._telemetry.put_totals(totals)
        self._table.put(
            to_document(learned, self._telemetry.subjects.number(*subject))
            for subject, learned in _subjects(baseline)
        )

    def remove(self, baseline: Baseline) -> None:
        """Forgets the subjects that the given one holds."""
        for subject, _ in _subjects(baseline):
            number = self._telemetry.subjects.number(*subject)
            self._table.remove_between(number, number)


def _subjects(baseline: Baseline) -> Iterator[tuple[Subject, msgspec.Struct]]:
    for beat, learned in baseline.beats.items():
        yield ("beat", beat), learned
    for run, learned_runs in baseline.runs.items():
        yield ("run", (run,)), learned_runs
    for error, rate in baseline.errors.items():
        yield ("error", error), rate
