"""Beat 7: the telemetry is parsed and stored."""

from __future__ import annotations

from typing import Literal

import msgspec


class TelemetryCompleted(msgspec.Struct, frozen=True):
    record_id: str
    status: Literal["completed"] = "completed"


def parse_telemetry_completed(record_id: str) -> TelemetryCompleted:
    """Tells that the telemetry is in the store under `record_id`."""
    return TelemetryCompleted(record_id)
