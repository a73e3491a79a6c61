"""Verdicts on durations and rates as anomalies: identity, severity and the sentence for people."""

from __future__ import annotations

from datetime import UTC, datetime

from config.settings import Detect
from handlers.anomaly.identity import anomaly_id, severity_of
from handlers.anomaly.latency import Slow
from handlers.anomaly.silence import Quiet
from handlers.anomaly.statistics import poisson_interval
from handlers.model import BeatKey, BeatStats, PerformanceAnomaly, Severity
from handlers.sketch import quantile_us, value_us


def slow_anomaly(key: BeatKey, slow: Slow, first_ms: int, last_ms: int, limits: Detect) -> PerformanceAnomaly:
    """`first_ms` to `last_ms`: the span of the windows on which the verdict fell."""
    sequence, event = key
    ratio = slow.actual_ms / slow.expected_ms
    executions = sum(slow.current.bins.values())
    beyond = sum(n for index, n in slow.current.bins.items() if value_us(index) > slow.limit_ms * 1000)
    share = beyond / executions
    severity, reason = _severity(slow, ratio, share)
    added_ms = (slow.actual_ms - slow.expected_ms) * (share if slow.kind == "slow-tail" else 1)
    return PerformanceAnomaly(
        id=anomaly_id("performance", sequence, event),
        kind=slow.kind,
        severity=severity,
        severity_reason=reason,
        sequence=sequence,
        event=event,
        plugin=slow.current.plugin,
        handler=slow.current.handler,
        description=_sentence(slow.current.handler or event, slow, ratio),
        actual=slow.actual_ms,
        expected=slow.expected_ms,
        limit=slow.limit_ms,
        unit="ms",
        interval=slow.interval_ms,
        confidence=limits.confidence,
        samples=executions,
        baseline_samples=slow.reference_samples,
        first_seen_ms=slow.since_ms or first_ms,
        last_seen_ms=last_ms,
        origins=tuple(origin for _, origin in slow.current.slowest),
        affected=(sequence,) if sequence else (),
        ratio=ratio,
        quantile=slow.quantile,
        p95=quantile_us(slow.current.bins, 0.95) / 1000,
        added_us_per_execution=round(added_ms * 1000),
        expected_from=slow.expected_from,
    )


def _sentence(name: str, slow: Slow, ratio: float) -> str:
    times = f"{ratio:.2f} times the expected {slow.expected_ms:.1f} ms; the limit is {slow.limit_ms:.1f} ms"
    if slow.kind == "slow-tail":
        median_ms = quantile_us(slow.current.bins, 0.5) / 1000
        return (
            f"{1 - slow.quantile:.0%} of the executions of {name} take {slow.actual_ms:.1f} ms or more "
            f"(p{slow.quantile * 100:g}), {times}; the median is {median_ms:.1f} ms"
        )
    if slow.kind == "drift":
        since = f"has got slower little by little since {_utc(slow.since_ms)}"
        return f"{name} {since}: {slow.actual_ms:.1f} ms (median), {times}"
    return f"{name} takes {slow.actual_ms:.1f} ms (median), {times}"


def _severity(slow: Slow, ratio: float, share: float) -> tuple[Severity, str]:
    if slow.kind == "slow-tail":
        return severity_of(share, f"of the executions take longer than {slow.limit_ms:.1f} ms")
    figure = f"{ratio:.2f} times the expected median, limit {slow.limit_ms / slow.expected_ms:.2f}"
    if ratio >= 5:
        return "critical", f"{figure} (critical from 5.00)"
    if ratio >= 3:
        return "high", f"{figure} (high from 3.00)"
    if ratio >= 2:
        return "medium", f"{figure} (medium from 2.00)"
    return "low", f"{figure} (low below 2.00)"


def quiet_anomaly(quiet: Quiet, handlers: dict[BeatKey, BeatStats], limits: Detect) -> PerformanceAnomaly:
    """`handlers`: statistics that name plug-in and handler of the beats."""
    keys = [tuple(unit.split("\t", 1)) for unit in quiet.units]
    sequence, event = keys[0] if len(keys) == 1 else ("", "")
    stats = handlers.get((sequence, event), BeatStats())
    low, high = poisson_interval(quiet.executions, limits.confidence)
    scale = quiet.expected / quiet.expected_executions if quiet.expected_executions else 0.0
    many = len(keys) != 1
    return PerformanceAnomaly(
        id=anomaly_id("performance", sequence, event),
        kind=quiet.kind,
        severity="critical" if many else "high" if quiet.kind == "silent" else "medium",
        severity_reason=f"{quiet.executions} of {quiet.expected_executions:.0f} expected executions",
        sequence=sequence,
        event=event,
        plugin=stats.plugin,
        handler=stats.handler,
        description=_rate_sentence(quiet, stats.handler or event or sequence),
        actual=quiet.actual,
        expected=quiet.expected,
        limit=quiet.expected * (1 - limits.rate_drop),
        unit="executions/min",
        interval=(low * scale, high * scale),
        confidence=limits.confidence,
        samples=quiet.executions,
        baseline_samples=quiet.learned_executions,
        first_seen_ms=quiet.since_ms,
        last_seen_ms=quiet.until_ms,
        origins=(),
        affected=tuple(sorted({key[0] for key in keys if key[0]})),
        ratio=quiet.actual / quiet.expected if quiet.expected else 0.0,
        quantile=0.0,
        p95=0.0,
        added_us_per_execution=0,
        expected_from="baseline",
    )


def _rate_sentence(quiet: Quiet, name: str) -> str:
    since = f"since {_utc(quiet.since_ms)}"
    expected = f"{quiet.expected:.3g} a minute are expected"
    if quiet.kind == "throughput" and not quiet.units:
        return (
            f"everything together runs {quiet.actual:.3g} times a minute {since}; {expected} ({quiet.reason})"
        )
    if quiet.kind == "throughput":
        return f"{name} runs {quiet.actual:.3g} times a minute {since}; {expected}, and others go on"
    if not quiet.units:
        return f"nothing has run {since}; {expected}"
    if len(quiet.units) > 1:
        return f"{len(quiet.units)} sequences or handlers stopped together {since}; {expected}"
    return f"{name} has not run {since}; {expected}, and others go on"


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
