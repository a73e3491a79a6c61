"""Reads the store for a command, while the daemon may be writing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from config.settings import Settings
from daemon.anomaly_records import AnomalyRecords, StoredAnomaly
from daemon.cli.failure import store_failures_told
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.model import SEVERITIES


class Records(msgspec.Struct, frozen=True):
    """What the store holds, as of one commit."""

    store: Store
    telemetry: TelemetryRecords
    anomalies: AnomalyRecords


@contextmanager
def reading(settings: Settings) -> Iterator[Records]:
    """The records, inside of one snapshot. Raises CannotRunError, also for what goes wrong inside."""
    with store_failures_told(), Store.open_reader(settings.store.path) as store, store.snapshot():
        telemetry = TelemetryRecords(store, settings.ingest.window_s * 1000)
        yield Records(store, telemetry, AnomalyRecords(store, telemetry))


def gravest_first(anomalies: list[StoredAnomaly]) -> list[StoredAnomaly]:
    """Open before resolved, then by severity, then the oldest first."""
    return sorted(
        anomalies,
        key=lambda each: (
            each.state != "open",
            -SEVERITIES.index(each.anomaly.severity),
            each.first_seen_ms,
            each.anomaly.id,
        ),
    )
