"""Coverage reports brought together with the source: paths as they are here, and lines as functions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from msgspec.structs import replace

from daemon.codebase.missed_lines import with_missed_lines
from daemon.coverage.report import CoveredLines, MeasuredLines, Report
from handlers.model import CoveredFunction, Function


class Paths:
    """Finds the source file that a path in a report means: reports are written on other machines."""

    def __init__(self, files: Iterable[str]) -> None:
        self._by_name: dict[str, list[str]] = {}
        for file in files:
            self._by_name.setdefault(file.rpartition("/")[2], []).append(file)

    def find(self, path: str) -> str:
        """The one file whose last folders are most like those of the path; "" where it is not clear which.

        One of the two must be the end of the other.
        """
        wanted = [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
        best: list[str] = []
        longest = 0
        for file in self._by_name.get(wanted[-1] if wanted else "", ()):
            parts = file.split("/")
            alike = min(len(parts), len(wanted))
            if parts[-alike:] != wanted[-alike:]:
                continue
            if alike > longest:
                best, longest = [], alike
            if alike == longest:
                best.append(file)
        return best[0] if len(best) == 1 else ""


def covered_functions(
    reports: Iterable[Report], functions: tuple[Function, ...], problems: list[str]
) -> tuple[CoveredFunction, ...]:
    """All that reports say of functions. Files that are known here have their path from the root."""
    of_file: dict[str, list[Function]] = {}
    for function in functions:
        of_file.setdefault(function.file, []).append(function)
    paths = Paths(of_file)
    found: list[CoveredFunction] = []
    measured: list[MeasuredLines] = []
    for report in reports:
        unknown: set[str] = set()
        for named in report.functions:
            file = paths.find(named.file)
            known = replace(named, file=file) if file else named
            found += [known] if known.name else _name(known, of_file.get(file, []))
            if not (file or known.name):
                unknown.add(named.file)
        for lines in report.lines:
            file = paths.find(lines.file)
            if not file:
                unknown.add(lines.file)
            covered = (_of_lines(function, lines, report.source) for function in of_file.get(file, ()))
            found += [each for each in covered if each is not None]
        measured += [replace(each, file=paths.find(each.file)) for each in report.measured]
        if unknown:
            problems.append(_tell(report.source, min(unknown), len(unknown) - 1))
    return with_missed_lines(found, measured, functions)


def _tell(source: str, file: str, more: int) -> str:
    others = f" and {more} more files" if more else ""
    return (
        f"{source}:1: does not name the functions of {file}{others}, and no such file is known; set "
        "project.root to the checkout that was measured"
    )


def _name(covered: CoveredFunction, functions: list[Function]) -> list[CoveredFunction]:
    """With the name of the function that begins on its line; a mere callback has none."""
    here = [each for each in functions if each.line == covered.line]
    return [replace(covered, name=here[0].qualified_name)] if len(here) == 1 else []


def _of_lines(function: Function, lines: CoveredLines, source: str) -> CoveredFunction | None:
    """None where the lines cannot tell: what stands on one line is executed when it is defined."""
    body = (1 << (function.end_line + 1)) - (1 << function.body_line)
    executed = bool(lines.executed & body)
    if executed and function.body_line == function.line:
        return None
    return CoveredFunction(
        name=function.qualified_name,
        file=function.file,
        line=function.line,
        executed=executed,
        source=source,
        tests=tuple(test for test, ran in lines.tests if ran & body),
    )
