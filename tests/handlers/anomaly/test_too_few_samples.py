"""A comparison says of which durations it can say nothing."""

from __future__ import annotations

import pytest

from config.settings import Detect
from handlers.anomaly.too_few_samples import too_few_samples
from handlers.model import Window
from tests.handlers.anomaly.builders import BEAT, beat, durations, learned, metrics


@pytest.mark.parametrize(
    ("before", "now", "expected_ms", "few"),
    [
        pytest.param(10, 10, {}, False, id="as few as needed"),
        pytest.param(9, 60, {}, True, id="too few are known"),
        pytest.param(60, 9, {}, True, id="too few ran"),
        pytest.param(0, 60, {"cart:*": 20.0}, False, id="the operator's figure says what is normal"),
        pytest.param(60, 9, {"cart:*": 20.0}, True, id="too few ran to be held against a figure"),
    ],
)
def test_what_cannot_be_judged_is_named(
    before: int, now: int, expected_ms: dict[str, float], few: bool
) -> None:
    baseline = learned(Window(0, beats={BEAT: beat(durations(before, 20))} if before else {}))
    current = metrics(Window(0, beats={BEAT: beat(durations(now, 20))}))
    assert too_few_samples(baseline, current, Detect(), expected_ms) == ((BEAT,) if few else ())
