"""What was learned of the messages of errors, in the store. Table `templates`: one document, the book."""

from __future__ import annotations

from typing import Final

import msgspec
from tinydb.table import Document

from daemon.store import Store
from handlers.templates import Grouping, TemplateBook

_BOOK_ID: Final = 1


class TemplateRecords:
    """The groups of templates. Loaded when they are asked for first: most commands need none."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("templates")
        self._grouping: Grouping | None = None
        self._stored = 0
        """`Grouping.learned` when the book was stored last."""

    @property
    def grouping(self) -> Grouping:
        if self._grouping is None:
            document = self._table.get(doc_id=_BOOK_ID)
            self._grouping = Grouping(
                msgspec.convert(document, TemplateBook) if document is not None else None
            )
            self._stored = self._grouping.learned
        return self._grouping

    def put(self) -> None:
        """Stores what was learned since. Call inside of a transaction; `reload` if that fails."""
        if self.grouping.learned != self._stored:
            self._table.put([Document(msgspec.to_builtins(self.grouping.book()), _BOOK_ID)])
            self._stored = self.grouping.learned

    def reload(self) -> None:
        """Forgets what a failed transaction learned."""
        self._grouping = None
