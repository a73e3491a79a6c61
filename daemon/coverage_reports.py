"""Which functions the tests executed, from coverage.py JSON (format 3) and LCOV."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from daemon.documents import MalformedError, decode_json
from handlers.model import CoveredFunction

_FN: Final = re.compile(r"(?P<line>\d+),(?:\d+,)?(?P<name>.+)")
_FNDA: Final = re.compile(r"(?P<hits>\d+),(?P<name>.+)")


class _Region(msgspec.Struct, frozen=True):
    executed_lines: tuple[int, ...]
    missing_lines: tuple[int, ...]
    start_line: int | None = None


class _File(msgspec.Struct, frozen=True):
    functions: dict[str, _Region] | None = None


class _Report(msgspec.Struct, frozen=True):
    files: dict[str, _File]


def read_coverage_py(source: str, raw: bytes) -> tuple[CoveredFunction, ...]:
    """A function is executed when any of its lines is. Raises MalformedError."""
    files = decode_json(raw, _Report).files
    if files and all(file.functions is None for file in files.values()):
        raise MalformedError(1, "has no functions: write it with a coverage.py that has JSON format 3")
    return tuple(
        CoveredFunction(
            name=name,
            file=path.replace("\\", "/"),
            line=region.start_line or min(region.executed_lines + region.missing_lines),
            executed=bool(region.executed_lines),
            source=source,
        )
        for path, file in files.items()
        for name, region in (file.functions or {}).items()
        # "" is the code outside of functions; a function without lines has nothing that could be executed.
        if name and (region.executed_lines or region.missing_lines)
    )


def read_lcov(source: str, text: str) -> tuple[CoveredFunction, ...]:
    """SF, FN and FNDA records of geninfo(1). A function that several tests ran has several records.

    Raises MalformedError, also when the last record is cut off.
    """
    executed: dict[tuple[str, str, int], bool] = {}
    file, starts = "", dict[str, int]()
    number, line = 0, ""
    for number, line in enumerate(text.rstrip().splitlines(), 1):
        tag, _, value = line.strip().partition(":")
        if tag == "SF":
            file, starts = value.replace("\\", "/"), {}
        elif tag == "FN":
            record = _match(_FN, line, number, value)
            starts[record["name"]] = int(record["line"])
        elif tag == "FNDA":
            record = _match(_FNDA, line, number, value)
            key = (record["name"], file, starts.get(record["name"], 0))
            executed[key] = executed.get(key, False) or int(record["hits"]) > 0
    if line.strip() != "end_of_record":
        raise MalformedError(number, "is cut off: the last record has no end_of_record")
    if not executed:
        raise MalformedError(1, "has no functions (FN, FNDA): let the coverage tool report them")
    return tuple(
        CoveredFunction(name=name, file=path, line=start, executed=ran, source=source)
        for (name, path, start), ran in executed.items()
    )


def _match(pattern: re.Pattern[str], line: str, number: int, value: str) -> re.Match[str]:
    if record := pattern.fullmatch(value):
        return record
    raise MalformedError(number, f"LCOV record is malformed: {line[:80]}")
