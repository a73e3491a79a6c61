"""Claims that something is wrong, each with what proves it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from handlers.model.events import Origin

Severity = Literal["low", "medium", "high", "critical"]
AnomalyType = Literal["performance", "behavioral", "coverage", "error"]

SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")


class Anomaly(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A claim that something is wrong, with what proves it.

    `id` depends on what it is about, never on time.
    """

    id: str
    kind: str
    severity: Severity
    severity_reason: str
    sequence: str
    event: str
    plugin: str
    handler: str
    description: str
    """One sentence for people."""
    actual: float
    expected: float
    limit: float
    unit: str
    """Unit of actual, expected and limit: "ms", "runs/run", "errors/execution", "tests"."""
    interval: tuple[float, float]
    """Confidence interval of `actual`."""
    confidence: float
    """0..1, the probability that this is no chance, as far as the samples carry it."""
    samples: int
    baseline_samples: int
    first_seen_ms: int
    last_seen_ms: int
    origins: tuple[Origin, ...]
    """Lines that prove it, first ones first."""
    affected: tuple[str, ...] = ()
    """Sequences that suffer from it."""


class PerformanceAnomaly(Anomaly, frozen=True, kw_only=True, tag="performance"):
    ratio: float
    """Median over expected median."""
    p95: float
    """95th percentile in ms."""
    added_us_per_execution: int
    expected_from: str
    """"settings", or "baseline"."""


class BehavioralAnomaly(Anomaly, frozen=True, kw_only=True, tag="behavioral"):
    declared: tuple[str, ...]
    """The events in order as declared or learned."""
    observed: tuple[str, ...]
    """The events of the most frequent deviating path."""
    beats: tuple[str, ...]
    """The events that are missing, extra, moved or repeated."""
    expected_from: str
    """"definition", or "baseline"."""


class CoverageAnomaly(Anomaly, frozen=True, kw_only=True, tag="coverage"):
    executions: int
    failures: int
    changed_ms: int = 0
    """When the last of the recent commits changed it; 0 for none."""
    evidence: str
    """Which reports and declarations were looked at."""


class ErrorAnomaly(Anomaly, frozen=True, kw_only=True, tag="error"):
    error_type: str
    template: str
    frame: str
    count: int
    executions: int
    """Executions of the beat in the same span."""


AnyAnomaly = PerformanceAnomaly | BehavioralAnomaly | CoverageAnomaly | ErrorAnomaly
