"""What all tests share."""

import logging
import os
from collections.abc import Iterator

import hypothesis
import pytest
from hypothesis import HealthCheck
from loguru import logger

from daemon import logs

MACHINE = {
    "COLUMNS",
    "FORCE_COLOR",
    "JOURNAL_STREAM",
    "LINES",
    "NO_COLOR",
    "NOTIFY_SOCKET",
    "STATE_DIRECTORY",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
}
IN_CI = "CI" in os.environ
hypothesis.settings.register_profile(
    "selfheald",
    # What checks a change tries the same examples each time, so that it fails by the change alone. What is
    # new is found by hand: every run without CI tries others, and so does `tests.benchmarks.fuzz`.
    derandomize=IN_CI,
    database=None if IN_CI else hypothesis.settings().database,
    print_blob=True,
    # A limit for the time of an example fails on a busy machine, not on a defect.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("selfheald")

# What a shell, a service manager or a proxy of the machine would tell the daemons of the tests.
for name in [*os.environ]:
    if name.lower().endswith("_proxy") or name in MACHINE:
        del os.environ[name]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _log_of_each_test() -> Iterator[None]:
    """What a test configures of the log, which is one for the process, ends with the test."""
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    root.handlers[:] = before
    logger.remove()
    logs._sinks.clear()
