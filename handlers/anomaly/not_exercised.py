"""What a comparison says nothing of, because it did not run: no anomaly, for nobody may have played it."""

from __future__ import annotations

from typing import Final

from handlers.anomaly.activity import executions_by_unit
from handlers.anomaly.baseline import Baseline
from handlers.model import TelemetryMetrics

LEAST_EXPECTED: Final = 10
"""So many executions, by the usual mix, that none of them is no chance."""


def not_exercised(baseline: Baseline, current: TelemetryMetrics) -> tuple[str, ...]:
    """Sequences, or events without one, that ran often in the baseline and never in what is compared."""
    known: dict[str, int] = {}
    for (sequence, event), learned in baseline.beats.items():
        name = sequence or event
        known[name] = max(known.get(name, 0), learned.reference.completed)
    ran: dict[str, int] = {}
    for window in current.windows.values():
        # One unit a sequence, whether or not the logs tell its runs.
        for key, executions in executions_by_unit(window, {key[0] for key in window.beats if key[0]}).items():
            name = key.partition("\t")[0] or key.partition("\t")[2]
            ran[name] = ran.get(name, 0) + executions
    scale = sum(ran.values()) / max(1, sum(known.values()))
    return tuple(sorted(name for name in known.keys() - ran.keys() if known[name] * scale >= LEAST_EXPECTED))
