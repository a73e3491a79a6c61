"""A verdict that differs when it is made again is told with what can be the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from daemon.case_files import read_case
from daemon.case_records import StoredCase
from daemon.program_version import program_version
from daemon.replay import replay_of

CASE = read_case(Path(__file__).parents[1] / "cases" / "slow-render")
OTHER = replace(CASE, anomaly=replace(CASE.anomaly, samples=7))


@pytest.mark.parametrize("version", ["", "0.0.1", program_version()])
def test_what_is_identical_needs_no_reason(version: str) -> None:
    found = replay_of(StoredCase(CASE, version, 100))
    assert (found.identical, found.differences, found.why) == (True, (), "")


def test_another_version_can_be_the_reason() -> None:
    found = replay_of(StoredCase(OTHER, "0.0.1", 100))
    assert [(each.field, each.stored) for each in found.differences] == [("samples", 7)]
    assert found.why.startswith("selfheald 0.0.1 judged it, this is ")


def test_of_the_same_version_its_code_or_the_store_is_another() -> None:
    found = replay_of(StoredCase(OTHER, program_version(), 100))
    assert found.why == "the code of selfheald is another than when it was judged, or the store was changed"
