"""What holds for every log format: the same bytes give the same events, and no bytes do harm."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from handlers.formats.base import Format
from handlers.formats.conductor import Conductor
from handlers.formats.jsonl import JsonLines
from handlers.formats.registry import detect_format, log_formats
from handlers.formats.scan import SCAN_BYTES, extract_block
from handlers.model import Block, ParserState
from tests.handlers.formats.lines import (
    JSON_LINES,
    MESSAGES,
    STAMP,
    comparable,
    conductor_lines,
    full_state,
    json_lines,
    line_borders,
    read,
)

FORMATS = log_formats(Settings(), whole_runs=False)
JUNK = ("9" * 5000, "9" * 400 + ".5", "1e400", "-1", ".", "1.2.3", "(", '"', "\\", "\0", "٣", "")
every_format = pytest.mark.parametrize("log_format", FORMATS.values(), ids=FORMATS)


def as_bytes(lines: list[str], end: str = "\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def assert_same_however_cut(log_format: Format, data: bytes, draw: st.DataObject) -> None:
    borders = draw.draw(st.lists(st.sampled_from(line_borders(data)), unique=True)) if data else []
    assert comparable(read(log_format, data, borders)) == comparable(read(log_format, data))


@given(conductor_lines(), st.sampled_from(["\n", "\r\n"]), st.data())
def test_a_conductor_log_gives_the_same_however_it_is_cut_at_line_ends(
    lines: list[str], end: str, draw: st.DataObject
) -> None:
    assert_same_however_cut(Conductor(whole_runs=False), as_bytes(lines, end), draw)


@given(json_lines(), st.sampled_from(["\n", "\r\n"]), st.data())
def test_json_lines_give_the_same_however_they_are_cut_at_line_ends(
    lines: list[str], end: str, draw: st.DataObject
) -> None:
    assert_same_however_cut(JsonLines(Settings().jsonl), as_bytes(lines, end), draw)


@every_format
@given(data=st.binary(max_size=400), lines=st.lists(st.sampled_from([*MESSAGES, *JSON_LINES])))
def test_any_bytes_between_lines_are_read_without_an_exception(
    log_format: Format, data: bytes, lines: list[str]
) -> None:
    mixed = as_bytes([STAMP + line for line in lines]) + data + b"\n" + as_bytes(lines) + data
    for state in (ParserState(), full_state()):
        extraction = read(log_format, mixed, state=state)
        assert extraction.lines == mixed.count(b"\n")
        assert extraction.matched <= mixed.count(b"\n") + 1
        assert all(0 <= event.offset < len(mixed) for event in extraction.events if event.kind != "error")
    log_format.recognizes(mixed)


@every_format
@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk[:8]))
def test_a_line_with_another_value_for_any_of_its_figures_is_read_without_an_exception(
    log_format: Format, junk: str
) -> None:
    for line in (*MESSAGES, *JSON_LINES):
        for figure in re.finditer(r"\d+(?:\.\d+)?", line):
            changed = line[: figure.start()] + junk + line[figure.end() :]
            read(log_format, f"{STAMP}{changed}\n{changed}\n".encode())


@every_format
def test_reading_a_block_leaves_the_state_that_it_was_given_as_it_was(log_format: Format) -> None:
    data = as_bytes(["    at g (b.js:2:2)", *(STAMP + line for line in MESSAGES), *MESSAGES, *JSON_LINES])
    for state in (ParserState(), full_state()):
        before = msgspec.json.encode(state)
        extract_block(log_format, Block(1, 0, len(data), data), state, True)
        assert msgspec.json.encode(state) == before


@every_format
def test_no_line_takes_quadratic_time(log_format: Format) -> None:
    """With unbounded patterns some of these lines of 1 MB take minutes."""
    for seed in (*MESSAGES, "a.", "1a", "0x", '{"a":', "[", "🎼 Initializing "):
        text = (STAMP + seed[:-1]) * (1_000_000 // len(STAMP + seed))
        read(log_format, f"{MESSAGES[15]} {text}\n{text}\n{STAMP}{text}\n".encode())


def test_a_block_of_any_size_is_read_to_its_end_and_cut_at_line_ends_only() -> None:
    line = (STAMP + MESSAGES[8] + "\n" + STAMP + MESSAGES[14] + "\n").encode()
    data = line * (3 * SCAN_BYTES // len(line))
    extraction = extract_block(
        Conductor(whole_runs=False), Block(1, 1000, 1000 + len(data), data), ParserState(), True
    )
    assert extraction.lines == data.count(b"\n")
    assert extraction.events.count == extraction.lines
    assert {data[offset - 1000 : offset - 998] for offset in extraction.events.offsets} == {b"Z "}


def test_a_line_longer_than_a_scan_is_read_whole() -> None:
    data = (
        f'{{"event":"a","duration":1,"note":"{"x" * SCAN_BYTES}"}}\n{{"event":"b","duration":2}}\n'.encode()
    )
    extraction = read(JsonLines(Settings().jsonl), data)
    assert [event.event for event in extraction.events] == ["a", "b"]
    assert extraction.unreadable == 0


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param(STAMP + MESSAGES[0], "musical-conductor", id="1.5 with timestamps"),
        pytest.param(MESSAGES[0], "musical-conductor", id="1.4 without timestamps"),
        pytest.param("  " + MESSAGES[7], "musical-conductor", id="a conductor log that begins in a run"),
        pytest.param(
            '{"theme":"dark"}\n' + MESSAGES[0], "musical-conductor", id="a conductor log after an object"
        ),
        pytest.param(JSON_LINES[0], "jsonl", id="JSON lines"),
        pytest.param("starting up\n" + JSON_LINES[0], "jsonl", id="JSON lines after plain text"),
        pytest.param("\ufeff" + JSON_LINES[0], "jsonl", id="JSON lines with a byte order mark"),
        pytest.param("", None, id="an empty file"),
        pytest.param("plain text\n[1, 2]\n17\n", None, id="something else"),
        pytest.param("2026-11-22T16:10:58.813Z 🎉 Party started\n", None, id="another log with emoji"),
    ],
)
def test_a_format_is_recognised_by(head: str, expected: str | None) -> None:
    found = detect_format(head.encode(), FORMATS, "auto")
    assert (found and found.name) == expected


@pytest.mark.parametrize("text", [MESSAGES[0], STAMP + MESSAGES[0], JSON_LINES[1], "words"])
def test_a_byte_order_mark_at_the_start_of_a_file_is_harmless(text: str) -> None:
    data, marked = (f"{mark}{text}\n".encode() for mark in ("", "\ufeff"))
    assert detect_format(marked, FORMATS, "auto") is detect_format(data, FORMATS, "auto")
    for log_format in FORMATS.values():
        plain, with_mark = read(log_format, data), read(log_format, marked)
        assert with_mark.matched == plain.matched
        assert with_mark.lines == 1
        assert with_mark.undecodable == 0
        assert [msgspec.structs.replace(event, offset=event.offset - 3) for event in with_mark.events] == (
            plain.events
        )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"words", 0, id="ASCII"),
        pytest.param("\u2713 \U0001f3bc".encode(), 0, id="UTF-8"),
        pytest.param(b"caf\xe9", 1, id="Latin-1"),
        pytest.param("\U0001f3bc".encode()[:3], 1, id="half a character"),
        pytest.param(b"a\0b", 1, id="a NUL byte"),
        pytest.param(b"\xed\xa0\x80", 1, id="a surrogate"),
    ],
)
@every_format
def test_lines_that_are_no_text_are_counted(log_format: Format, line: bytes, expected: int) -> None:
    data = b"words\n" + line + b"\n" + line + b"\nwords\n"
    assert read(log_format, data).undecodable == 2 * expected
    assert read(log_format, data, line_borders(data)).undecodable == 2 * expected


@pytest.mark.parametrize(
    ("name", "lines", "expected"),
    [
        pytest.param("jsonl", [JSON_LINES[1], '{"level":"info"}', "{", ""], 1, id="an object that tells"),
        pytest.param("logfmt", ["event=a duration=5", "level=info msg=hi", "words"], 1, id="pairs that do"),
        pytest.param("otlp", ['{"resourceSpans":[]}', "{}", "words"], 1, id="a request"),
        pytest.param(
            "python",
            [
                "2026-11-22 10:00:00,123 INFO app: started",
                "2026-11-22 10:00:00,123 ERROR app: failed",
                "Traceback (most recent call last):",
                '  File "a.py", line 1, in f',
                "ValueError: 5",
                "2026-11-22 10:00:00,123 INFO app: goes on",
            ],
            4,
            id="an error with its traceback",
        ),
        pytest.param(
            "serilog",
            [
                f"[2025-11-09 14:30:45.123 -05:00] [INF] App: {MESSAGES[7]}",
                "[2025-11-09 14:30:45.123 -05:00] [INF] App: words",
                MESSAGES[7],
            ],
            1,
            id="a message behind a header",
        ),
    ],
)
def test_lines_that_are_understood_are_counted(name: str, lines: list[str], expected: int) -> None:
    data = as_bytes(lines)
    assert read(FORMATS[name], data).matched == expected
    assert read(FORMATS[name], data, line_borders(data)).matched == expected


def test_a_format_that_the_operator_names_is_taken_without_a_look() -> None:
    assert detect_format(b"", FORMATS, "jsonl") is FORMATS["jsonl"]


def test_formats_go_by_their_own_names() -> None:
    names = ["musical-conductor", "serilog", "otlp", "python", "jsonl", "logfmt"]
    assert list(FORMATS) == names
    assert [log_format.name for log_format in FORMATS.values()] == names
