"""Files that are nearly right: parts of real ones, with bytes cut out, put in, repeated and exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

MAX_LINES: Final = 60
ODD: Final = (
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", "\u2028".encode(), b"\x1b[2J", b"\r", b"\n", b"\t"),
    *(b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b"<", b">", b"&", b":", b"=", b",", b"- ", b"#", b"%", b"$"),
    *(b"-1", b"0", b"9" * 30, b"1e400", b"NaN", b"1.5", b"null", b"true", b"\\u0000", b"\\ud800"),
    *("٣".encode(), "🎵".encode(), b"a" * 5000, b"[" * 3000, b'{"a":' * 2000),
    *(b"1970-01-01T00:00:00Z", b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:60Z", b"2026-02-30T25:61:61Z"),
)


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes], *, whole: bool = False) -> bytes:
    """`whole`: begins with a whole seed, not with some of its lines."""
    data = draw(st.sampled_from(seeds))
    if not whole:
        lines = data.splitlines(keepends=True)
        first = draw(st.integers(0, max(0, len(lines) - 1)))
        data = b"".join(lines[first : first + draw(st.integers(1, MAX_LINES))])
    for _ in range(draw(st.integers(0, 8))):
        data = _changed(draw, data, seeds)
    return data


def _changed(draw: st.DrawFn, data: bytes, seeds: Sequence[bytes]) -> bytes:
    start = draw(st.integers(0, len(data)))
    end = min(len(data), start + draw(st.integers(0, 200)))
    match draw(st.sampled_from(("odd", "bytes", "cut", "repeat", "flip", "splice", "truncate"))):
        case "odd":
            middle = draw(st.sampled_from(ODD))
        case "bytes":
            middle = draw(st.binary(max_size=20))
        case "cut":
            middle = b""
        case "repeat":
            middle = data[start:end] * draw(st.integers(2, 5))
        case "flip":
            middle = bytes([byte ^ draw(st.integers(1, 255)) for byte in data[start : start + 1]])
            end = start + len(middle)
        case "splice":
            other = draw(st.sampled_from(seeds))
            at = draw(st.integers(0, len(other)))
            middle = other[at : at + draw(st.integers(0, 400))]
        case _:
            return data[:start]
    return data[:start] + middle + data[end:]
