"""The case of an incident, for the commands that make its verdict again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from config.load import LoadedSettings
from daemon.case_records import StoredCase
from daemon.cli.failure import CannotRunError
from daemon.cli.loading import load_for_store
from daemon.cli.reading import Records, find_anomaly, reading
from daemon.incident import Incident


def load_case(anomaly_id: str, config: Path | None, store: str | None) -> StoredCase:
    """The case of the incident with this id, or beginning of one. Raises CannotRunError."""
    loaded: LoadedSettings = load_for_store(config, store)
    with reading(loaded.settings) as records:
        incident = find_anomaly(anomaly_id, records.anomalies.incidents())
        return whole_case(incident, records)


def whole_case(incident: Incident, records: Records) -> StoredCase:
    """The case with its inputs. Raises CannotRunError, which says why there is none."""
    about = incident.anomaly.id
    try:
        stored = records.anomalies.find_case(about)
    except msgspec.ValidationError as error:
        raise CannotRunError(
            f"{about}: another version of selfheald stored what led to it ({error})."
        ) from error
    if stored is None:
        raise CannotRunError(f"{about}: what led to it is not in the store.")
    if stored.case.cut:
        raise CannotRunError(f"{about}: what led to it is not kept: {stored.case.cut}.")
    return stored
