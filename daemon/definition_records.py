"""The sequence definitions that runs were judged by last. Table `definitions`: one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from daemon.marks import Marks
from daemon.store import Store
from daemon.telemetry_records import from_document, to_document
from handlers.model import Mark, Sequence

_RECORD_ID: Final = 1


class _Definitions(msgspec.Struct):
    """Events in order by id of the sequence."""

    events: dict[str, tuple[str, ...]] = {}


class DefinitionRecords:
    """Finds what changed in the definitions, also while no daemon ran."""

    def __init__(self, store: Store, marks: Marks) -> None:
        self._store = store
        self._table = store.table("definitions")
        self._marks = marks

    def note(self, sequences: Iterable[Sequence], at_ms: int) -> tuple[Mark, ...]:
        """Stores them; returns the marks of those that are others than before. Raises StoreError."""
        now = {each.id: each.events for each in sequences}
        document = self._table.get(doc_id=_RECORD_ID)
        before = from_document(document, _Definitions).events if document is not None else None
        if now == before:
            return ()
        found = tuple(_changes(before, now, at_ms)) if before is not None else ()
        with self._store.transaction():
            self._table.put([to_document(_Definitions(now), _RECORD_ID)])
            self._marks.add(found)
        return found


def _changes(
    before: Mapping[str, tuple[str, ...]], now: Mapping[str, tuple[str, ...]], at_ms: int
) -> Iterator[Mark]:
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, ()), now.get(name, ())
        if old != new:
            yield Mark(at_ms, "", "definition", name, " → ".join(old), " → ".join(new))
