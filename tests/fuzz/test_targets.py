"""Nothing that is read makes a command crash or hang; `tests.benchmarks.fuzz` tries the same for longer."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.targets import TARGETS

SLOW = {"judged log": 3, "store": 3}


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_in_it_what_is_promised_holds(name: str) -> None:
    target = TARGETS[name]

    @settings(max_examples=SLOW.get(name, 30), suppress_health_check=list(HealthCheck))
    @given(data=target.inputs())
    def check(data: bytes) -> None:
        with TemporaryDirectory() as folder:
            target.check(data, Path(folder))

    check()
