"""The past in steps that grow with its age. Tables `windows`, `hours` and `days`.

A document of each holds what one subject did in one step; its id is number of the step << 16 | number of the
subject. What becomes too old for a tier moves into the next one, so every count stands in exactly one place,
also of lines that come late. Where the lines stand that prove something is left behind with the windows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from tinydb.table import Document

from daemon.store import Store
from daemon.subjects import SUBJECT_BITS, Subject, SubjectKind
from daemon.telemetry_records import TelemetryRecords, from_document, to_document
from handlers.metrics import add_beats, add_errors, add_runs
from handlers.model import BeatStats, ErrorStats, RunStats

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
AT_ONCE: Final = 4_000
"""Documents that one transaction moves: readers and the next commit wait for it."""
_SUBJECT_MASK: Final = (1 << SUBJECT_BITS) - 1

Stats = BeatStats | RunStats | ErrorStats


class _Kind(msgspec.Struct, frozen=True):
    stats: type[Any]
    add: Callable[[Any, Any], None]
    without_origins: Callable[[Any], Stats]


def _runs_without_origins(stats: RunStats) -> RunStats:
    variants = {path: msgspec.structs.replace(each, examples=()) for path, each in stats.variants.items()}
    return msgspec.structs.replace(stats, variants=variants)


_KINDS: Final[dict[SubjectKind, _Kind]] = {
    "beat": _Kind(BeatStats, add_beats, lambda stats: msgspec.structs.replace(stats, slowest=())),
    "run": _Kind(RunStats, add_runs, _runs_without_origins),
    "error": _Kind(ErrorStats, add_errors, lambda stats: msgspec.structs.replace(stats, examples=())),
}


class Horizons(msgspec.Struct, frozen=True):
    """Event times in ms; of what lies before them, each tier keeps nothing."""

    windows_ms: int
    hours_ms: int
    days_ms: int


class _Tier:
    def __init__(self, store: Store, name: str, step_ms: int) -> None:
        self.table = store.table(name)
        self.step_ms = step_ms

    def id_at(self, at_ms: int, subject: int = 0) -> int:
        return (at_ms // self.step_ms) << SUBJECT_BITS | subject

    def start_of(self, doc_id: int) -> int:
        return (doc_id >> SUBJECT_BITS) * self.step_ms

    def starts(self, since_ms: int, until_ms: int) -> range:
        """Of the steps in [since, until) at which there may be documents."""
        first, last = self.table.first_id(), self.table.last_id()
        if first is None or last is None:
            return range(0)
        start_ms = max(since_ms - since_ms % self.step_ms, self.start_of(first))
        return range(start_ms, min(until_ms, self.start_of(last) + 1), self.step_ms)


class Tiers:
    """Ages what is stored, and reads all of it for charts."""

    def __init__(self, store: Store, telemetry: TelemetryRecords, window_ms: int) -> None:
        self._store = store
        self._subjects = telemetry.subjects
        self._lossy = telemetry.lossy
        self._tiers = (
            _Tier(store, "windows", window_ms),
            _Tier(store, "hours", HOUR_MS),
            _Tier(store, "days", DAY_MS),
        )

    def prepare(self) -> None:
        """Makes the tables: when the store is full, there would be no room for them."""
        for tier in self._tiers:
            tier.table.create()

    def roll_up(self, horizons: Horizons) -> int:
        """Moves or drops a piece of what is too old; how many documents that were. 0: nothing is too old."""
        windows, hours, days = self._tiers
        with self._store.transaction():
            if moved := self._move(windows, hours, horizons.windows_ms):
                return moved
            self._lossy.forget(horizons.windows_ms)
            return self._move(hours, days, horizons.hours_ms) or days.table.remove_between(
                0, days.id_at(horizons.days_ms) - 1
            )

    def oldest_windows_ms(self, share: float) -> int:
        """The time before which so much of the time lies for which there are windows."""
        windows = self._tiers[0]
        first, last = windows.table.first_id(), windows.table.last_id()
        if first is None or last is None:
            return 0
        first_ms, last_ms = windows.start_of(first), windows.start_of(last)
        return first_ms + max(windows.step_ms, round((last_ms - first_ms) * share))

    def history(self, subject: Subject, since_ms: int, until_ms: int, step_ms: int) -> dict[int, Stats]:
        """What a subject did in [since, until), by start of the step, in order; steps without anything lack.

        `step_ms` is the finest step wanted. What is kept in longer ones stands at their beginning.
        """
        number = self._subjects.known(*subject)
        if number is None:
            return {}
        kind = _KINDS[subject[0]]
        found: dict[int, Stats] = {}
        for tier in self._tiers:
            for start_ms in tier.starts(since_ms, until_ms):
                document = tier.table.get(doc_id=tier.id_at(start_ms, number))
                if document is not None:
                    at_ms = start_ms - start_ms % step_ms
                    kind.add(found.setdefault(at_ms, kind.stats()), from_document(document, kind.stats))
        return dict(sorted(found.items()))

    def _move(self, source: _Tier, target: _Tier, before_ms: int) -> int:
        """Moves the oldest documents of `source`, of one step of `target` at most."""
        sums: dict[int, Stats] = {}
        target_id, last_id, count = -1, 0, 0
        too_old = source.table.between(0, source.id_at(before_ms) - 1)
        for document in itertools.islice(too_old, AT_ONCE):
            into = target.id_at(source.start_of(document.doc_id))
            if into != target_id and count:
                break
            target_id, last_id, count = into, document.doc_id, count + 1
            subject = document.doc_id & _SUBJECT_MASK
            kind = self._kind(subject)
            stats = from_document(document, kind.stats)
            kind.add(sums.setdefault(subject, kind.stats()), stats)
        if not count:
            return 0
        # Removed first: what is freed makes the room that a full store lacks.
        source.table.remove_between(0, last_id)
        target.table.put(self._added(target, target_id, sums))
        return count

    def _added(self, target: _Tier, target_id: int, sums: dict[int, Stats]) -> Iterator[Document]:
        for subject, stats in sums.items():
            kind = self._kind(subject)
            known = target.table.get(doc_id=target_id | subject)
            if known is not None:
                kind.add(stats, from_document(known, kind.stats))
            yield to_document(kind.without_origins(stats), target_id | subject)

    def _kind(self, subject: int) -> _Kind:
        return _KINDS[self._subjects.name(subject)[0]]
