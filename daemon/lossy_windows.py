"""The windows in which lines were lost. Table `losses`: one document for each stretch of them."""

from __future__ import annotations

from collections.abc import Iterable

from tinydb.table import Document

from daemon.store import Store

LOSSES = "losses"

Stretch = tuple[int, int]
"""Numbers of windows, [first, until)."""


class LossyWindows:
    """Marks windows and tells the marked ones. All times are event time in ms."""

    def __init__(self, store: Store, window_ms: int) -> None:
        self._table = store.table(LOSSES)
        self._window_ms = window_ms

    def mark(self, spans: Iterable[tuple[int, int]]) -> None:
        """Marks every window that shares time with one of the spans [from, until)."""
        new = [(from_ms // self._window_ms, -(-until_ms // self._window_ms)) for from_ms, until_ms in spans]
        if not new:
            return
        known = self._stretches()
        united = _united([*known, *new])
        for first, _ in set(known) - set(united):
            self._table.remove_between(first, first)
        self._table.put(Document({"until": until}, first) for first, until in set(united) - set(known))

    def marked(self) -> list[tuple[int, int]]:
        """The marked time, as spans in order that do not touch."""
        return [(first * self._window_ms, until * self._window_ms) for first, until in self._stretches()]

    def count(self) -> int:
        """How many windows are marked, those without an event included."""
        return sum(until - first for first, until in self._stretches())

    def forget(self, before_ms: int) -> None:
        """Deletes the marks of windows that begin before."""
        before = before_ms // self._window_ms
        for first, until in self._stretches():
            if first < before:
                self._table.remove_between(first, first)
                if until > before:
                    self._table.put([Document({"until": until}, before)])

    def truncate(self) -> None:
        self._table.truncate()

    def _stretches(self) -> list[Stretch]:
        return [(document.doc_id, document["until"]) for document in self._table.all()]


def overlap_ms(spans: Iterable[tuple[int, int]], from_ms: int, until_ms: int) -> int:
    """How much of [from, until) lies within the spans; time in several of them counts several times."""
    return sum(max(0, min(until_ms, end) - max(from_ms, start)) for start, end in spans)


def _united(stretches: Iterable[Stretch]) -> list[Stretch]:
    united: list[Stretch] = []
    for first, until in sorted(stretches):
        if united and first <= united[-1][1]:
            united[-1] = (united[-1][0], max(until, united[-1][1]))
        else:
            united.append((first, until))
    return united
