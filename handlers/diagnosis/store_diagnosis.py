"""Beat 10 of the diagnosis: self-healing:diagnosis:store:results."""

from __future__ import annotations

import msgspec

from handlers.diagnosis.ports import DiagnosisPort
from handlers.model import FixRecommendation


class StoredDiagnosis(msgspec.Struct, frozen=True):
    stored: bool
    record_id: str


async def store_diagnosis(
    recommendations: tuple[FixRecommendation, ...], *, port: DiagnosisPort
) -> StoredDiagnosis:
    """Stores the recommendations; none is a result too, so it is stored as well."""
    return StoredDiagnosis(stored=True, record_id=await port.store_diagnosis(recommendations))
