"""Figures as the pages show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from handlers.diagnosis.wording import count, quantity, size, span, utc
from handlers.model import SEVERITIES, Anomaly, SelfAnomaly, Severity


def why(anomaly: Anomaly) -> str:
    """The figures that decided, in a sentence."""
    unit = anomaly.unit
    if isinstance(anomaly, SelfAnomaly):
        return anomaly.cause
    actual = quantity(anomaly.actual, unit)
    if unit == "tests":
        return f"{actual} tests, expected at least {quantity(anomaly.expected, unit)}"
    low, high = (quantity(bound, unit) for bound in anomaly.interval)
    return (
        f"{actual} (between {low} and {high}), expected {quantity(anomaly.expected, unit)}, "
        f"limit {quantity(anomaly.limit, unit)}; {samples(anomaly)}"
    )


def samples(anomaly: Anomaly) -> str:
    """How many observations the verdict rests on."""
    noun = {"runs/run": "run", "errors/minute": "error"}.get(anomaly.unit, "execution")
    learned = f", {anomaly.baseline_samples:,} in the baseline" if anomaly.baseline_samples else ""
    return f"{count(anomaly.samples, noun)}{learned}"


def subject(anomaly: Anomaly) -> str:
    """What the anomaly is about: handler, event and sequence, as far as they are known."""
    handler = f"{anomaly.plugin}.{anomaly.handler}" if anomaly.plugin else anomaly.handler
    parts = (anomaly.handler and handler, anomaly.event, anomaly.sequence)
    return " · ".join(part for part in parts if part)


def unread(number: int, lag_s: float | None) -> str:
    """How much is not read, and how old it is: "4.8 MB, at most 3.1 s old"."""
    old = "of unknown age" if lag_s is None else f"at most {age(round(lag_s * 1000))} old"
    return f"{size(number)}, {old}"


def said_of_lossy(windows: int) -> str:
    """That windows were lost for every verdict."""
    return f"{count(windows, 'window')} with lost lines, which count for no verdict"


def understood(matched: int, unmatched: int) -> str:
    """How many lines are telemetry. That the others are not is how logs are, and no error."""
    return f"{count(matched, 'line')} understood, {count(unmatched, 'other line')} without telemetry"


def ago(at_ms: int, now_ms: int) -> str:
    """How long ago a moment was: "2.5 h ago"."""
    return "in the future" if at_ms > now_ms else f"{age(now_ms - at_ms)} ago"


def age(ms: int) -> str:
    """A duration of which days may be the unit."""
    return span(ms) if ms < 2 * 86_400_000 else f"{ms / 86_400_000:.0f} days"


def moment(at_ms: int | None) -> str:
    """An event time, or that there is none."""
    return utc(at_ms) if at_ms else "not yet"


def tally(severities: Iterable[Severity]) -> str:
    """ "2 critical, 1 medium", gravest first; "none"."""
    counted = Counter(severities)
    return ", ".join(f"{counted[each]} {each}" for each in reversed(SEVERITIES) if counted[each]) or "none"


def count_anomalies(number: int, kind: str = "") -> str:
    """count_anomalies(2, "open ") is "2 open anomalies"."""
    return f"{number:,} {kind}{'anomaly' if number == 1 else 'anomalies'}"
