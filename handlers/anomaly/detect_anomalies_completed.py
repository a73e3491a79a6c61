"""Beat 9: the anomalies are detected and stored."""

from __future__ import annotations

from typing import Literal

import msgspec


class DetectionCompleted(msgspec.Struct, frozen=True):
    record_id: str
    status: Literal["completed"] = "completed"


def detect_anomalies_completed(record_id: str) -> DetectionCompleted:
    """Tells that the anomalies are in the store under `record_id`."""
    return DetectionCompleted(record_id)
