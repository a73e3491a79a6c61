"""What the stage crew of the anomaly sequence needs from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from handlers.anomaly.baseline import Baseline
from handlers.anomaly.case_inputs import Given
from handlers.model import AnyAnomaly, TelemetryMetrics


class TelemetryHistory(msgspec.Struct, frozen=True):
    metrics: TelemetryMetrics
    """The closed windows that were not judged yet."""
    baseline: Baseline
    open_ids: frozenset[str] = frozenset()
    """Ids of the anomalies that are open."""
    observed_until_ms: int = 0
    """Up to when everything is read, while the logs are followed live; 0 if they are not."""
    shown: Mapping[str, str] = {}
    """The template that people are shown for a group of errors, by the name of the group if it is another."""
    told_by: Mapping[str, frozenset[str]] = {}
    """The fullest names of subjects, by the path of the log that tells of them."""


class HistoryPort(Protocol):
    """The store, to read."""

    async def load_telemetry(self, record_id: str) -> TelemetryHistory: ...


class AnomalyPort(Protocol):
    """The store, to write."""

    async def store_anomalies(
        self, anomalies: tuple[AnyAnomaly, ...], baseline: Baseline, given: Given
    ) -> str:
        """Stores the anomalies that stand now and what was learned, in one transaction.

        Anomalies that stood before and are not among them have ended. `given`: what they follow from. Returns
        the id of the record.
        """
        ...
