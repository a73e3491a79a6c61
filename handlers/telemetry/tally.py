"""Counts packed beats by window and subject."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from handlers.metrics import EXAMPLES
from handlers.model import ROW
from handlers.sketch import ZERO_BIN
from handlers.speedups import either

Group = tuple[int, int, int, int, dict[int, int], list[tuple[int, int, int]]]
"""Number of the window, index of the subject, beats, the sum of their durations in microseconds, those as a
sketch, and the slowest few as (microseconds, epoch ms, offset), slowest first."""


def _tally(
    rows: bytes | bytearray, subjects: int, window_ms: int, max_duration_ms: float, edges_us: Sequence[int]
) -> list[Group]:
    """Counts rows (`handlers.model.ROW`). A window that is left and entered again has groups for each time.

    A longer duration than `max_duration_ms` counts as none. Raises ValueError for a subject that is none.
    """
    counted: list[Group] = []
    for window, part in groupby(ROW.iter_unpack(rows), key=lambda row: row[1] // window_ms):
        groups: dict[int, list[tuple[int, int, float]]] = {}
        for offset, at_ms, duration_ms, subject in part:
            groups.setdefault(subject, []).append((offset, at_ms, duration_ms))
        for subject, beats in groups.items():
            if not 0 <= subject < subjects:
                raise ValueError("a row is about a subject that is none")
            timed = [
                (round(1000.0 * duration_ms), at_ms, offset)
                for offset, at_ms, duration_ms in beats
                if 0 <= duration_ms <= max_duration_ms
            ]
            bins: dict[int, int] = {}
            for duration_us in sorted(timing[0] for timing in timed):
                index = bisect_left(edges_us, duration_us) if duration_us else ZERO_BIN
                bins[index] = bins.get(index, 0) + 1
            slowest = sorted(timed, key=lambda timing: (-timing[0], *timing[1:]))[:EXAMPLES]
            total_us = sum(timing[0] for timing in timed)
            counted.append((window, subject, len(beats), total_us, bins, slowest))
    return counted


tally: Final = either(_tally, "tally")
