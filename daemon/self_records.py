"""What the daemon learned about itself, in the store: table `self` (id 1)."""

from __future__ import annotations

from typing import Final

import msgspec

from daemon.store import Store
from daemon.telemetry_records import from_document, to_document
from handlers.anomaly.baseline import Baseline, Learned
from handlers.anomaly.error_rate import ErrorRate
from handlers.model import BeatKey, BeatStats, ErrorKey
from handlers.self_check.vitals import Rhythm

_ID: Final = 1


class SelfMemory(msgspec.Struct, frozen=True):
    judged_until_ms: int = 0
    beats: tuple[tuple[BeatKey, Learned[BeatStats]], ...] = ()
    errors: tuple[tuple[ErrorKey, Learned[ErrorRate]], ...] = ()
    rhythms: dict[str, Rhythm] = {}

    @property
    def baseline(self) -> Baseline:
        return Baseline(self.judged_until_ms, beats=dict(self.beats), errors=dict(self.errors))


class SelfRecords:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = store.table("self")

    def load(self) -> SelfMemory:
        document = self._table.get(doc_id=_ID)
        return from_document(document, SelfMemory) if document is not None else SelfMemory()

    def put(self, baseline: Baseline, rhythms: dict[str, Rhythm]) -> None:
        """One transaction."""
        memory = SelfMemory(
            baseline.judged_until_ms,
            tuple(sorted(baseline.beats.items(), key=lambda item: item[0])),
            tuple(sorted(baseline.errors.items(), key=lambda item: item[0])),
            rhythms,
        )
        with self._store.transaction():
            self._table.put([to_document(memory, _ID)])
