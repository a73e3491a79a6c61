"""What led to each incident, so that its verdict can be made again. Table `cases` (ids as in `incidents`).

A case is stored with the anomaly that it led to, in one transaction: when the incident begins, comes back or
gets graver.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace
from tinydb.table import Document

from daemon import case_files
from daemon.program_version import program_version
from daemon.store import Store
from handlers.anomaly.case import Case, CaseBaseline
from handlers.model import Codebase

MAX_BYTES: Final = 1_048_576
"""A larger case is kept without its inputs."""


class StoredCase(msgspec.Struct, frozen=True):
    case: Case
    version: str
    """Of the selfheald whose verdict it is."""
    size_bytes: int
    """What it takes in the store."""


class CaseRecords:
    """Reads and writes cases. Write inside of a transaction."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("cases")

    def put(self, cases: Iterable[tuple[int, Case]]) -> None:
        """`cases`: with the ids of their incidents."""
        version = program_version()
        self._table.put(
            Document({"case": _bounded(case), "version": version}, doc_id) for doc_id, case in cases
        )

    def find(self, doc_id: int) -> StoredCase | None:
        """That of an incident. Raises msgspec.ValidationError for one that this version cannot read."""
        document = self._table.get(doc_id=doc_id)
        if document is None:
            return None
        size_bytes = len(msgspec.json.encode(document["case"]))
        return StoredCase(case_files.from_builtins(document["case"]), document["version"], size_bytes)

    def remove(self, doc_id: int) -> None:
        self._table.remove_between(doc_id, doc_id)


def _bounded(case: Case) -> dict[str, object]:
    fields = case_files.to_builtins(case)
    size = len(msgspec.json.encode(fields))
    if size <= MAX_BYTES:
        return fields
    why = f"its inputs take {size:,} bytes, of which at most {MAX_BYTES:,} are kept"
    bare = replace(
        case, windows=(), baseline=CaseBaseline(), codebase=Codebase(), shown={}, running=(), cut=why
    )
    return case_files.to_builtins(bare)
