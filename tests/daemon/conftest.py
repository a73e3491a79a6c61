"""The real logs, for the tests that read them."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from tests.daemon.real_logs import DATA


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the logs, unpacked."""
    folder = tmp_path_factory.mktemp("conductor")
    for packed in (DATA / "conductor").glob("*.log.gz"):
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return folder


@pytest.fixture
def _day_after_the_logs() -> Iterator[None]:
    """Events of the future are left out."""
    with time_machine.travel("2026-11-23T12:00:00Z"):
        yield
