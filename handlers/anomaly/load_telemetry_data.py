"""Beat 2: load the windows that were not judged yet, and what is known of the normal."""

from __future__ import annotations

import msgspec

from handlers.anomaly.baseline import Baseline
from handlers.anomaly.ports import HistoryPort
from handlers.model import TelemetryMetrics


class LoadedTelemetry(msgspec.Struct, frozen=True):
    metrics: TelemetryMetrics
    baseline: Baseline


async def load_telemetry_data(record_id: str, *, port: HistoryPort) -> LoadedTelemetry:
    """Loads what the telemetry record `record_id` and those before it left to be judged."""
    history = await port.load_telemetry(record_id)
    return LoadedTelemetry(history.metrics, history.baseline)
