"""Tells by its content which kind of coverage report a file is, and reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from daemon.coverage.cobertura import read_cobertura
from daemon.coverage.coverage_py_data import read_coverage_py_data
from daemon.coverage.coverage_py_json import read_coverage_py_json
from daemon.coverage.istanbul import read_istanbul
from daemon.coverage.jacoco import read_jacoco
from daemon.coverage.lcov import read_lcov
from daemon.coverage.report import Report
from daemon.coverage.xml_stream import root_tag

_XML_ROOTS: Final[Mapping[str, Callable[[str, bytes], Report | None]]] = {
    "coverage": read_cobertura,
    "report": read_jacoco,
}


def read_report(source: str, raw: bytes) -> Report | None:
    """`source`: path of the report; `raw`: its bytes without a byte order mark.

    None for a file that is no coverage report. Raises MalformedError, and UnicodeDecodeError for LCOV that is
    not UTF-8.
    """
    head = raw[:4096].lstrip()
    if head.startswith(b"SQLite format 3\0"):
        return read_coverage_py_data(source, raw)
    if head.startswith((b"TN:", b"SF:")):
        return read_lcov(source, raw.decode())
    if head.startswith(b"<"):
        read = _XML_ROOTS.get(root_tag(raw))
        return read(source, raw) if read else None
    if not head.startswith(b"{"):
        return None
    return read_coverage_py_json(source, raw) or read_istanbul(source, raw)
