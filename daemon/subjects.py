"""Numbers for what is counted, so that a window's document id carries both its time and its subject."""

from __future__ import annotations

from typing import Final, Literal

from tinydb.table import Document

from daemon.store import Store
from handlers.model import BeatKey, ErrorKey

SubjectKind = Literal["beat", "run", "error"]
Subject = tuple[SubjectKind, tuple[str, ...]]

SUBJECT_BITS: Final = 16
MAX_SUBJECTS: Final = (1 << SUBJECT_BITS) - 1
OVERFLOW: Final = "…"


class Subjects:
    """The numbering, kept in the table `subjects`. Call inside of a transaction."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("subjects")
        self._numbers: dict[Subject, int] = {}
        self._names: dict[int, Subject] = {}
        self.reload()

    def reload(self) -> None:
        """Forgets what a failed transaction added."""
        self._names = {
            document.doc_id: (document["kind"], tuple(document["key"])) for document in self._table.all()
        }
        self._numbers = {subject: number for number, subject in self._names.items()}

    def number(self, kind: SubjectKind, key: tuple[str, ...]) -> int:
        """The number of a subject, a new one if need be. When all are taken, one stands for all others."""
        subject = (kind, key)
        number = self._numbers.get(subject)
        if number is None:
            # The last three numbers are the overflow of the three kinds, so that none is taken for another.
            if len(self._numbers) >= MAX_SUBJECTS - 3 and key != self.overflow_key(kind):
                return self.number(kind, self.overflow_key(kind))
            number = len(self._numbers) + 1
            self._table.put([Document({"kind": kind, "key": list(key)}, number)])
            self._numbers[subject] = number
            self._names[number] = subject
        return number

    def known(self, kind: SubjectKind, key: tuple[str, ...]) -> int | None:
        """The number of a subject that has one."""
        return self._numbers.get((kind, key))

    def name(self, number: int) -> Subject:
        """The subject of a number. Raises KeyError for one that was never given."""
        return self._names[number]

    def errors(self) -> dict[int, ErrorKey]:
        """The keys of all groups of errors by number."""
        return {number: error_key(key) for number, (kind, key) in self._names.items() if kind == "error"}

    @staticmethod
    def overflow_key(kind: SubjectKind) -> tuple[str, ...]:
        """The key under which subjects beyond the limit are counted together."""
        return {"beat": (OVERFLOW,) * 2, "run": (OVERFLOW,), "error": (OVERFLOW,) * 5}[kind]


def beat_key(key: tuple[str, ...]) -> BeatKey:
    return key[0], key[1]


def error_key(key: tuple[str, ...]) -> ErrorKey:
    return key[0], key[1], key[2], key[3], key[4]
