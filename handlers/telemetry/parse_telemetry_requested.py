"""Beat 1: a telemetry parsing run is asked for."""

from __future__ import annotations

from typing import Literal

import msgspec


class TelemetryRequested(msgspec.Struct, frozen=True):
    request_id: str
    status: Literal["started"] = "started"


def parse_telemetry_requested(request_id: str) -> TelemetryRequested:
    """Validates the request. Raises ValueError for an empty request id: reports would be anonymous."""
    if not request_id.strip():
        raise ValueError("a telemetry request needs a request id")
    return TelemetryRequested(request_id)
