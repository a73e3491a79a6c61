"""What is counted when a run ends, or is given up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from handlers.metrics import Stop, add_stop, add_variant
from handlers.model import OpenRun, RunStats, VariantStats
from handlers.sketch import bin_of

MAX_PATH_BEATS: Final = 500
"""A path is cut here: a run that loops without end must not fill the memory."""

_AT_END: Final = 10
"""Nobody can wait for the rest of the timeout where a log ends: this part of it must do."""

Ending = Literal["completed", "failed", "silent", "cut"]
"""`cut`: by a restart, or given up for room."""


def count_ended(stats: RunStats, run: OpenRun, ending: Ending) -> None:
    """Adds a run to the statistics of its sequence."""
    if ending == "failed":
        stats.failed += 1
    elif ending == "completed":
        stats.completed += 1
        duration_us = max(0, run.last_ms - run.started.at_ms) * 1000
        stats.total_us += duration_us
        index = bin_of(duration_us)
        stats.bins[index] = stats.bins.get(index, 0) + 1
        add_variant(stats, "\t".join(run.path), VariantStats(1, (run.started,), int(run.disturbed)))
    else:
        stats.unfinished += 1
        if ending == "silent" and not run.disturbed:
            add_stop(stats, str(_stop(run)), VariantStats(1, (run.started,)))


def endings_with_log(runs: Mapping[str, OpenRun], end_ms: int, timeout_ms: int) -> dict[str, Ending]:
    """The runs that are over where a log ends, by key.

    Of those that no line announced all are; the ones that fell silent for no longer than others of their
    sequence took may go on, and are marked as disturbed. Of the others, those that hang.
    """
    longest_ms: dict[str, int] = {}
    for run in runs.values():
        if not run.announced:
            took_ms = run.last_ms - run.started.at_ms
            longest_ms[run.sequence] = max(took_ms, longest_ms.get(run.sequence, 0))
    endings: dict[str, Ending] = {}
    for key, run in runs.items():
        silent_ms = end_ms - run.last_ms
        if not run.announced:
            run.disturbed |= silent_ms <= longest_ms[run.sequence]
            endings[key] = "completed"
        elif silent_ms * _AT_END > timeout_ms:
            endings[key] = "silent"
    return endings


def _stop(run: OpenRun) -> Stop:
    if run.open:
        return Stop(run.path.index(run.open[0]) + 1, run.open[0], is_inside=True)
    return Stop(len(run.path), run.path[-1] if run.path else "", is_inside=False)
