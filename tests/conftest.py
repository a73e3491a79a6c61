"""What all tests share."""

import logging
from collections.abc import Iterator

import hypothesis
import pytest
from loguru import logger

from daemon import logs

# A time limit for one example fails on a busy machine, not on a defect.
hypothesis.settings.register_profile("selfheald", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("selfheald")


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
