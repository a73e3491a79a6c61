"""Beat 1 of the diagnosis: self-healing:diagnosis:analyze:requested."""

from __future__ import annotations

from typing import Literal

import msgspec


class AnalysisStarted(msgspec.Struct, frozen=True):
    request_id: str
    status: Literal["started"] = "started"


def analyze_requested(request_id: str) -> AnalysisStarted:
    """Accepts the request. Raises ValueError when it has no id, because its beats could not be told apart."""
    if not request_id.strip():
        raise ValueError("diagnosis request has no id: give each request one of its own")
    return AnalysisStarted(request_id)
