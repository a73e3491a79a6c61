"""Beat 2 of the diagnosis: self-healing:diagnosis:load:anomalies."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from handlers.diagnosis.ports import AnomalyPort
from handlers.model import AnyAnomaly, Past


class LoadedAnomalies(msgspec.Struct, frozen=True):
    anomalies: tuple[AnyAnomaly, ...]
    pasts: Mapping[str, Past]
    """By id of the anomaly."""


async def load_anomalies(record_id: str, *, port: AnomalyPort) -> LoadedAnomalies:
    """Loads the anomalies that one detection stored, with what is remembered of the time around them.

    Raises LookupError when there is no such record.
    """
    anomalies = await port.load_anomalies(record_id)
    return LoadedAnomalies(anomalies, await port.load_pasts(anomalies))
