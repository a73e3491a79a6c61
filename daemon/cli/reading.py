"""Reads the store for a command, while the daemon may be writing it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from config.settings import Settings
from daemon.anomaly_records import AnomalyRecords
from daemon.cli.failure import CannotRunError, store_failures_told
from daemon.incident import STATES, Incident
from daemon.recommendation import StoredRecommendation
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.model import SEVERITIES

T = TypeVar("T")


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


def gravest_first(anomalies: list[Incident]) -> list[Incident]:
    """What nobody knows of first, what is resolved last; then by severity, then the oldest first."""
    return sorted(
        anomalies,
        key=lambda each: (
            STATES.index(each.state),
            -SEVERITIES.index(each.anomaly.severity),
            each.first_seen_ms,
            each.anomaly.id,
        ),
    )


def find_anomaly(wanted: str, anomalies: Sequence[Incident]) -> Incident:
    """The one with this id, or the only one whose id begins so. Raises CannotRunError."""
    by_id = {stored.anomaly.id: stored for stored in anomalies}
    return _find(wanted, by_id, "anomaly", "selfheald anomalies --all lists them.")


def find_recommendation(wanted: str, stored: Sequence[StoredRecommendation]) -> StoredRecommendation:
    """The one with this id, or the only one whose id begins so. Raises CannotRunError."""
    by_id = {each.recommendation.id: each for each in stored}
    return _find(wanted, by_id, "recommendation", "selfheald recommendations --all lists them.")


def _find(wanted: str, by_id: Mapping[str, T], noun: str, listed: str) -> T:
    if wanted in by_id:
        return by_id[wanted]
    matches = sorted(known for known in by_id if wanted and known.startswith(wanted))
    if len(matches) == 1:
        return by_id[matches[0]]
    if matches:
        raise CannotRunError(f"{wanted}: begins the ids of {_some(matches)}; write one more character")
    close = difflib.get_close_matches(wanted, by_id, n=3, cutoff=0.5)
    hint = f"did you mean {_some(close)}?" if close else listed
    raise CannotRunError(f"{wanted}: there is no {noun} with this id; {hint}")


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
