"""Which lines of a function no test ran, over all coverage reports."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from daemon.coverage.report import MeasuredLines
from handlers.model import CoveredFunction, Function


def with_missed_lines(
    covered: Iterable[CoveredFunction], measured: Iterable[MeasuredLines], functions: Iterable[Function]
) -> tuple[CoveredFunction, ...]:
    """The functions of the reports with those lines. `measured`: with paths as they are here.

    A line that one report has as executed is no missed one. Of several reports the ways taken from a line are
    added, so that nothing is told of one that they may have taken together.
    """
    branches: dict[str, dict[int, tuple[int, int]]] = {}
    executed: dict[str, int] = {}
    missed: dict[str, int] = {}
    for lines in measured:
        executed[lines.file] = executed.get(lines.file, 0) | lines.executed
        missed[lines.file] = missed.get(lines.file, 0) | lines.missed
        of_file = branches.setdefault(lines.file, {})
        for line, (taken, of) in lines.branches.items():
            before, known = of_file.get(line, (0, 0))
            of_file[line] = before + taken, max(known, of)
    places = {
        (each.file, line): each
        for each in functions
        if each.file in missed
        for line in (each.body_line, each.line)
    }

    def told(each: CoveredFunction) -> CoveredFunction:
        function = places.get((each.file, each.line))
        if function is None:
            return each
        return replace(
            each,
            missed=_parts(function, executed[each.file], missed[each.file]),
            half_taken=tuple(
                line
                for line, (taken, of) in sorted(branches[each.file].items())
                if function.line <= line <= function.end_line and 0 < taken < of
            ),
        )

    return tuple(map(told, covered))


def _parts(function: Function, executed: int, missed: int) -> tuple[tuple[int, int], ...]:
    """First and last line of each part that no executed line divides."""
    parts: list[tuple[int, int]] = []
    goes_on = False
    for line in range(function.body_line, function.end_line + 1):
        if executed >> line & 1:
            goes_on = False
        elif missed >> line & 1:
            if goes_on:
                parts[-1] = (parts[-1][0], line)
            else:
                parts.append((line, line))
            goes_on = True
    return tuple(parts)
