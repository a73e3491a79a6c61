"""Runs that have not ended, table `open_runs`: a document each, so that a commit costs what changed.

A log whose runs nothing ends has thousands of them open, of which a commit touches the few newest and oldest.
Ids ascend in the order in which the runs of a stream began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec
from tinydb.table import Document

from daemon.store import Store
from handlers.model import OpenRun

_LAST_ID: Final = (1 << 63) - 1

_Known = dict[str, tuple[int, OpenRun]]
"""By key, what is stored and under which id."""


class _StoredRun(msgspec.Struct):
    stream: int
    key: str
    run: OpenRun


class OpenRuns:
    """Stores the open runs of each stream, by its number."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("open_runs")
        self._stored: dict[int, _Known] | None = None
        """None until it is asked for: most who open a store do not want them."""
        self._pending: dict[int, _Known] = {}
        self._last_id = 0

    def of(self, stream: int) -> dict[str, OpenRun]:
        """The open runs, by "sequence<TAB>request id"; the one that began first is the first."""
        return {key: run for key, (_, run) in self._known(stream).items()}

    def put(self, stream: int, runs: Mapping[str, OpenRun]) -> None:
        """Makes these the open runs of a stream. Call inside of a transaction, then `committed` or `undone`.

        A run that is the object that was stored last was not changed: none is changed once it was stored.
        """
        known = self._known(stream)
        now: _Known = {}
        changed: list[Document] = []
        for key, run in runs.items():
            before = known.get(key)
            if before is not None and before[1] is run:
                now[key] = before
                continue
            if before is not None and before[1].started == run.started:
                number = before[0]
            else:
                self._last_id = number = self._last_id + 1
            now[key] = number, run
            changed.append(Document(msgspec.to_builtins(_StoredRun(stream, key, run)), number))
        gone = sorted(number for key, (number, _) in known.items() if key not in now or now[key][0] != number)
        for first, last in _ranges(gone):
            self._table.remove_between(first, last)
        if changed:
            self._table.put(changed)
        self._pending[stream] = now

    def committed(self) -> None:
        """What was put is stored."""
        self._stored = {**(self._stored or {}), **self._pending}
        self._pending = {}

    def undone(self) -> None:
        """What was put was rolled back."""
        self._pending = {}

    def _known(self, stream: int) -> _Known:
        if self._stored is None:
            self._stored = {}
            for document in self._table.between(1, _LAST_ID):
                stored = msgspec.convert(document, _StoredRun)
                self._stored.setdefault(stored.stream, {})[stored.key] = document.doc_id, stored.run
                self._last_id = document.doc_id
        return self._pending.get(stream, self._stored.get(stream, {}))


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending numbers as ranges without gaps, both ends included."""
    first = last = 0
    for number in numbers:
        if number != last + 1:
            if last:
                yield first, last
            first = number
        last = number
    if last:
        yield first, last
