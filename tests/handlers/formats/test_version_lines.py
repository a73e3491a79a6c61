"""Programs tell their version in many ways, and lines tell many other versions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.formats.version_lines import versions_told
from handlers.model import ToldVersion


def told(*lines: str) -> list[tuple[str, str]]:
    text = "".join(f"{line}\n" for line in lines)
    return [(each.name, each.version) for each in versions_told(text.encode(), 0)]


@pytest.mark.parametrize(
    ("line", "name", "version"),
    [
        ("version 1.4.2", "", "1.4.2"),
        ("Version: v1.4.2", "", "1.4.2"),
        ("2026-11-22 10:00:00,123 INFO shop.main: Starting app v2.3.1 (build abc)", "", "2.3.1 (build abc)"),
        ("2026-11-22T10:00:00Z INFO Shop version: 1.4.2 (build 4f2)", "Shop", "1.4.2 (build 4f2)"),
        ("2026-11-22T10:00:00.123Z 🎼 Initializing Evolution v1.2.3", "Evolution", "1.2.3"),
        ("[INFO] Deployed release v1.2.3-rc.1", "", "1.2.3-rc.1"),
        ("upgraded from version 1.2 to version 1.3.0", "", "1.3.0"),
        ('ts=1 level=info msg="x" version=1.9.0 service=cart', "cart", "1.9.0"),
        ("INFO  Application started, version=2.4.0, commit=abc1234", "", "2.4.0"),
        ('{"event":"x","version":"1.4.2","service":"cart"}', "cart", "1.4.2"),
        ('{"service.version":"2.0.0-rc1","service.name":"pay"}', "pay", "2.0.0-rc1"),
        ('{"service":{"name":"cart","version":"1.4.3"},"http":{"version":"1.1"}}', "cart", "1.4.3"),
        ('{"appVersion":"v7.1"}', "", "7.1"),
        ('{"version":"7f3e9ab"}', "", "7f3e9ab"),
    ],
)
def test_a_line_tells_the_version_of_its_program(line: str, name: str, version: str) -> None:
    assert told(line) == [(name, version)]


@pytest.mark.parametrize(
    "line",
    [
        "GET /index HTTP version 1.1",
        "Connected to server version 8.0.33",
        "TLS version 1.3 negotiated for client",
        "New version 2.0 available",
        "worker started, api version 1.2.3",
        "Node version 18.2.0",
        "version 3 of the file was written",
        "the conversion 1.5.2 of the input",
        '{"http":{"version":"1.1"},"tls":{"version":"1.2"}}',
        '{"schema_version":"1.1","http.version":"2.0"}',
        '{"version":3}',
        '{"version":',
        'schema_version=1.1 msg="x"',
    ],
)
def test_the_version_of_something_else_is_none(line: str) -> None:
    assert told(line) == []


def test_a_version_is_told_where_it_changes_and_where_it_is_last() -> None:
    lines = [json.dumps({"n": at, "version": "1.0.0" if at < 30 else "1.1.0"}) for at in range(100)]
    data = "".join(f"{line}\n" for line in lines).encode()
    found = versions_told(data, 5)
    assert [each.version for each in found] == ["1.0.0", "1.1.0", "1.1.0"]
    assert [data[each.offset - 5 :].split(b",")[0] for each in found] == [
        b'{"n": 0',
        b'{"n": 30',
        b'{"n": 99',
    ]


def test_each_program_of_a_log_has_a_version_of_its_own() -> None:
    lines = [json.dumps({"service": f"s{at % 2}", "version": f"1.{at % 2}.0"}) for at in range(40)]
    assert set(told(*lines)) == {("s0", "1.0.0"), ("s1", "1.1.0")}


def test_names_without_end_are_not_all_taken() -> None:
    lines = [json.dumps({"service": f"s{at}", "version": "1.0.0"}) for at in range(5000)]
    assert len(told(*lines)) < 300


def test_a_line_has_its_own_time_if_it_is_one() -> None:
    lines = b"2026-11-22 10:00:00,123 INFO Starting app v2.3.1\nversion 2.3.2\n"
    number = b'{"timestamp": 1795348800.5, "version": "1.0.0"}\n'
    first = b'ts=1795348800.5 msg="Starting" version=1.0.0\n'
    assert [each.time for each in versions_told(number, 0)] == [1795348800.5]
    assert [each.time for each in versions_told(first, 0)] == [1795348800.5]
    assert versions_told(lines, 0) == [
        ToldVersion(0, "", "2.3.1", "2026-11-22 10:00:00,123"),
        ToldVersion(49, "", "2.3.2", None),
    ]


@given(st.binary(max_size=200), st.sampled_from([b"version ", b'{"version":"', b" v", b"version=", b""]))
def test_any_bytes_are_read(data: bytes, hint: bytes) -> None:
    for each in versions_told(data + hint + b"1.2.3" + data, 0):
        assert each.version


@pytest.mark.parametrize("piece", ["version 1.", "version=", " v1", '"service":{"name":"', "a/", "1.2-"])
def test_no_line_takes_quadratic_time(piece: str) -> None:
    """With unbounded patterns these lines of 1 MB take minutes."""
    long = piece.encode() * (1_000_000 // len(piece))
    versions_told(b"version 1.2 " + long + b"\n" + long + b" version 1.2.3\n", 0)
