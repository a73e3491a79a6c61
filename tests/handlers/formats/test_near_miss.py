"""Where a line stops being what its format understands; test_parse has more of the conductor and of JSON."""

import pytest

from config.settings import DeclaredFormat, Settings
from handlers.formats.near_miss import near_miss
from handlers.formats.registry import log_formats
from tests.handlers.formats.lines import read

CRON = (
    r"^(?P<timestamp>\w{3} [ \d]\d [\d:]{8}) \S+ (?P<handler>\w+)\[\d+\]: (?P<event>\S+)"
    r" (?:done in (?P<duration>[\d.]+)|failed: (?P<error>.*))"
)
FOUND = r"op=(?P<event>\w+) took (?P<duration>\d+)ms"
SETTINGS = Settings(formats={"cron": DeclaredFormat(pattern=CRON), "found": DeclaredFormat(pattern=FOUND)})
OTHER_LEVELS = "a level such as ERROR or [ERROR], in capitals, is expected"


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("cron", "Nov 22 00:00:00 host kernel: up", r'at column 28, "\[" is expected, not ": up"'),
        (
            "cron",
            "Nov 22 00:00:00 h job[1]: a done in fast",
            r'at column 37, "(?P<duration>[\d.]+)" is expected, not "fast"',
        ),
        (
            "cron",
            "Nov 22 00:00 h job[1]: a done in 3",
            r'at column 8, "[\d:]{8}" (in group timestamp) is expected, not "00:00',
        ),
        (
            "cron",
            "Nov 22 00:00:00 h j[1]: a done",
            'at column 31, " in " is expected, not the end of the line',
        ),
        ("cron", "words", ""),
        ("cron", "more words", ""),
        ("cron", "", ""),
        ("found", "x op=a took 5s", 'at column 14, "ms" is expected, not "s"'),
        ("found", "x op=a took long", r'at column 13, "(?P<duration>\d+)" is expected, not "long"'),
        ("found", "op=a", 'at column 5, " took " is expected, not the end of the line'),
        ("found", "took 5ms", ""),
        (
            "python",
            "2026-11-22 10:00:00,123 error app: x",
            f'at column 25, {OTHER_LEVELS}, not "error app: x"',
        ),
        ("python", "2026-11-22 10:00:00,123 [Error] app: x", "at column 25"),
        (
            "python",
            "2026-11-22 10:00 ERROR app: x",
            'at column 11, a time such as 14:30:45 is expected, not " 10:00',
        ),
        (
            "python",
            "2026-11-22 10:00:00.123 | ERROR | app - x",
            "almost: TIME | LEVEL | module:function:line - message",
        ),
        ("python", "2026-11-22 10:00:00 - app - ERROR: x", 'at column 34, " - " is expected, not ": x"'),
        (
            "python",
            "2026-11-22 10:00:00,123 INFO app: x",
            "a record of level INFO: only errors are telemetry",
        ),
        ("python", "2026-11-22 10:00:00.123 | INFO     | app:f:1 - x", "a record of level INFO: only errors"),
        ("python", "2026-11-22 10:00:00 - app - DEBUG - x", "a record of level DEBUG: only errors"),
        ("python", "words", ""),
        (
            "serilog",
            "[2025-11-09 14:30:45.123 -05:00] INF App: x",
            "at column 34, a level such as [INF] is expected",
        ),
        ("serilog", "[2025-11-09 14:30] [INF] App: x", "at column 12, a time such as 14:30:45 is expected"),
        (
            "serilog",
            "[2025-11-09 14:30:45 -5] [INF] App: x",
            "at column 21, a fraction or an offset such as -05:00",
        ),
        (
            "serilog",
            "[2025-11-09 14:30:45] [INF] App: 🎵 Beat one Started: A (a:b)",
            "at column 41, <number> is expected",
        ),
        ("serilog", "[2025-11-09 14:30:45] [INF] App: words", ""),
        ("serilog", "[words]", ""),
        ("logfmt", 'event="cart duration=5', "at column 1, the quotes of this value do not end"),
        ("logfmt", "ts=1 event = a duration=5", "at column 6, there must be no space beside the = of event"),
        ("logfmt", "level=info evt=a durationMs=5", "; to read durationMs, set jsonl.duration: durationMs"),
        ("logfmt", "ts=1 duration=5", "pairs without event and handler"),
        ("logfmt", "words", ""),
        (
            "jsonl",
            '{"event": "a", "duration_us": 5}',
            "; to read duration_us, set jsonl.duration: duration_us",
        ),
        ("jsonl", '{"event": "a"', "not JSON -- at column 14: "),
        ("otlp", '{"resourceSpans":[{"broken"', "not JSON -- at column 28: "),
        ("otlp", '{"resourceLogs":[]}', "without resourceSpans: no request of spans"),
        (
            "otlp",
            '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":1}]}]}]}',
            "`$.resourceSpans[0].scopeSpans[0].spans[0].name`",
        ),
        ("otlp", "words", ""),
    ],
)
def test_a_line_stops(name: str, line: str, expected: str) -> None:
    assert read(log_formats(SETTINGS)[name], f"{line}\n".encode()).matched == 0
    told = near_miss(name, line.encode(), SETTINGS)
    assert expected in told
    assert bool(expected) == bool(told)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Nov 22 00:00:00 host kernel: up", "as cron: almost: the pattern"),
        ("[2025-11-09 14:30] [INF] App: x", "as serilog: almost: "),
        ("2026-11-22 10:00:00,123 error app: x", "as python: almost: "),
        ('{"event": "a"}', "as jsonl: an object without"),
        ("a=b c=d", "as logfmt: pairs without"),
        ("🎵 Beat one Started: A (a:b)", "as musical-conductor: almost: "),
        ("words", ""),
    ],
)
def test_without_a_format_the_first_that_the_line_is_close_to_is_told(line: str, expected: str) -> None:
    told = near_miss("", line.encode(), SETTINGS)
    assert told.startswith(expected)
    assert bool(told) == bool(expected)


@pytest.mark.parametrize("name", [*log_formats(SETTINGS), ""])
def test_no_bytes_do_harm(name: str) -> None:
    for junk in (
        b"\xff\xfe",
        b"{" * 5000,
        b"=" * 1000,
        b"[" * 1000,
        b'a="' * 300,
        b"\0",
        b"(?P<",
        b"1" * 1000,
    ):
        near_miss(name, junk, SETTINGS)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?P<event>[\])(]+) x\)y(?:a|b)? \(z",
        r"(?i)(?P<event>a|bc|) d{2,3}e",
        r"[^]]+(?P<event>\w)$",
        "x" * 3000 + "(?P<event>x)",
    ],
)
def test_any_pattern_can_be_cut(pattern: str) -> None:
    settings = Settings(formats={"odd": DeclaredFormat(pattern=pattern)})
    for line in ("", "])( x)yc", "bc ddf", "]]]", "xxxx"):
        near_miss("odd", line.encode(), settings)
