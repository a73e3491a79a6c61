"""What is built from C does to the byte what its twin in Python does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import sketch as sketch_module
from handlers.formats import encoding, version_lines
from handlers.speedups import either

pytest.importorskip("handlers._speedups", reason="installed without a C compiler")
from handlers import _speedups  # type: ignore[attr-defined]

NEARLY_TEXT = st.lists(
    st.one_of(
        st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.binary(max_size=5),
        st.sampled_from([b"\n", b"\0", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"]),
    ),
    max_size=20,
).map(b"".join)


@given(data=NEARLY_TEXT)
def test_text_is_told_from_what_is_none_as_python_tells_it(data: bytes) -> None:
    assert _speedups.undecodable_lines(data) == encoding._undecodable_lines(data)


@pytest.mark.parametrize("first", range(0x80, 0x100))
def test_every_sequence_of_utf_8_ends_where_it_ends_in_python(first: int) -> None:
    borders = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)
    for second in borders:
        for rest in (b"", b"\x80", b"\x80\x80", b"\x80\x41", b"\xc0\x80"):
            data = bytes((first, second)) + rest
            assert _speedups.undecodable_lines(data) == encoding._undecodable_lines(data), data


@given(data=NEARLY_TEXT)
def test_lines_are_counted_as_python_counts_them(data: bytes) -> None:
    assert _speedups.count_lines(data) == encoding._count_lines(data)


HINTS = st.lists(
    st.sampled_from(
        [b"version", b"VERSION", b"Version", b"eRsion", b" v1", b" v", b"1", b"rsion", b"e", b"\n"]
    ),
    max_size=12,
).map(b"".join)


@given(before=st.sampled_from([0, 1, 4090, 4096, 8190]), data=HINTS, start=st.integers(-1, 40))
def test_hints_of_versions_are_found_as_python_finds_them(before: int, data: bytes, start: int) -> None:
    text = b"x" * before + data
    at = max(0, start + before - 20)
    assert _speedups.version_hint(text, at) == version_lines._version_hint(text, at)


def test_what_is_no_bytes_is_refused() -> None:
    for function in (_speedups.undecodable_lines, _speedups.count_lines):
        with pytest.raises(TypeError):
            function("text")


def test_what_was_built_is_used() -> None:
    assert encoding.undecodable_lines is _speedups.undecodable_lines


def test_without_it_the_twin_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "handlers._speedups", None)
    assert either(encoding._count_lines, "count_lines") is encoding._count_lines


sketches = st.dictionaries(
    st.integers(-1, 1200),
    st.one_of(st.integers(0, 9), st.integers(0, 1 << 54)),
    max_size=40,
)


@given(sketch=sketches, quantiles=st.lists(st.floats(-0.5, 1.5), max_size=5))
def test_quantiles_lie_where_they_lie_in_python(sketch: dict[int, int], quantiles: list[float]) -> None:
    def told(find: Callable[[dict[int, int], Sequence[float]], list[int]]) -> object:
        try:
            return find(sketch, quantiles)
        except ValueError as error:
            return str(error)

    assert told(_speedups.quantile_bins) == told(sketch_module._quantile_bins)


@given(into=sketches, other=sketches)
def test_sketches_are_added_as_python_adds_them(into: dict[int, int], other: dict[int, int]) -> None:
    twin = dict(into)
    _speedups.add_bins(into, other)
    sketch_module._add_bins(twin, other)
    assert [*into.items()] == [*twin.items()]


def test_what_is_no_sketch_is_refused() -> None:
    for sketch in ({"a": 1}, {1: "a"}, [(1, 1)]):
        with pytest.raises(TypeError):
            _speedups.quantile_bins(sketch, (0.5,))
    with pytest.raises(OverflowError):
        _speedups.quantile_bins({1: 1 << 64}, (0.5,))
    with pytest.raises(TypeError):
        _speedups.add_bins({1: "a"}, {1: 1})
