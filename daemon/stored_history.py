"""The windows that the store holds, read piece by piece while the daemon goes on writing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec

from daemon.baseline_records import BaselineRecords
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.anomaly.baseline import Baseline, Learned, S
from handlers.model import TelemetryMetrics

K = TypeVar("K")

PIECE_WINDOWS: Final = 360


class HistoryPiece(msgspec.Struct, frozen=True):
    """Some windows in order of time, as of one commit."""

    metrics: TelemetryMetrics
    shown: Mapping[str, str]
    """As in `TelemetryHistory`."""
    lossy: tuple[tuple[int, int], ...]
    """Spans of event time that prove nothing."""
    told_by: Mapping[str, frozenset[str]] = {}
    """As in `TelemetryHistory`."""


class StoredHistory:
    """A reader of its own, from whichever thread calls; by one at a time. Every method raises StoreError."""

    def __init__(self, store: Path, window_ms: int) -> None:
        self._store = Store.open_reader(store)
        self._window_ms = window_ms

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()

    def span_ms(self) -> tuple[int, int]:
        """Event time from the first window to the end of the last that was judged; (0, 0) without any."""
        with self._store.snapshot():
            telemetry = TelemetryRecords(self._store, self._window_ms)
            first_ms, until_ms = telemetry.first_window_ms(), telemetry.totals().judged_until_ms
        return (first_ms, until_ms) if first_ms is not None and first_ms < until_ms else (0, 0)

    def pinned(self) -> Baseline:
        """What operators froze: no history changes it."""
        with self._store.snapshot():
            known = BaselineRecords(self._store, TelemetryRecords(self._store, self._window_ms)).load()
        return Baseline(0, _pinned(known.beats), _pinned(known.runs), _pinned(known.errors))

    def piece(self, first_ms: int, until_ms: int) -> HistoryPiece:
        """The first windows in [first_ms, until_ms); none if there are no more."""
        with self._store.snapshot():
            # Anew for each piece: subjects and groups of errors are added meanwhile.
            telemetry = TelemetryRecords(self._store, self._window_ms)
            return HistoryPiece(
                telemetry.windows(first_ms, until_ms, PIECE_WINDOWS),
                telemetry.templates.grouping.shown(),
                tuple(telemetry.lossy.marked()),
                telemetry.tellers.told_by(),
            )


def _pinned(learned: Mapping[K, Learned[S]]) -> dict[K, Learned[S]]:
    return {
        key: msgspec.structs.replace(each, recent=[], stands=False)
        for key, each in learned.items()
        if each.pinned
    }
