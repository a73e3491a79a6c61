"""Whether what was done about an anomaly helped, by the figure that it was found by."""

from __future__ import annotations

from math import fsum

from handlers.diagnosis.wording import count, quantile_name, quantity, utc
from handlers.model import AnyAnomaly, CoverageAnomaly, PerformanceAnomaly, Point


def verified(anomaly: AnyAnomaly, since: tuple[Point, ...], since_ms: int, min_samples: int) -> str | None:
    """A sentence, or None where too little ran since, or it is still beyond the limit.

    `anomaly`: one that detection finds no more. `since`: its figure after `since_ms`.
    """
    if isinstance(anomaly, CoverageAnomaly):
        return f"verified: it is no gap any more since {utc(since_ms)}"
    samples = sum(each.samples for each in since)
    if samples < min_samples and anomaly.unit != "errors/minute":
        return None
    value = _together(since, anomaly.unit)
    beyond = value < anomaly.limit if anomaly.unit == "executions/min" else value > anomaly.limit
    if beyond:
        return None
    name = (
        quantile_name(anomaly)
        if isinstance(anomaly, PerformanceAnomaly) and anomaly.unit == "ms"
        else "it is"
    )
    noun = "run" if anomaly.unit == "runs/run" else "execution"
    of = "" if anomaly.unit == "errors/minute" else f" ({count(samples, noun)})"
    return f"verified: {name} back at {quantity(value, anomaly.unit)} since {utc(since_ms)}{of}"


def _together(points: tuple[Point, ...], unit: str) -> float:
    """The figure of all steps: the median of durations by samples, else the mean."""
    if not points:
        return 0.0
    if unit == "ms":
        half = sum(each.samples for each in points) / 2
        for point in sorted(points, key=lambda each: each.value):
            half -= point.samples
            if half <= 0:
                return point.value
    weights = [each.samples if unit in {"runs/run", "errors/execution"} else 1 for each in points]
    total = sum(weights)
    return (
        fsum(each.value * weight for each, weight in zip(points, weights, strict=True)) / total
        if total
        else 0.0
    )
