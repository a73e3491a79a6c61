"""Which subjects each log tells of. Table `tellers`: one document a stream."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from tinydb.table import Document

from daemon.store import Store

_MAX_NAMES: Final = 20_000
"""Names kept per stream: a log that names without end must not fill the store."""


class Tellers:
    """Grows with what is read. Changes are to be made inside of a transaction."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("tellers")
        self._known: dict[str, tuple[int, frozenset[str]]] = {}
        self.reload()

    def reload(self) -> None:
        """Forgets what a failed transaction changed."""
        self._known = {
            document["stream"]: (document.doc_id, frozenset(document["names"]))
            for document in self._table.all()
        }

    def told_by(self) -> dict[str, frozenset[str]]:
        """The fullest names of the subjects, by stream."""
        return {stream: names for stream, (_, names) in self._known.items()}

    def add(self, told_by: Mapping[str, Collection[str]]) -> None:
        """Writes only what is news."""
        for stream, told in told_by.items():
            doc_id, known = self._known.get(stream) or ((self._table.last_id() or 0) + 1, frozenset())
            names = known.union(told)
            if names != known and len(names) <= _MAX_NAMES:
                self._table.put([Document({"stream": stream, "names": sorted(names)}, doc_id)])
                self._known[stream] = (doc_id, names)

    def keep(self, streams: Collection[str]) -> None:
        """Forgets the logs that are not among these."""
        for stream in self._known.keys() - set(streams):
            doc_id, _ = self._known.pop(stream)
            self._table.remove_between(doc_id, doc_id)
