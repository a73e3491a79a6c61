"""Beat 8: the anomalies that stand now, and what was learned, into the store."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from handlers.anomaly.baseline import Baseline
from handlers.anomaly.case_inputs import Given
from handlers.anomaly.ports import AnomalyPort
from handlers.model import AnyAnomaly


class StoredAnomalies(msgspec.Struct, frozen=True):
    stored: bool
    record_id: str


async def store_anomaly_results(
    all_anomalies: Sequence[AnyAnomaly], *, port: AnomalyPort, baseline: Baseline, given: Given
) -> StoredAnomalies:
    """Commits. What the port raises means that nothing was stored: the windows will be judged again."""
    record_id = await port.store_anomalies(tuple(all_anomalies), baseline, given)
    return StoredAnomalies(stored=True, record_id=record_id)
