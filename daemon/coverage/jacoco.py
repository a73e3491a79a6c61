"""JaCoCo XML: methods of Java and Kotlin classes with counters.

https://www.jacoco.org/jacoco/trunk/coverage/report.dtd
"""

from __future__ import annotations

from collections.abc import Mapping

from daemon.coverage.report import Report
from daemon.coverage.xml_stream import read_xml
from handlers.model import CoveredFunction


class _Reader:
    def __init__(self, source: str) -> None:
        self.functions: list[CoveredFunction] = []
        self._source = source
        self._package = ""
        self._class: Mapping[str, str] = {}
        self._method: Mapping[str, str] | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "package":
            self._package = attributes.get("name", "")
        elif tag == "class":
            self._class = attributes
        elif tag == "method":
            self._method = attributes
        elif tag == "counter" and self._method is not None and attributes.get("type") == "METHOD":
            self._add(self._method, executed=attributes.get("covered", "0") != "0")

    def end(self, tag: str) -> None:
        if tag == "method":
            self._method = None

    def _add(self, method: Mapping[str, str], *, executed: bool) -> None:
        name, line = method.get("name", ""), method.get("line", "")
        # The compiler's own: <init>, <clinit>, lambda$add$0.
        if not name or name.startswith("<") or "$" in name:
            return
        path = self._class.get("name", "")
        owner = path.rpartition("/")[2].replace("$", ".")
        file = self._class.get("sourcefilename") or f"{path.partition('$')[0].rpartition('/')[2]}.java"
        self.functions.append(
            CoveredFunction(
                name=f"{owner}.{name}",
                file=f"{self._package}/{file}".lstrip("/"),
                line=int(line) if line.isdecimal() else 0,
                executed=executed,
                source=self._source,
            )
        )


def read_jacoco(source: str, raw: bytes) -> Report | None:
    """None for a report of another tool. Raises MalformedError."""
    reader = _Reader(source)
    read_xml(raw, reader.start, reader.end)
    return Report(source, tuple(reader.functions)) if reader.functions else None
