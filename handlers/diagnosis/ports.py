"""What the diagnosis needs from outside: anomalies, their past, the codebase and a place for results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from handlers.model import AnyAnomaly, Codebase, FixRecommendation, Past


class AnomalyPort(Protocol):
    async def load_anomalies(self, record_id: str) -> tuple[AnyAnomaly, ...]:
        """The anomalies of one detection. Raises LookupError when there is no such record."""

    async def load_pasts(self, anomalies: tuple[AnyAnomaly, ...]) -> Mapping[str, Past]:
        """What is remembered of the time around them, by id; anomalies without a past may lack."""


class CodebasePort(Protocol):
    async def load_codebase(self) -> Codebase:
        """What is known of the watched project now; what cannot be read is told in `Codebase.problems`."""


class DiagnosisPort(Protocol):
    async def store_diagnosis(self, recommendations: tuple[FixRecommendation, ...]) -> str:
        """Keeps the recommendations, each with its diagnosis, and returns the id of the record."""
