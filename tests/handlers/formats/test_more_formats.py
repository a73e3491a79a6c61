"""Any mixture of the lines of a format gives the same however it is cut, and no bytes do harm."""

import json
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import DeclaredFormat, Settings
from handlers.formats.base import Format
from handlers.formats.declared import Declared
from handlers.formats.registry import log_formats
from handlers.model import ParserState
from tests.handlers.formats.lines import MESSAGES, comparable, full_state, line_borders, read

LOGFMT: Final = (
    "ts=2026-11-22T10:00:00Z kind=sequence-started sequence=s requestId=r",
    "ts=2026-11-22T10:00:01Z event=a handler=P.a sequence=s beat=1 requestId=r",
    "ts=2026-11-22T10:00:02Z event=a handler=P.a requestId=r duration=5",
    'ts=2026-11-22T10:00:03Z event=a requestId=r error="KeyError: \\"5\\" \\q"',
    'event="open duration=5',
    "level=info msg=hi",
)
PYTHON: Final = (
    "2026-11-22 10:00:00,123 INFO app.cart: fine",
    "2026-11-22 10:00:01,123 ERROR app.cart: could not add",
    "2026-11-22 10:00:02,123 - app.pay - CRITICAL - TimeoutError: gateway",
    "2026-11-22 10:00:03.123 | ERROR    | app.cart:add:42 - caught",
    "Traceback (most recent call last):",
    '  File "/srv/app/cart.py", line 10, in add',
    "    items[5]",
    "KeyError: 5",
    "During handling of the above exception, another exception occurred:",
    "",
)
SERILOG: Final = tuple(
    f"[2025-11-09 14:30:45.1{n:02} -05:00] [INF] App: {text}" for n, text in enumerate(MESSAGES)
)
START_NS: Final = 1_795_363_200_000_000_000


def span(
    trace: str, parent: str | None, name: str, start_ms: int, end_ms: int, **more: Any
) -> dict[str, Any]:
    return {
        "traceId": trace,
        "parentSpanId": parent,
        "name": name,
        "startTimeUnixNano": str(START_NS + start_ms * 1_000_000),
        "endTimeUnixNano": str(START_NS + end_ms * 1_000_000),
        **more,
    }


def request(*spans: dict[str, Any], service: str = "shop") -> str:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]})


OTLP: Final = (
    request(span("t1", "p", "child", 10, 20)),
    request(span("t1", "", "root", 0, 30)),
    request(
        span("t2", "p", "child", 10, 20, status={"code": 2, "message": "E: m"}),
        span("t2", None, "root", 0, 30),
    ),
    request(span("t3", "p", "orphan", 0, 5)),
    request(span("t4", "", "later", 70_000, 70_001)),
    request(span("", "", "no trace", 0, 1)),
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x","traceId":"t5","startTimeUnixNano":[]}]}]}]}',
    '{"resourceSpans":7}',
)
DECLARED: Final = ("a took 5", "a failed: E: m", "a", "- -")
SHOP: Final = DeclaredFormat(
    pattern=r"^(?P<event>\w+)(?: took (?P<duration>\S+))?(?: failed: (?P<error>.*))?$"
)

FORMATS: Final[dict[str, Format]] = {**log_formats(Settings()), "shop": Declared("shop", SHOP)}
LINES: Final = {"logfmt": LOGFMT, "python": PYTHON, "serilog": SERILOG, "otlp": OTLP, "shop": DECLARED}
OTHER: Final = ("    at f (a.js:1:1)", "words", "{", "")
every_format = pytest.mark.parametrize("name", LINES)


@every_format
@given(draw=st.data())
def test_a_log_gives_the_same_however_it_is_cut_at_line_ends(name: str, draw: st.DataObject) -> None:
    lines = draw.draw(st.lists(st.sampled_from([*LINES[name], *LINES[name], *OTHER]), max_size=25))
    end = draw.draw(st.sampled_from(["\n", "\r\n"]))
    data = "".join(line + end for line in lines).encode()
    borders = draw.draw(st.lists(st.sampled_from(line_borders(data)), unique=True)) if data else []
    assert comparable(read(FORMATS[name], data, borders)) == comparable(read(FORMATS[name], data))


@every_format
@given(junk=st.binary(max_size=300), draw=st.data())
def test_any_bytes_are_read_without_an_exception(name: str, junk: bytes, draw: st.DataObject) -> None:
    line = draw.draw(st.sampled_from(LINES[name])).encode()
    cut = draw.draw(st.integers(0, len(line)))
    data = line + b"\n" + line[:cut] + junk + line[cut:] + b"\n" + junk
    for state in (ParserState(), full_state()):
        before = msgspec.json.encode(state)
        extraction = read(FORMATS[name], data, line_borders(data), state=state)
        assert extraction.lines >= data.count(b"\n")
        assert msgspec.json.encode(state) == before
    FORMATS[name].recognizes(data)


@every_format
def test_no_line_takes_quadratic_time(name: str) -> None:
    """With unbounded patterns some of these lines of 1 MB take minutes."""
    for seed in (*LINES[name], 'a="', "a", "a=", "\\", '="\\"', "[2025-11-09 14:30:45 "):
        text = seed * (1_000_000 // max(len(seed), 1))
        read(FORMATS[name], f"{LINES[name][0]} {text}\n{text}\n".encode())


@every_format
def test_the_lines_of_a_format_are_recognised_by_no_other(name: str) -> None:
    head = "\n".join(LINES[name]).encode()
    found = [other for other, log_format in FORMATS.items() if log_format.recognizes(head)]
    # Any line of JSON may be one of JSON lines, and the pattern of this test's operator takes single words.
    assert [other for other in found if other not in {"jsonl", "shop"} or other == name] == [name]
