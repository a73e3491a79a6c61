"""TinyDB over SQLite rows: an operation touches the documents it is about, not the whole file.

TinyDB as it comes reads and writes all documents for each change. Its two extension points are replaced:
the storage, and the two methods through which a table reaches its documents
(https://tinydb.readthedocs.io/en/latest/extend.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, ItemsView, Iterable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec
from tinydb.storages import Storage
from tinydb.table import Document, Table

from .database import Database, DocumentError, StoreError

FIRST_ID: Final = -(2**63)
LAST_ID: Final = 2**63 - 1
PAGE_DOCUMENTS: Final = 500

_PAGE: Final = "SELECT id, doc FROM $table WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"
_PAGE_IDS: Final = _PAGE.replace("id, doc", "id", 1)

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(dict[str, Any])


class RowStorage(Storage):
    """Names the tables to TinyDB. The documents go through `RowTable`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def read(self) -> dict[str, dict[str, Any]]:
        names = self.database.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        return {name.decode(): {} for (name,) in names}

    def write(self, data: dict[str, dict[str, Any]]) -> NoReturn:
        raise StoreError(f"{self.database.path}: tables are dropped by a migration only.")


class Rows(MutableMapping[int, dict[str, Any]]):
    """One SQL table as TinyDB wants to see it: a mapping from id to document.

    Assignments and deletions are written at once. The document read last may be changed in place; it is
    written when the next one is read, or by `flush`."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._id: int | None = None
        self._stored = b""
        self._document: dict[str, Any] = {}

    def __getitem__(self, doc_id: int) -> dict[str, Any]:
        doc_id = int(doc_id)  # TinyDB looks up by str(id)
        if doc_id != self._id:
            self.flush()
            rows = self._select("SELECT doc FROM $table WHERE id = ?", doc_id)
            if not rows:
                raise KeyError(doc_id)
            self._document = self._decode(doc_id, rows[0][0])
            self._id, self._stored = doc_id, rows[0][0]
        return self._document

    def __setitem__(self, doc_id: int, document: dict[str, Any]) -> None:
        self.put([(doc_id, document)])

    def __delitem__(self, doc_id: int) -> None:
        self.flush()
        if not self._change("DELETE FROM $table WHERE id = ?", doc_id):
            raise KeyError(doc_id)

    def __contains__(self, doc_id: object) -> bool:
        return isinstance(doc_id, int) and bool(self._select("SELECT 1 FROM $table WHERE id = ?", doc_id))

    def __len__(self) -> int:
        rows = self._select("SELECT count(*) FROM $table")
        return int(rows[0][0]) if rows else 0

    def __iter__(self) -> Iterator[int]:
        return (doc_id for (doc_id,) in self._pages(_PAGE_IDS, FIRST_ID, LAST_ID))

    def items(self) -> ItemsView[int, dict[str, Any]]:
        return _RowItems(self)

    def clear(self) -> None:
        self.remove_between(FIRST_ID, LAST_ID)

    def put(self, documents: Iterable[tuple[int, dict[str, Any]]]) -> None:
        self.flush()
        self._create()
        sql = "INSERT INTO $table (id, doc) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc"
        encoded = [(doc_id, self._encode(doc_id, document)) for doc_id, document in documents]
        self._database.change_many(self._named(sql), encoded)

    def between(self, first_id: int, last_id: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Pages, so that a walk needs little memory and holds no cursor open while its reader works."""
        for doc_id, text in self._pages(_PAGE, first_id, last_id):
            yield doc_id, self._decode(doc_id, text)

    def remove_between(self, first_id: int, last_id: int) -> int:
        self.flush()
        return self._change("DELETE FROM $table WHERE id BETWEEN ? AND ?", first_id, last_id)

    def first_id(self) -> int | None:
        rows = self._select("SELECT min(id) FROM $table")
        return rows[0][0] if rows else None

    def last_id(self) -> int | None:
        rows = self._select("SELECT max(id) FROM $table")
        return rows[0][0] if rows else None

    def flush(self) -> None:
        if self._id is not None:
            text = self._encode(self._id, self._document)
            if text.encode() != self._stored:
                self._change("UPDATE $table SET doc = ? WHERE id = ?", text, self._id)
            self._id = None

    def _pages(self, sql: str, first_id: int, last_id: int) -> Iterator[tuple[Any, ...]]:
        while rows := self._select(sql, first_id, last_id, PAGE_DOCUMENTS):
            yield from rows
            if rows[-1][0] == last_id:
                return
            first_id = rows[-1][0] + 1

    def _select(self, sql: str, *parameters: int | str) -> list[tuple[Any, ...]]:
        if not self._database.has_table(self._name):
            return []
        return self._database.query(self._named(sql), *parameters)

    def _change(self, sql: str, *parameters: int | str) -> int:
        if not self._database.has_table(self._name):
            return 0
        return self._database.change(self._named(sql), *parameters)

    def _create(self) -> None:
        if not self._database.has_table(self._name):
            self._database.change(
                self._named("CREATE TABLE $table (id INTEGER PRIMARY KEY, doc TEXT NOT NULL)")
            )

    def _named(self, sql: str) -> str:
        return sql.replace("$table", f'"{self._name}"')

    def _encode(self, doc_id: int, document: dict[str, Any]) -> str:
        try:
            text = _ENCODER.encode(document).decode()
            if "null" in text:  # None, or NaN or infinity, which must not turn into None unseen
                json.dumps(msgspec.to_builtins(document), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise DocumentError(
                f"{self._name}, document {doc_id}: not JSON with finite numbers ({error})."
            ) from error
        return text

    def _decode(self, doc_id: int, text: bytes) -> dict[str, Any]:
        try:
            return _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            raise self._database.corruption(f"{self._name}, document {doc_id}: {error}") from error


class _RowItems(ItemsView[int, dict[str, Any]]):
    """The items by pages; the one of the base class asks for one document at a time."""

    _mapping: Rows

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return self._mapping.between(FIRST_ID, LAST_ID)


class RowTable(Table):
    """A TinyDB table whose cost grows with what an operation touches, not with what is stored.

    Operations by id or by range of ids are O(documents concerned), operations by query and `len` read the
    table. Ids are 64-bit integers. A document inserted without an id gets the highest id present + 1, so
    the id of a removed last document comes again: where ids are referred to, give them yourself."""

    def __init__(self, storage: RowStorage, name: str) -> None:
        if not re.fullmatch(r"(?!sqlite_)[a-z][a-z0-9_]*", name):
            raise ValueError(f"table name {name!r}: use a-z, 0-9 and _, a letter first, not sqlite_…")
        # The query cache of TinyDB would not see a rollback, nor another process.
        super().__init__(storage, name, cache_size=0)
        self._database = storage.database

    def create(self) -> None:
        """Makes the table if there is none yet: a store that gets full has no room for a new one."""
        if not self._database.has_table(self.name):
            self.put([])

    def put(self, documents: Iterable[Document]) -> None:
        """Stores whole documents under their ids. What was there is replaced; `upsert` would merge."""
        pairs = [(document.doc_id, document) for document in documents]
        self._update_table(lambda rows: rows.put(pairs))

    def between(self, first_id: int, last_id: int) -> Iterator[Document]:
        """Documents in order of their ids, both ends included. O(documents yielded)."""
        rows = self._read_table().between(first_id, last_id)
        return (Document(document, doc_id) for doc_id, document in rows)

    def remove_between(self, first_id: int, last_id: int) -> int:
        """Removes a range of ids, both ends included; the number of documents that were in it."""
        removed = 0

        def updater(rows: Rows) -> None:
            nonlocal removed
            removed = rows.remove_between(first_id, last_id)

        self._update_table(updater)
        return removed

    def last_id(self) -> int | None:
        """The highest id present, or None in an empty table. O(1)."""
        return self._read_table().last_id()

    def first_id(self) -> int | None:
        """The lowest id present, or None in an empty table. O(1)."""
        return self._read_table().first_id()

    if not TYPE_CHECKING:  # the overloads of the base class stay the declared types

        def get(self, cond=None, doc_id=None, doc_ids=None):
            """As in TinyDB; `doc_ids` reads these documents, where TinyDB reads the whole table."""
            if doc_id is not None or doc_ids is None:
                return super().get(cond, doc_id)
            rows = self._read_table()
            found = ((wanted, rows.get(wanted)) for wanted in dict.fromkeys(doc_ids))
            return [Document(document, wanted) for wanted, document in found if document is not None]

    def _get_next_id(self) -> int:
        last_id = self.last_id()
        return 1 if last_id is None else last_id + 1

    def _read_table(self) -> Rows:  # type: ignore[override]  # a mapping that reads on demand
        return Rows(self._database, self.name)

    def _update_table(self, updater: Callable[[Rows], None]) -> None:  # type: ignore[override]
        rows = Rows(self._database, self.name)
        with self._database.operation():
            updater(rows)
            rows.flush()
