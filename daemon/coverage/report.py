"""What every format of coverage report comes to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from handlers.model import CoveredFunction

_NAMELESS: Final = re.compile(r"\(anonymous_\d+\)")


class CoveredLines(msgspec.Struct, frozen=True):
    """The lines of one source file that tests executed. Bit n of a set of lines is line n."""

    file: str
    """Path as the report has it."""
    executed: int
    tests: tuple[tuple[str, int], ...] = ()
    """Name of each test with the lines that it executed, where the report tells them apart."""


class MeasuredLines(msgspec.Struct, frozen=True):
    """The lines of one source file that can be executed, as sets: see `CoveredLines`."""

    file: str
    executed: int
    missed: int
    branches: dict[int, tuple[int, int]] = {}
    """By line from which several ways lead on, how many of them were taken, and how many there are."""


class Report(msgspec.Struct, frozen=True):
    """What one report says. Some name functions, some only lines."""

    source: str
    """Path of the report."""
    functions: tuple[CoveredFunction, ...] = ()
    lines: tuple[CoveredLines, ...] = ()
    """Of files of which it names no function."""
    measured: tuple[MeasuredLines, ...] = ()
    """Of all files, where it tells the lines that were not executed from those that cannot be."""


def branches_of(ways: Iterable[tuple[int, bool]]) -> dict[int, tuple[int, int]]:
    """The branches of lines from each single way on, with whether it was taken."""
    found: dict[int, tuple[int, int]] = {}
    for line, is_taken in ways:
        if line > 0:
            taken, of = found.get(line, (0, 0))
            found[line] = taken + is_taken, of + 1
    return found


def line_set(numbers: Iterable[int]) -> int:
    """The set as bits; negative numbers, by which some tools mean entry and exit, are no lines."""
    bits = bytearray()
    for number in numbers:
        if number < 0:
            continue
        if number >> 3 >= len(bits):
            bits.extend(bytes((number >> 3) + 1 - len(bits)))
        bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(bits, "little")


def by_test(lines_of: Mapping[str, Iterable[int]]) -> tuple[tuple[str, int], ...]:
    """Lines by test in order of the name; what ran outside of any test is left out."""
    return tuple((test, line_set(lines_of[test])) for test in sorted(lines_of) if test)


def test_name(context: str) -> str:
    """pytest-cov ends a context with the phase of the test: "tests/test_cart.py::test_add|run"."""
    name, _, phase = context.rpartition("|")
    return name if phase in ("setup", "run", "teardown") else context


def known_name(name: str) -> str:
    """Istanbul counts the functions without a name, which are all arrow functions; here theirs is ""."""
    return "" if _NAMELESS.fullmatch(name) else name


def plain_path(path: str) -> str:
    """With slashes, whatever system the report was written on."""
    return path.replace("\\", "/")
