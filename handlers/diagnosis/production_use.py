"""How production uses a handler: the paths that it is played in, and how it fails there."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from handlers.diagnosis.wording import count
from handlers.model import CoverageAnomaly, TelemetryMetrics

_SHOWN: Final = 3


class ProductionUse(msgspec.Struct, frozen=True):
    """The most frequent ones, with how often they were."""

    paths: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def production_use(anomaly: CoverageAnomaly, metrics: TelemetryMetrics) -> ProductionUse:
    """As far as the telemetry has it: of a sequence with very many paths, only the first few are kept."""
    paths: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for window in metrics.windows.values():
        if run := window.runs.get(anomaly.sequence):
            for path, variant in run.variants.items():
                if anomaly.event in path.split("\t"):
                    paths[path.replace("\t", " → ")] += variant.runs
        for (sequence, event, error_type, template, _), error in window.errors.items():
            if (sequence, event) == (anomaly.sequence, anomaly.event):
                failures[f"{error_type}: {template}" if error_type else template] += error.count
    return ProductionUse(
        tuple(f"{path} ({count(runs, 'run')})" for path, runs in _most(paths)),
        tuple(f"{failure} ({count(times, 'time')})" for failure, times in _most(failures)),
    )


def _most(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
