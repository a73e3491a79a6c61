"""Cobertura XML, as coverage.py (lines only), coverlet (C# methods) and Istanbul write it.

https://github.com/cobertura/cobertura/blob/master/cobertura/src/site/htdocs/xml/coverage-04.dtd
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from daemon.coverage.report import CoveredLines, MeasuredLines, Report, known_name, line_set, plain_path
from daemon.coverage.xml_stream import read_xml
from handlers.model import CoveredFunction

_WAYS: Final = re.compile(r"\((\d{1,6})/(\d{1,6})\)")
"""condition-coverage="50% (1/2)"."""
_STATE_MACHINE: Final = re.compile(r"(?P<owner>.*)[/.+]<(?P<name>\w+)>d__\d+")
"""What the C# compiler makes of an async method or an iterator: a class whose MoveNext is the body."""


class _Reader:
    def __init__(self, source: str) -> None:
        self.functions: list[CoveredFunction] = []
        self.executed: dict[str, list[int]] = {}
        """Executed lines by file; a file of several classes is one."""
        self.missed: dict[str, list[int]] = {}
        self.branches: dict[str, dict[int, tuple[int, int]]] = {}
        self._source = source
        self._class: Mapping[str, str] = {}
        self._method: Mapping[str, str] | None = None
        self._method_lines: list[tuple[int, bool]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "class":
            self._class = attributes
            self.executed.setdefault(plain_path(attributes.get("filename", "")), [])
        elif tag == "method":
            self._method, self._method_lines = attributes, []
        elif tag == "line" and self._class:
            number, hits = attributes.get("number", ""), attributes.get("hits", "0")
            if not number.isdecimal() or len(number) > 9:
                return
            if self._method is not None:
                self._method_lines.append((int(number), hits != "0"))
            lines = self.missed if hits == "0" else self.executed
            file = plain_path(self._class.get("filename", ""))
            lines.setdefault(file, []).append(int(number))
            if ways := _WAYS.search(attributes.get("condition-coverage", "")):
                self.branches.setdefault(file, {})[int(number)] = int(ways[1]), int(ways[2])

    def end(self, tag: str) -> None:
        if tag == "method" and self._method is not None:
            self._add(self._method.get("name", ""))
            self._method = None
        elif tag == "class":
            self._class = {}

    def _add(self, name: str) -> None:
        owner = self._class.get("name", "")
        if machine := _STATE_MACHINE.fullmatch(owner):
            owner, name = machine["owner"], machine["name"]
        if not name or name.startswith((".", "<")) or not self._method_lines:
            return
        # Istanbul, which knows no classes, calls the file one: "cart.js".
        path = plain_path(self._class.get("filename", ""))
        owner = "" if path.endswith(owner) else re.split(r"[./+]", owner)[-1]
        self.functions.append(
            CoveredFunction(
                name=f"{owner}.{name}" if owner else known_name(name),
                file=path,
                line=min(number for number, _ in self._method_lines),
                executed=any(hit for _, hit in self._method_lines),
                source=self._source,
            )
        )


def read_cobertura(source: str, raw: bytes) -> Report | None:
    """None for another XML report whose first tag is "coverage". Raises MalformedError."""
    reader = _Reader(source)
    read_xml(raw, reader.start, reader.end)
    if not reader.executed:
        return None
    named = {function.file for function in reader.functions}
    measured = [
        MeasuredLines(
            file,
            line_set(numbers),
            line_set(reader.missed.get(file, ())),
            reader.branches.get(file, {}),
        )
        for file, numbers in reader.executed.items()
    ]
    return Report(
        source,
        tuple(reader.functions),
        tuple(CoveredLines(each.file, each.executed) for each in measured if each.file not in named),
        tuple(measured),
    )
