"""coverage.py data files: SQLite with the executed lines, or pairs of lines, of each file and context.

https://coverage.readthedocs.io/en/latest/dbschema.html
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Final

from daemon.coverage.report import CoveredLines, Report, line_set, plain_path, test_name
from daemon.documents import MalformedError

_MAX_STEPS: Final = 200_000_000
"""Steps of SQLite's virtual machine: a good file needs about 20 a row."""
_STEPS_A_LOOK: Final = 100_000
_TABLES: Final = frozenset({"coverage_schema", "meta", "file", "context", "line_bits", "arc"})

_LINES: Final = """
    SELECT file.path, context.context, line_bits.numbits FROM line_bits
    JOIN file ON file.id = line_bits.file_id JOIN context ON context.id = line_bits.context_id
"""
_ARCS: Final = """
    SELECT file.path, context.context, arc.fromno, arc.tono FROM arc
    JOIN file ON file.id = arc.file_id JOIN context ON context.id = arc.context_id
"""


def read_coverage_py_data(source: str, raw: bytes) -> Report | None:
    """The data file names lines only: which function they are in, the source files tell.

    It is read from memory, so that nothing can be locked, written or attached. None for another SQLite
    database. Raises MalformedError.
    """
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        try:
            database.deserialize(raw)
            return _report(source, database)
        except (sqlite3.Error, OverflowError) as error:
            reason = " ".join(str(error).split())  # which quotes the schema with its line ends
            raise MalformedError(1, f"is no usable SQLite database: {reason}") from error


def _report(source: str, database: sqlite3.Connection) -> Report | None:
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA query_only = ON")
    looks = iter(range(_MAX_STEPS // _STEPS_A_LOOK))
    database.set_progress_handler(lambda: next(looks, None) is None, _STEPS_A_LOOK)
    # A view could stand where a table is expected, and compute without end.
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not tables >= _TABLES:
        return None
    executed: dict[str, dict[str, int]] = {
        plain_path(str(path)): {} for (path,) in database.execute("SELECT path FROM file ORDER BY path")
    }
    for path, context, lines in _executed(database):
        tests = executed.setdefault(plain_path(path), {})
        name = test_name(context)
        tests[name] = tests.get(name, 0) | lines
    return Report(source, lines=tuple(_covered(path, tests) for path, tests in executed.items()))


def _executed(database: sqlite3.Connection) -> Iterator[tuple[str, str, int]]:
    """Path, context and lines. One of the two tables is empty: it depends on how coverage was measured."""
    for path, context, numbits in database.execute(_LINES):
        yield str(path), str(context), int.from_bytes(bytes(numbits), "little")
    arcs: dict[tuple[str, str], set[int]] = {}
    for path, context, start, end in database.execute(_ARCS):
        arcs.setdefault((str(path), str(context)), set()).update((int(start), int(end)))
    for (path, context), numbers in arcs.items():
        yield path, context, line_set(numbers)


def _covered(path: str, tests: dict[str, int]) -> CoveredLines:
    executed = 0
    for lines in tests.values():
        executed |= lines
    return CoveredLines(path, executed, tuple((name, tests[name]) for name in sorted(tests) if name))
