"""Beats 1 and 7: the request is checked, the record is named."""

import pytest

from handlers.telemetry.parse_telemetry_completed import TelemetryCompleted, parse_telemetry_completed
from handlers.telemetry.parse_telemetry_requested import TelemetryRequested, parse_telemetry_requested


def test_a_request_is_started_under_its_id() -> None:
    assert parse_telemetry_requested("r-1") == TelemetryRequested("r-1", "started")


@pytest.mark.parametrize("request_id", ["", " ", "\t\n"])
def test_a_request_without_an_id_is_refused(request_id: str) -> None:
    with pytest.raises(ValueError, match="request id"):
        parse_telemetry_requested(request_id)


def test_what_was_stored_is_completed_under_its_record() -> None:
    assert parse_telemetry_completed("record-1") == TelemetryCompleted("record-1", "completed")
