"""What happened to the watched programs, and to how they are judged. Tables `marks`, the newest ones, and
`versions`: the versions that each stream told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from tinydb.table import Document

from daemon.store import Store
from handlers.model import Mark

KEPT: Final = 1_000
PROGRAMS_KEPT: Final = 200
"""Streams and names of which versions are known: lines can hold any names."""
VERSIONS_KEPT: Final = 8
AT_ONCE_MS: Final = 60_000
"""Versions that are told in turns within this time run side by side: none of them replaces the other."""
_FRESH_MS: Final = 15_000
"""What a program tells all the time is not written with every commit."""


class _Program(msgspec.Struct):
    """What is known of one program."""

    stream: str
    name: str
    told_ms: dict[str, int] = {}
    """When each version was told last."""
    current: str = ""


class Marks:
    """Remembers marks in the order in which they were read."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("marks")
        self._programs = store.table("versions")

    def add(self, marks: Iterable[Mark]) -> None:
        """Of marks of versions only those that tell another one than before. Call inside of a transaction."""
        given = [*marks]
        new = [each for each in given if each.kind != "version"]
        new += self._versions([each for each in given if each.kind == "version"])
        new = sorted(new)[-KEPT:] if len(new) > KEPT else new
        if not new:
            return
        first_id = (self._table.last_id() or 0) + 1
        self._table.put(Document(msgspec.to_builtins(mark), first_id + at) for at, mark in enumerate(new))
        self._table.remove_between(1, first_id + len(new) - 1 - KEPT)

    def between(self, since_ms: int, until_ms: int) -> list[Mark]:
        """Those in [since, until), in order of time."""
        known = (msgspec.convert(document, Mark) for document in self._table.all())
        return sorted(mark for mark in known if since_ms <= mark.at_ms < until_ms)

    def _versions(self, told: list[Mark]) -> list[Mark]:
        """The marks at which a version replaces another, or is the first that is known."""
        if not told:
            return []
        stored = {document.doc_id: msgspec.convert(document, _Program) for document in self._programs.all()}
        numbers = {(each.stream, each.name): number for number, each in stored.items()}
        changed: dict[int, _Program] = {}
        found: list[Mark] = []
        for mark in told:
            key = mark.stream, mark.about
            number = numbers.get(key)
            if number is None:
                if len(numbers) >= PROGRAMS_KEPT:
                    continue
                number = numbers[key] = len(numbers) + 1
                stored[number] = _Program(*key)
            program = stored[number]
            last_ms = program.told_ms.get(mark.after)
            if mark.after != program.current and (last_ms is None or mark.at_ms - last_ms > AT_ONCE_MS):
                found.append(msgspec.structs.replace(mark, before=program.current))
                program.current = mark.after
                changed[number] = program
            if last_ms is None or mark.at_ms - last_ms > _FRESH_MS:
                program.told_ms[mark.after] = mark.at_ms
                changed[number] = program
            if len(program.told_ms) > VERSIONS_KEPT:
                program.told_ms.pop(min(program.told_ms, key=program.told_ms.__getitem__))
        self._programs.put(
            Document(msgspec.to_builtins(each), number) for number, each in sorted(changed.items())
        )
        return found
