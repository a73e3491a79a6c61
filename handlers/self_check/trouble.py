"""A trouble of selfheald itself, as an anomaly."""

from __future__ import annotations

from handlers.anomaly.identity import anomaly_id
from handlers.model import SelfAnomaly, Severity


def trouble(
    kind: str,
    part: str,
    severity: Severity,
    at_ms: int,
    *,
    description: str,
    cause: str,
    harm: str,
    advice: str,
    actual: float = 0.0,
    limit: float = 0.0,
    unit: str = "",
) -> SelfAnomaly:
    """`part` of the daemon, or of what it watches, has the trouble: one incident for each kind and part."""
    return SelfAnomaly(
        id=anomaly_id("self", kind, part),
        kind=kind,
        severity=severity,
        severity_reason="",
        sequence="",
        event="",
        plugin="",
        handler=part,
        description=description,
        actual=actual,
        expected=0.0,
        limit=limit,
        unit=unit,
        interval=(actual, actual),
        confidence=1.0,
        samples=1,
        baseline_samples=0,
        first_seen_ms=at_ms,
        last_seen_ms=at_ms,
        origins=(),
        cause=cause,
        harm=harm,
        advice=advice,
    )
