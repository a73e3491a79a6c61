"""Claims that something is wrong, each with what proves it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from handlers.model.events import Origin

Severity = Literal["low", "medium", "high", "critical"]
AnomalyType = Literal["performance", "behavioral", "coverage", "error", "self"]

SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")


class Member(msgspec.Struct, frozen=True):
    """One of the anomalies that have a cause in common and are told as one."""

    id: str
    type: AnomalyType
    sequence: str
    event: str
    name: str
    """"Plugin.handler", else the event, else the sequence."""
    figure: str
    """What is wrong with it, in short: "2.1 times"."""


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
    """Unit of actual, expected and limit: "ms", "executions/min", "runs/run", "errors/execution",
    "errors/minute", "tests", "s", "bytes"; "" where nothing is measured."""
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
    members: tuple[Member, ...] = ()
    """The anomalies that it stands for, the gravest first; none: itself alone."""


class PerformanceAnomaly(Anomaly, frozen=True, kw_only=True, tag="performance"):
    """`kind`: "slow" (median), "slow-tail", "drift" (median), "throughput" or "silent"."""

    ratio: float
    """`actual` over `expected`."""
    quantile: float = 0.5
    """The quantile of the durations that `actual` is; 0 for rates."""
    p95: float
    """95th percentile in ms; 0 for rates."""
    added_us_per_execution: int
    """On the average of all executions."""
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
    """Executions of the beat in the same span (of all beats where the errors belong to none); 0 where the log
    tells of none."""


class SelfAnomaly(Anomaly, frozen=True, kw_only=True, tag="self"):
    """Something is wrong with selfheald itself. Times are those of the clock, not of any log."""

    cause: str
    harm: str
    """What it does to the verdicts, in one sentence."""
    advice: str


AnyAnomaly = PerformanceAnomaly | BehavioralAnomaly | CoverageAnomaly | ErrorAnomaly | SelfAnomaly


def type_of(anomaly: AnyAnomaly) -> AnomalyType:
    match anomaly:
        case PerformanceAnomaly():
            return "performance"
        case BehavioralAnomaly():
            return "behavioral"
        case CoverageAnomaly():
            return "coverage"
        case ErrorAnomaly():
            return "error"
        case SelfAnomaly():
            return "self"
