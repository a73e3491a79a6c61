"""Beat 2: load the windows that were not judged yet, and what is known of the normal."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from handlers.anomaly.baseline import Baseline
from handlers.anomaly.ports import HistoryPort
from handlers.model import TelemetryMetrics


class LoadedTelemetry(msgspec.Struct, frozen=True):
    metrics: TelemetryMetrics
    """What can be evidence: the windows in which no line was lost."""
    windows: int
    """How many windows were loaded, the lossy ones included."""
    until_ms: int
    """End of the last of them, or of those that were judged before if there are none."""
    baseline: Baseline
    shown: Mapping[str, str]
    """See `TelemetryHistory`."""
    open_ids: frozenset[str]
    """Ids of the anomalies that are open."""
    observed_until_ms: int
    """As in `TelemetryHistory`."""
    told_by: Mapping[str, frozenset[str]]
    """As in `TelemetryHistory`."""


async def load_telemetry_data(record_id: str, *, port: HistoryPort) -> LoadedTelemetry:
    """Loads what the telemetry record `record_id` and those before it left to be judged."""
    history = await port.load_telemetry(record_id)
    metrics, baseline = history.metrics, history.baseline
    ends_ms = [start_ms + metrics.window_ms for start_ms in metrics.windows]
    evidence = {start_ms: window for start_ms, window in metrics.windows.items() if not window.lossy}
    return LoadedTelemetry(
        metrics=TelemetryMetrics(metrics.window_ms, evidence),
        windows=len(metrics.windows),
        until_ms=max([baseline.judged_until_ms, *ends_ms]),
        baseline=baseline,
        shown=history.shown,
        open_ids=history.open_ids,
        observed_until_ms=history.observed_until_ms,
        told_by=history.told_by,
    )
