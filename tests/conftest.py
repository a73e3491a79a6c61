"""What all tests share."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck
from loguru import logger

from daemon import logs
from tests.examples import IN_CI, examples

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
hypothesis.settings.register_profile(
    "selfheald",
    max_examples=examples(100),
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


TOGETHER = (
    "tests/systemd/",
    "tests/scenario/test_changed_definition.py",
    "tests/scenario/test_diagnosis.py",
    "tests/scenario/test_queue.py",
    "tests/scenario/test_sample_faults.py",
    "tests/test_packaging.py",
)
"""Tests that go on where others ended, or share what took long to make: one process plays them in order."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hands out test by test, but those that stay together, and those first: they take longest."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # has no types
        def _split_scope(self, nodeid: str) -> str:
            return next((each for each in TOGETHER if nodeid.startswith(each)), nodeid)

    return Scheduling(config, log)


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
