"""Figures as people read them: short, with their unit, rounded once."""

from __future__ import annotations

from datetime import UTC, datetime

from handlers.model import Mark, PerformanceAnomaly


def span(ms: float) -> str:
    """A duration in the unit that fits: 0.42 ms, 65.7 ms, 420 ms, 2.4 s, 3.1 min, 1.5 h."""
    for limit_ms, digits, unit_ms, unit in (
        (1, 2, 1, "ms"),
        (99.95, 1, 1, "ms"),
        (999.5, 0, 1, "ms"),
        (60_000, 1, 1_000, "s"),
        (3_600_000, 1, 60_000, "min"),
    ):
        if abs(ms) < limit_ms:
            return f"{ms / unit_ms:.{digits}f} {unit}"
    return f"{ms / 3_600_000:.1f} h"


def percent(share: float) -> str:
    """A share of 0..1. Never rounds "some" to 0 % nor "not all" to 100 %."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1:
        return "more than 99.9 %"
    return f"{share * 100:.1f}".removesuffix(".0") + " %"


def quantity(value: float, unit: str) -> str:
    """A value in the unit of an anomaly: "66.3 ms", "45.2 %", "1"."""
    if unit in {"ms", "s"}:
        return span(value if unit == "ms" else value * 1000)
    if unit == "bytes":
        return size(value)
    if unit in {"errors/minute", "executions/min"}:
        return f"{value:.3g} a minute"
    return f"{value:g}" if unit == "tests" else percent(value)


def size(number: float) -> str:
    """A number of bytes: 4.8 MB."""
    if number == 1:
        return "1 byte"
    for limit, unit_bytes, unit in ((1e3, 1, "bytes"), (1e6, 1e3, "kB"), (1e9, 1e6, "MB"), (1e12, 1e9, "GB")):
        if abs(number) < limit:
            return f"{number:.0f} {unit}" if unit_bytes == 1 else f"{number / unit_bytes:.1f} {unit}"
    return f"{number / 1e12:.1f} TB"


def count(number: int, noun: str) -> str:
    """count(1, "run") is "1 run", count(2400, "run") is "2,400 runs"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def utc(at_ms: int) -> str:
    """Event time in UTC to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def sentence(text: str) -> str:
    """The text as a sentence: capital first, one full stop at the end."""
    return f"{text[:1].upper()}{text[1:].rstrip('. ')}."


def quantile_name(anomaly: PerformanceAnomaly) -> str:
    """ "median", or "p95" and the like."""
    return "median" if anomaly.quantile == 0.5 else f"p{anomaly.quantile * 100:g}"


def happened(mark: Mark) -> str:
    """What a mark says, without its time: "version 2.3.1 of shop came (before: 2.3.0)"."""
    before = f" (before: {mark.before})" if mark.before else ""
    match mark.kind:
        case "restarted":
            return f"{mark.stream} restarted"
        case "version":
            of = f" of {mark.about or mark.stream}"
            return f"version {mark.after}{of} {'came' if mark.before else 'runs'}{before}"
        case "settings":
            return f"{mark.about} was set to {mark.after}{before}"
        case "definition":
            how = "changed" if mark.before and mark.after else "is new" if mark.after else "is gone"
            return f"the definition of {mark.about} {how}"
