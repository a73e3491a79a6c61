"""Errors in Python logs."""

import pytest

from handlers.formats.python import PythonLog
from tests.handlers.formats.lines import read
from tests.handlers.rows import TelemetryEvent

HEADER = "2026-11-22 10:00:01,123 ERROR app.cart: could not add"
TRACEBACK = """\
Traceback (most recent call last):
  File "/srv/app/cart.py", line 10, in add
    items[5]
KeyError: 5
"""


def errors(log: str) -> list[TelemetryEvent]:
    return read(PythonLog(), log.encode()).events


@pytest.mark.parametrize(
    ("header", "plugin", "handler"),
    [
        ("2026-11-22 10:00:01,123 ERROR app.cart: m", "", "app.cart"),
        ("2026-11-22 10:00:01,123 CRITICAL app.cart m", "", "app.cart"),
        ("2026-11-22T10:00:01+01:00 - app.cart - ERROR - m", "", "app.cart"),
        ("2026-11-22 10:00:01.123 | CRITICAL | app.cart:add:42 - m", "app.cart", "add"),
        ("2026-11-22 10:00:01.123 | ERROR    | __main__:<module>:1 - m", "__main__", "<module>"),
    ],
)
def test_a_record_names_its_handler(header: str, plugin: str, handler: str) -> None:
    (error,) = errors(header + "\n")
    assert (error.plugin, error.handler, error.error_message, error.failed) == (plugin, handler, "m", True)


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "SUCCESS"])
def test_other_levels_are_no_errors_even_with_a_traceback(level: str) -> None:
    assert errors(HEADER.replace("ERROR", level) + "\n" + TRACEBACK) == []


def test_type_message_and_frame_are_those_of_the_traceback() -> None:
    (error,) = errors(f"{HEADER}\n{TRACEBACK}")
    assert (error.error_type, error.error_message) == ("KeyError", "5")
    assert error.error_frame == 'File "/srv/app/cart.py", line 10, in add'


def test_of_chained_tracebacks_the_last_one_counts() -> None:
    between = "\nDuring handling of the above exception, another exception occurred:\n\n"
    second = TRACEBACK.replace("line 10", "line 12").replace("KeyError: 5", "app.CartError: no item")
    (error,) = errors(f"{HEADER}\n{TRACEBACK}{between}{second}")
    assert (error.error_type, error.error_message) == ("app.CartError", "no item")
    assert error.error_frame == 'File "/srv/app/cart.py", line 12, in add'


def test_the_frame_is_the_innermost_one_of_the_project() -> None:
    library = '  File "/usr/lib/python3.11/json/decoder.py", line 1, in decode\n    fail()\n'
    (error,) = errors(HEADER + "\n" + TRACEBACK.replace("KeyError", library + "KeyError"))
    assert error.error_frame == 'File "/srv/app/cart.py", line 10, in add'


def test_an_error_without_a_traceback_has_the_type_that_its_message_begins_with() -> None:
    (error,) = errors("2026-11-22 10:00:01,123 ERROR app.pay: TimeoutError: gateway\n")
    assert (error.error_type, error.error_message, error.error_frame) == ("TimeoutError", "gateway", "")


def test_a_traceback_without_its_last_line_leaves_the_message_of_the_record() -> None:
    (error,) = errors(f"{HEADER}\n" + TRACEBACK.replace("KeyError: 5\n", ""))
    assert (error.error_type, error.error_message) == ("Error", "could not add")


def test_a_traceback_that_goes_on_in_the_next_block_is_one_error() -> None:
    log = f"{HEADER}\n{TRACEBACK}{HEADER}\n".encode()
    for border in range(len(log)):
        if log[border - 1 : border] == b"\n":
            assert [event.error_type for event in read(PythonLog(), log, [border]).events] == [
                "KeyError",
                "Error",
            ]
