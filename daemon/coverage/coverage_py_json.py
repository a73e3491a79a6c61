"""coverage.py JSON: format 3 has functions, all have lines, `--branch` adds ways on from a line, and
`--show-contexts` which test ran which.

https://coverage.readthedocs.io/en/latest/cmd.html#json-reporting-coverage-json
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from daemon.coverage.report import (
    CoveredLines,
    MeasuredLines,
    Report,
    branches_of,
    by_test,
    line_set,
    plain_path,
    test_name,
)
from daemon.documents import decode_json
from handlers.model import CoveredFunction


class _TopLevel(msgspec.Struct, frozen=True):
    meta: msgspec.Raw = msgspec.Raw()
    files: msgspec.Raw = msgspec.Raw()


class _Region(msgspec.Struct, frozen=True):
    executed_lines: tuple[int, ...]
    missing_lines: tuple[int, ...]
    start_line: int | None = None
    contexts: dict[int, tuple[str, ...]] = {}


class _File(msgspec.Struct, frozen=True):
    executed_lines: tuple[int, ...] = ()
    missing_lines: tuple[int, ...] = ()
    executed_branches: tuple[tuple[int, int], ...] = ()
    missing_branches: tuple[tuple[int, int], ...] = ()
    functions: dict[str, _Region] | None = None
    contexts: dict[int, tuple[str, ...]] = {}


class _Report(msgspec.Struct, frozen=True):
    files: dict[str, _File]


def read_coverage_py_json(source: str, raw: bytes) -> Report | None:
    """A function is executed when any of its lines is. None for other JSON. Raises MalformedError."""
    top = decode_json(raw, _TopLevel)
    if not (bytes(top.meta) and bytes(top.files)):
        return None
    files = decode_json(raw, _Report).files
    functions = tuple(
        CoveredFunction(
            name=name,
            file=plain_path(path),
            line=region.start_line or min(region.executed_lines + region.missing_lines),
            executed=bool(region.executed_lines),
            source=source,
            tests=tuple(sorted(_lines_of(region.contexts))),
        )
        for path, file in files.items()
        for name, region in (file.functions or {}).items()
        # "" is the code outside of functions; a function without lines has nothing that could be executed.
        if name and (region.executed_lines or region.missing_lines)
    )
    lines = tuple(
        CoveredLines(plain_path(path), line_set(file.executed_lines), by_test(_lines_of(file.contexts)))
        for path, file in files.items()
        if file.functions is None
    )
    measured = tuple(
        MeasuredLines(
            plain_path(path),
            line_set(file.executed_lines),
            line_set(file.missing_lines),
            branches_of(
                [
                    *((line, True) for line, _ in file.executed_branches),
                    *((line, False) for line, _ in file.missing_branches),
                ]
            ),
        )
        for path, file in files.items()
    )
    return Report(source, functions, lines, measured)


def _lines_of(contexts: Mapping[int, tuple[str, ...]]) -> dict[str, list[int]]:
    """Lines by test; "" is what ran outside of any."""
    found: dict[str, list[int]] = {}
    for line, names in contexts.items():
        for name in names:
            if name:
                found.setdefault(test_name(name), []).append(line)
    return found
