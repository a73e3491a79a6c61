"""Beat 1: anomaly detection is asked for."""

from __future__ import annotations

from typing import Literal

import msgspec


class DetectionRequested(msgspec.Struct, frozen=True):
    request_id: str
    status: Literal["started"] = "started"


def detect_anomalies_requested(request_id: str) -> DetectionRequested:
    """Validates the request. Raises ValueError for an empty request id: reports would be anonymous."""
    if not request_id.strip():
        raise ValueError("an anomaly detection request needs a request id")
    return DetectionRequested(request_id)
