"""Beat 7: all anomalies in one list, one a trouble."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from handlers.anomaly.identity import anomaly_id
from handlers.model import (
    SEVERITIES,
    AnyAnomaly,
    BehavioralAnomaly,
    CoverageAnomaly,
    ErrorAnomaly,
    PerformanceAnomaly,
)


class AggregatedAnomalies(msgspec.Struct, frozen=True):
    all_anomalies: tuple[AnyAnomaly, ...]
    """Gravest first, then in order of id."""
    total_count: int


def aggregate_anomaly_results(
    performance_anomalies: Sequence[PerformanceAnomaly],
    behavioral_anomalies: Sequence[BehavioralAnomaly],
    coverage_anomalies: Sequence[CoverageAnomaly],
    error_anomalies: Sequence[ErrorAnomaly],
) -> AggregatedAnomalies:
    """Joins the four kinds. A handler slow in several sequences is one anomaly that affects them all."""
    everything: list[AnyAnomaly] = [
        *_by_handler(performance_anomalies),
        *behavioral_anomalies,
        *coverage_anomalies,
        *error_anomalies,
    ]
    ordered = sorted(everything, key=lambda anomaly: (-SEVERITIES.index(anomaly.severity), anomaly.id))
    return AggregatedAnomalies(tuple(ordered), len(ordered))


def _by_handler(anomalies: Sequence[PerformanceAnomaly]) -> list[PerformanceAnomaly]:
    groups: dict[str, list[PerformanceAnomaly]] = {}
    for anomaly in anomalies:
        # Not the id of the worst one: which of them is the worst changes from one detection to the next.
        named = anomaly.plugin and anomaly.handler
        about = anomaly_id("performance", anomaly.plugin, anomaly.handler, anomaly.event)
        groups.setdefault(about if named else anomaly.id, []).append(anomaly)
    joined = []
    for about, group in groups.items():
        worst = max(group, key=lambda anomaly: (anomaly.ratio, anomaly.id))
        affected = tuple(sorted({sequence for anomaly in group for sequence in anomaly.affected}))
        joined.append(msgspec.structs.replace(worst, id=about, affected=affected))
    return joined
