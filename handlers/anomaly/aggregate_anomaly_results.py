"""Beat 7: all anomalies in one list, one a trouble."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from config.settings import Detect
from handlers.anomaly.baseline import Learned
from handlers.anomaly.group_anomalies import group_broken_off, group_errors, group_slow
from handlers.anomaly.identity import anomaly_id
from handlers.anomaly.reach import with_reach
from handlers.model import (
    SEVERITIES,
    AnyAnomaly,
    BeatKey,
    BeatStats,
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
    *,
    beats: Mapping[BeatKey, Learned[BeatStats]],
    open_ids: Collection[str],
    limits: Detect,
) -> AggregatedAnomalies:
    """Joins the four kinds, and what has one cause (see `group_anomalies`); decides how grave each is.

    A handler slow in several sequences is one anomaly that affects them all. `beats`: what is known of all
    that runs. `open_ids`: the anomalies that are open.
    """
    slow = group_slow(_by_handler(performance_anomalies), beats, open_ids)
    errors, behavior = group_broken_off(group_errors(error_anomalies, open_ids), behavioral_anomalies)
    joined: list[AnyAnomaly] = [*slow, *behavior, *coverage_anomalies, *errors]
    sequences = len({sequence for (sequence, _), learned in beats.items() if sequence and learned.recent})
    everything = [with_reach(anomaly, sequences, limits.severity_of) for anomaly in joined]
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
