"""Beat 2 of the diagnosis: self-healing:diagnosis:load:anomalies."""

from __future__ import annotations

import msgspec

from handlers.diagnosis.ports import AnomalyPort
from handlers.model import AnyAnomaly


class LoadedAnomalies(msgspec.Struct, frozen=True):
    anomalies: tuple[AnyAnomaly, ...]


async def load_anomalies(record_id: str, *, port: AnomalyPort) -> LoadedAnomalies:
    """Loads the anomalies that one detection stored. Raises LookupError when there is no such record."""
    return LoadedAnomalies(await port.load_anomalies(record_id))
