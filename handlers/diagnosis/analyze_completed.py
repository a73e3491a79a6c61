"""Beat 11 of the diagnosis: self-healing:diagnosis:analyze:completed."""

from __future__ import annotations

from typing import Literal

import msgspec


class AnalysisCompleted(msgspec.Struct, frozen=True):
    record_id: str
    status: Literal["completed"] = "completed"


def analyze_completed(record_id: str) -> AnalysisCompleted:
    """Tells that the diagnosis with this record is done."""
    return AnalysisCompleted(record_id)
