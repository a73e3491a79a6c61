"""Figures as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.diagnosis.wording import count, percent, sentence, span


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0.0, "0.00 ms"),
        (0.42, "0.42 ms"),
        (65.7, "65.7 ms"),
        (420.4, "420 ms"),
        (999.7, "1.0 s"),
        (2409, "2.4 s"),
        (186_000, "3.1 min"),
        (5_400_000, "1.5 h"),
    ],
)
def test_a_span_has_the_unit_that_fits(ms: float, text: str) -> None:
    assert span(ms) == text


@given(st.floats(min_value=1, max_value=1e9))
def test_a_span_is_within_six_percent_of_the_figure(ms: float) -> None:
    figure, unit = span(ms).split()
    assert float(figure) * {"ms": 1, "s": 1e3, "min": 6e4, "h": 3.6e6}[unit] == pytest.approx(ms, rel=0.06)


@given(st.floats(min_value=0, max_value=1))
def test_only_none_is_0_percent_and_only_all_is_100_percent(share: float) -> None:
    assert (percent(share) == "0 %") == (share == 0)
    assert (percent(share) == "100 %") == (share == 1)


def test_counts_have_separators_and_a_plural() -> None:
    assert (count(1, "run"), count(0, "run"), count(2400, "run")) == ("1 run", "0 runs", "2,400 runs")


def test_a_sentence_has_a_capital_and_one_full_stop() -> None:
    assert sentence("high: 34% fail.") == "High: 34% fail."
