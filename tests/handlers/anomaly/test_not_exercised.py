"""A comparison says what it did not see, and does not call it an anomaly."""

from __future__ import annotations

import pytest

from handlers.anomaly.baseline import baseline_of
from handlers.anomaly.not_exercised import not_exercised
from handlers.model import BeatKey, BeatStats, Window
from tests.handlers.anomaly.builders import metrics

CART, WISH = ("cart", "cart:add"), ("wish", "wish:add")
LONE = ("", "tick")


@pytest.mark.parametrize(
    ("before", "now", "named"),
    [
        pytest.param({CART: 50, WISH: 50}, {CART: 50}, ("wish",), id="ran often, and now never"),
        pytest.param({CART: 50, WISH: 50}, {CART: 50, WISH: 1}, (), id="ran once"),
        pytest.param({CART: 50, WISH: 5}, {CART: 50}, (), id="was rare"),
        pytest.param({CART: 500, WISH: 500}, {CART: 4}, (), id="hardly anything ran, so it says nothing"),
        pytest.param({CART: 50, LONE: 50}, {CART: 50}, ("tick",), id="an event without a sequence"),
        pytest.param({CART: 50}, {CART: 50, WISH: 50}, (), id="new ones are no matter"),
    ],
)
def test_what_was_not_run_is_named(
    before: dict[BeatKey, int], now: dict[BeatKey, int], named: tuple[str, ...]
) -> None:
    def of(counts: dict[BeatKey, int]) -> Window:
        return Window(0, beats={key: BeatStats(completed=count) for key, count in counts.items()})

    assert not_exercised(baseline_of(metrics(of(before))), metrics(of(now))) == named
