"""The case of an incident, for the commands that make its verdict again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from daemon.case_records import StoredCase
from daemon.cli.failure import CannotRunError
from daemon.cli.loading import load_for_store
from daemon.cli.reading import Records, find_anomaly, reading
from daemon.incident import Incident


class NoCaseError(Exception):
    """A verdict cannot be made again; the message says why."""


def load_case(anomaly_id: str, config: Path | None, store: str | None) -> StoredCase:
    """The case of the incident with this id, or beginning of one. Raises CannotRunError."""
    with reading(load_for_store(config, store).settings) as records:
        incident = find_anomaly(anomaly_id, records.anomalies.incidents())
        try:
            return case_of(incident, records)
        except NoCaseError as error:
            raise CannotRunError(f"{incident.anomaly.id}: {error}.") from error


def case_of(incident: Incident, records: Records) -> StoredCase:
    """The case with all its inputs. Raises NoCaseError."""
    try:
        stored = records.anomalies.find_case(incident.anomaly.id)
    except msgspec.ValidationError as error:
        raise NoCaseError(
            f"what led to it was stored by another version of selfheald, in another form ({error})"
        ) from error
    if stored is None:
        raise NoCaseError("what led to it is not in the store")
    if stored.case.cut:
        raise NoCaseError(f"what led to it is not kept: {stored.case.cut}")
    return stored
