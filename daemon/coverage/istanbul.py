"""Istanbul JSON (coverage-final.json of nyc, Jest, Vitest, c8): functions with their hits.

https://github.com/istanbuljs/istanbuljs/tree/main/packages/istanbul-lib-coverage
"""

from __future__ import annotations

import msgspec

from daemon.coverage.report import MeasuredLines, Report, branches_of, known_name, line_set, plain_path
from daemon.documents import decode_json
from handlers.model import CoveredFunction


class _Point(msgspec.Struct, frozen=True):
    line: int | None = None


class _Range(msgspec.Struct, frozen=True):
    start: _Point


class _Function(msgspec.Struct, frozen=True):
    loc: _Range
    name: str = ""
    decl: _Range | None = None


class _Branch(msgspec.Struct, frozen=True):
    loc: _Range | None = None
    line: int | None = None
    """Of old versions."""


class _File(msgspec.Struct, frozen=True, rename="camel"):
    path: str
    fn_map: dict[str, _Function]
    f: dict[str, int]
    statement_map: dict[str, _Range] = {}
    s: dict[str, int] = {}
    branch_map: dict[str, _Branch] = {}
    b: dict[str, tuple[int, ...]] = {}


class _Probe(msgspec.Struct, frozen=True):
    fn_map: msgspec.Raw = msgspec.field(default=msgspec.Raw(), name="fnMap")


def read_istanbul(source: str, raw: bytes) -> Report | None:
    """None for other JSON. Raises MalformedError."""
    try:
        values = msgspec.json.decode(raw, type=dict[str, _Probe]).values()
    except msgspec.ValidationError:
        return None
    if not values or not all(bytes(value.fn_map) for value in values):
        return None
    files = decode_json(raw, dict[str, _File])
    return Report(
        source,
        tuple(each for file in files.values() for each in _functions(source, file)),
        measured=tuple(_measured(file) for file in files.values()),
    )


def _measured(file: _File) -> MeasuredLines:
    """By the lines on which statements begin."""
    lines: dict[bool, list[int]] = {True: [], False: []}
    for number, statement in file.statement_map.items():
        if statement.start.line is not None:
            lines[file.s.get(number, 0) > 0].append(statement.start.line)
    branches = branches_of(
        ((each.loc.start.line if each.loc else each.line) or 0, hits > 0)
        for number, each in file.branch_map.items()
        for hits in file.b.get(number, ())
    )
    return MeasuredLines(plain_path(file.path), line_set(lines[True]), line_set(lines[False]), branches)


def _functions(source: str, file: _File) -> list[CoveredFunction]:
    return [
        CoveredFunction(
            name=known_name(function.name),
            file=plain_path(file.path),
            line=(function.decl or function.loc).start.line or function.loc.start.line or 0,
            executed=file.f.get(number, 0) > 0,
            source=source,
        )
        for number, function in file.fn_map.items()
    ]
