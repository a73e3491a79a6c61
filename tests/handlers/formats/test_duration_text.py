"""Durations: the unit is declared, or the name of the field tells it, or the text itself."""

import pytest

from handlers.formats.duration_text import duration_of_text, ms_in_unit


@pytest.mark.parametrize(
    ("unit", "name", "expected"),
    [
        ("auto", "duration", 1),
        ("auto", "duration_s", 1000),
        ("auto", "elapsed_us", 1e-3),
        ("auto", "took.ns", 1e-6),
        ("auto", "latency-ms", 1),
        ("auto", "durationNs", 1e-6),
        ("auto", "elapsedSeconds", 1000),
        ("auto", "elapsed_milliseconds", 1),
        ("auto", "us", 1e-3),
        ("auto", "data.micros", 1e-3),
        ("auto", "status", 1),
        ("auto", "seconds_total", 1),
        ("auto", "", 1),
        ("ns", "duration_s", 1e-6),
        ("s", "ms", 1000),
    ],
)
def test_the_unit_is_the_declared_one_else_what_the_name_ends_in(
    unit: str, name: str, expected: float
) -> None:
    assert ms_in_unit(unit, name) == expected


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("12.5ms", 12.5),
        ("12.5 ms", 12.5),
        ("1.5s", 1500),
        ("320us", 0.32),
        ("320µs", 0.32),
        ("320μs", 0.32),
        ("17ns", 0.000017),
        ("1m2.5s", 62_500),
        ("1h0m0.25s", 3_600_250),
        ("5", None),
        ("soon", None),
        ("-5ms", None),
        ("5ms ago", None),
        ("1e400s", None),
        ("ms", None),
        ("", None),
    ],
)
def test_a_text_with_units_is_read_as_go_prints_it(text: str, expected_ms: float | None) -> None:
    assert duration_of_text(text) == (expected_ms and pytest.approx(expected_ms))


def test_no_text_takes_long() -> None:
    assert duration_of_text("1m" * 200_000 + "x") is None
    assert duration_of_text("1" * 200_000 + "s") is None
