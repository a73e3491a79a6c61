"""What happened to the watched programs themselves, such as a restart. Table `marks`, the newest ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from tinydb.table import Document

from daemon.store import Store
from handlers.model import Mark

KEPT: Final = 1_000


class Marks:
    """Remembers marks in the order in which they were read."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("marks")

    def add(self, marks: Iterable[Mark]) -> None:
        """Call inside of a transaction."""
        new = [*marks][-KEPT:]
        if not new:
            return
        first_id = (self._table.last_id() or 0) + 1
        self._table.put(Document(msgspec.to_builtins(mark), first_id + at) for at, mark in enumerate(new))
        self._table.remove_between(1, first_id + len(new) - 1 - KEPT)

    def between(self, since_ms: int, until_ms: int) -> list[Mark]:
        """Those in [since, until), in order of time."""
        known = (msgspec.convert(document, Mark) for document in self._table.all())
        return sorted(mark for mark in known if since_ms <= mark.at_ms < until_ms)
