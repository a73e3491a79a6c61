"""Formats that operators declare."""

import pytest

from config.settings import DeclaredFormat, Settings
from handlers.formats.declared import Declared
from handlers.formats.registry import detect_format, log_formats
from tests.handlers.formats.lines import Read, read

PATTERN = (
    r"^\[(?P<timestamp>[^\]]*)\] (?P<handler>\S+) (?P<event>\S+)"
    r"(?: (?P<duration>[\d.]+))?(?: E=(?P<error>.*))?$"
)
SHOP = DeclaredFormat(pattern=PATTERN, time_format="%d/%b/%Y:%H:%M:%S %z")


def extract(log: str, declared: DeclaredFormat = SHOP) -> Read:
    return read(Declared("shop", declared), log.encode())


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("[] P.f a", ["beat-started"]),
        ("[] P.f a 5", ["beat-completed"]),
        ("[] P.f a 5 E=T: m", ["error", "beat-completed"]),
        ("[] P.f a\r", ["beat-started"]),
        ("[] P.f", []),
    ],
)
def test_groups_mean_what_the_fields_of_json_lines_do(line: str, kinds: list[str]) -> None:
    extraction = extract(f"{line}\n")
    assert [event.kind for event in extraction.events] == kinds
    assert extraction.unreadable == (not kinds)


def test_the_duration_is_in_the_unit_that_is_declared() -> None:
    seconds = DeclaredFormat(pattern=PATTERN, duration_unit="s")
    assert extract("[] P.f a 5\n", seconds).events[0].duration_ms == 5000


@pytest.mark.parametrize(
    ("written", "time"),
    [("22/Nov/2026:11:00:00 +0100", "2026-11-22T11:00:00+01:00"), ("yesterday", "yesterday"), ("", None)],
)
def test_the_time_is_read_by_its_format(written: str, time: str | None) -> None:
    assert extract(f"[{written}] P.f a\n").events[0].time == time


def test_signs_outside_of_ascii_and_broken_bytes_do_not_hide_the_rest() -> None:
    events = read(Declared("shop", SHOP), "[] P.ü ä\n".encode() + b"[] P.f \xff\n").events
    assert [(event.handler, event.event) for event in events] == [("ü", "ä"), ("f", "\ufffd")]


def test_a_declared_format_is_tried_before_those_that_are_built_in() -> None:
    settings = Settings(
        formats={"shop": DeclaredFormat(pattern='"op":"(?P<event>[^"]+)","ms":(?P<duration>\\d+)')}
    )
    found = detect_format(b'{"op":"a","ms":5}\n', log_formats(settings), "auto")
    assert found is not None
    assert found.name == "shop"
