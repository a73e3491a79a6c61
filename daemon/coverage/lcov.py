"""LCOV tracefiles, as geninfo(1) describes them, with the function records of LCOV 1 and 2."""

from __future__ import annotations

import re
from typing import Final

from daemon.coverage.report import (
    CoveredLines,
    MeasuredLines,
    Report,
    branches_of,
    known_name,
    line_set,
    plain_path,
)
from daemon.documents import MalformedError
from handlers.model import CoveredFunction

_NUMBER: Final = r"\d{1,9}"
_RECORDS: Final = {
    tag: re.compile(pattern)
    for tag, pattern in {
        "FN": rf"(?P<line>{_NUMBER}),(?:{_NUMBER},)?(?P<name>.+)",
        "FNDA": r"(?P<hits>\d+),(?P<name>.+)",
        "FNL": rf"(?P<index>{_NUMBER}),(?P<line>{_NUMBER})(?:,{_NUMBER})?",
        "FNA": rf"(?P<index>{_NUMBER}),(?P<hits>\d+),(?P<name>.+)",
        "BRDA": rf"(?P<line>{_NUMBER}),(?P<way>[^,]*,.*),(?P<hits>-|\d+)",
        "DA": rf"(?P<line>{_NUMBER}),(?P<hits>-?\d+)(?:,.*)?",
    }.items()
}


class _Reader:
    """What the records up to here say. A function that several tests ran has several records."""

    def __init__(self) -> None:
        self.functions: dict[tuple[str, str, int], set[str] | None] = {}
        """Name, file and line with the tests that executed it ("" for one without a name), None for never."""
        self.lines: dict[str, dict[str, list[int]]] = {}
        """Executed lines by file and test."""
        self.missed: dict[str, list[int]] = {}
        """By file; another test may have executed them."""
        self.branches: dict[str, dict[tuple[int, str], bool]] = {}
        """Whether each way on from a line was taken, by file."""
        self._file = ""
        self._test = ""
        self._starts: dict[str, int] = {}

    def read(self, tag: str, value: str, number: int) -> None:
        if tag == "TN":
            self._test = value.strip()
        elif tag == "SF":
            self._file, self._starts = plain_path(value), {}
            self.lines.setdefault(self._file, {})
        elif pattern := _RECORDS.get(tag):
            record = pattern.fullmatch(value)
            if record is None:
                raise MalformedError(number, f"LCOV record is malformed: {tag}:{value[:80]}")
            self._take(tag, record)

    def _take(self, tag: str, record: re.Match[str]) -> None:
        match tag:
            case "FN":
                self._starts[record["name"]] = int(record["line"])
            case "FNL":
                self._starts[f"#{record['index']}"] = int(record["line"])
            case "FNDA":
                self._function(record["name"], self._starts.get(record["name"], 0), record["hits"])
            case "FNA":
                self._function(record["name"], self._starts.get(f"#{record['index']}", 0), record["hits"])
            case "BRDA":
                ways = self.branches.setdefault(self._file, {})
                way = int(record["line"]), record["way"]
                ways[way] = ways.get(way, False) or bool(record["hits"].strip("-0"))
            case "DA" if record["hits"].strip("-0"):
                self.lines.setdefault(self._file, {}).setdefault(self._test, []).append(int(record["line"]))
            case "DA":
                self.missed.setdefault(self._file, []).append(int(record["line"]))

    def _function(self, name: str, line: int, hits: str) -> None:
        key = (name, self._file, line)
        tests = self.functions.setdefault(key, None)
        if hits.strip("0"):
            self.functions[key] = (tests or set()) | {self._test}


def read_lcov(source: str, text: str) -> Report:
    """Raises MalformedError, also when the last record is cut off."""
    reader = _Reader()
    number, line = 0, ""
    for number, line in enumerate(text.rstrip().splitlines(), 1):
        tag, _, value = line.strip().partition(":")
        reader.read(tag, value, number)
    if line.strip() != "end_of_record":
        raise MalformedError(number, "is cut off: the last record has no end_of_record")
    functions = tuple(
        CoveredFunction(
            name=known_name(name),
            file=path,
            line=start,
            executed=tests is not None,
            source=source,
            tests=tuple(sorted((tests or set()) - {""})),
        )
        for (name, path, start), tests in reader.functions.items()
    )
    named = {function.file for function in functions}
    lines = [_lines(*each) for each in reader.lines.items()]
    return Report(
        source,
        functions,
        tuple(each for each in lines if each.file not in named),
        tuple(
            MeasuredLines(
                each.file,
                each.executed,
                line_set(reader.missed.get(each.file, ())),
                branches_of(
                    (line, is_taken) for (line, _), is_taken in reader.branches.get(each.file, {}).items()
                ),
            )
            for each in lines
        ),
    )


def _lines(path: str, tests: dict[str, list[int]]) -> CoveredLines:
    sets = {test: line_set(numbers) for test, numbers in tests.items()}
    executed = line_set(number for numbers in tests.values() for number in numbers)
    return CoveredLines(path, executed, tuple((test, sets[test]) for test in sorted(sets) if test))
