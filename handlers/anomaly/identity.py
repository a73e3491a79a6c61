"""The id of an anomaly and the severity words."""

from __future__ import annotations

import hashlib

from handlers.model import AnomalyType, Severity

_PREFIX: dict[AnomalyType, str] = {
    "performance": "perf",
    "behavioral": "behav",
    "coverage": "cover",
    "error": "error",
    "self": "self",
}


def anomaly_id(anomaly_type: AnomalyType, *about: str) -> str:
    """A short id that depends on the subject alone: the same trouble has the same id tomorrow."""
    digest = hashlib.sha256("\t".join((anomaly_type, *about)).encode()).hexdigest()
    return f"{_PREFIX[anomaly_type]}-{digest[:8]}"


def severity_of(share: float, reason: str) -> tuple[Severity, str]:
    """Severity of something that goes wrong in `share` (0..1) of the executions."""
    percent = f"{share:.0%} {reason}"
    if share >= 0.5:
        return "critical", f"{percent} (critical from 50%)"
    if share >= 0.2:
        return "high", f"{percent} (high from 20%)"
    if share >= 0.02:
        return "medium", f"{percent} (medium from 2%)"
    return "low", f"{percent} (low below 2%)"
