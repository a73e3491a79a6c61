"""Each format of coverage report gives the functions or lines that tests executed."""

from __future__ import annotations

import contextlib
import gzip
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.coverage import coverage_py_data
from daemon.coverage.read import read_report
from daemon.coverage.report import Report, line_set
from daemon.documents import MalformedError

DATA = Path(__file__).parents[1] / "data"


def raw_of(name: str) -> bytes:
    raw = (DATA / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def read(raw: bytes) -> Report:
    report = read_report("report", raw)
    assert report is not None
    return report


def lines_of(bits: int) -> list[int]:
    return [line for line in range(bits.bit_length()) if bits >> line & 1]


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        pytest.param(
            "jacoco.xml",
            [
                ("Cart.add", "com/example/shop/Cart.java", 7, True),
                ("Cart.remove", "com/example/shop/Cart.java", 11, False),
            ],
            id="JaCoCo: methods, without what the compiler made",
        ),
        pytest.param(
            "cobertura-coverlet.xml",
            [("Cart.Add", "src/Cart.cs", 8, True), ("Cart.SaveAsync", "src/Cart.cs", 13, False)],
            id="Cobertura of coverlet: an asynchronous method has its own name",
        ),
        pytest.param(
            "istanbul.json",
            [
                ("", "/home/ci/shop/src/cart.js", 1, True),
                ("remove", "/home/ci/shop/src/cart.js", 5, True),
                ("", "/home/ci/shop/src/cart.js", 6, True),
                ("", "/home/ci/shop/src/cart.js", 10, False),
            ],
            id="Istanbul: arrow functions have no name",
        ),
        pytest.param(
            "cobertura-istanbul.xml",
            [
                ("", "../../../home/ci/shop/src/cart.js", 1, True),
                ("remove", "../../../home/ci/shop/src/cart.js", 5, True),
                ("", "../../../home/ci/shop/src/cart.js", 6, True),
                ("", "../../../home/ci/shop/src/cart.js", 10, False),
            ],
            id="Cobertura of Istanbul: the class that is a file is none",
        ),
    ],
)
def test_a_report_names_functions(name: str, functions: list[tuple[str, str, int, bool]]) -> None:
    report = read(raw_of(name))
    assert [(each.name, each.file, each.line, each.executed) for each in report.functions] == functions
    assert report.lines == ()


@pytest.mark.parametrize(
    "name",
    ["cobertura-lines.xml", "coverage-lines.sqlite.gz", "coverage-arcs.sqlite.gz"],
)
def test_a_report_without_functions_gives_the_executed_lines(name: str) -> None:
    (lines,) = read(raw_of(name)).lines
    assert lines.file.endswith("shop.py")
    assert lines_of(lines.executed) == [1, 2, 3, 5, 9, 10, 11, 12, 15]


@pytest.mark.parametrize("name", ["coverage-lines.sqlite.gz", "coverage-arcs.sqlite.gz"])
def test_a_data_file_tells_which_test_executed_which_lines(name: str) -> None:
    (lines,) = read(raw_of(name)).lines
    assert [(test, lines_of(ran)) for test, ran in lines.tests] == [
        ("__main__.test_add", [3]),
        ("__main__.test_total", [10, 11, 12]),
    ]


def test_json_with_contexts_tells_which_test_executed_which_function() -> None:
    functions = read(raw_of("contexts.json")).functions
    assert [(each.name, each.executed, each.tests) for each in functions] == [
        ("Cart.add", True, ("__main__.test_add",)),
        ("Cart.remove", False, ()),
        ("total", True, ("__main__.test_total",)),
        ("total.with_tax", True, ("__main__.test_total",)),
        ("never", False, ()),
    ]


def test_the_phases_of_a_test_are_one_test() -> None:
    report = read(
        b'{"meta": {}, "files": {"a.py": {"executed_lines": [1, 2], '
        b'"contexts": {"1": ["t.py::a|setup", ""], "2": ["t.py::a|run"]}}}}'
    )
    ((test, lines),) = report.lines[0].tests
    assert (test, lines_of(lines)) == ("t.py::a", [1, 2])


def test_lcov_2_counts_functions_by_index_and_names_the_test() -> None:
    report = read(b"TN:unit\nSF:a.c\nFNL:0,3,9\nFNA:0,4,add\nFNL:1,12\nFNA:1,0,remove\nend_of_record\n")
    assert [(each.name, each.line, each.executed, each.tests) for each in report.functions] == [
        ("add", 3, True, ("unit",)),
        ("remove", 12, False, ()),
    ]


ENTITIES = b"""<?xml version="1.0"?>
<!DOCTYPE coverage [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<coverage><class name="&b;" filename="x"/></coverage>"""
OUTSIDE = b"""<?xml version="1.0"?>
<!DOCTYPE coverage [<!ENTITY a SYSTEM "file:///etc/hostname">]><coverage><class name="&a;"/></coverage>"""
PARAMETER = b"""<?xml version="1.0"?>
<!DOCTYPE coverage [<!ENTITY % a SYSTEM "http://localhost:1/"> %a;]><coverage/>"""


@pytest.mark.parametrize(
    ("raw", "line", "reason"),
    [
        pytest.param(ENTITIES, 2, "declares the entity a", id="entities that would expand"),
        pytest.param(OUTSIDE, 2, "declares the entity a", id="an entity that is a file"),
        pytest.param(PARAMETER, 2, "declares the entity a", id="a parameter entity at an address"),
        pytest.param(b"<coverage>\n<packages>\n", 3, "XML is malformed", id="XML that is cut off"),
        pytest.param(b"<report>" + b"<group>" * 200, 1, "nested over 100", id="XML nested without end"),
        pytest.param(b"SQLite format 3\0" + b"x" * 100, 1, "SQLite", id="a damaged database"),
        pytest.param(
            b'{"a.js": {"fnMap": {},\n "path": 3}}', 1, "Expected `str`", id="Istanbul with a wrong path"
        ),
        pytest.param(b'<?xml version="1.0" encoding="UTF-9"?><a/>', 1, "encoding", id="an unknown encoding"),
    ],
)
def test_a_report_that_cannot_be_used_is_refused_with_its_line(raw: bytes, line: int, reason: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_report("report", raw)
    assert (caught.value.line, reason in caught.value.reason) == (line, True), caught.value.reason


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"<project><modules/></project>", id="XML of something else"),
        pytest.param(b"<report><title/></report>", id="a report of something else"),
        pytest.param(b"<coverage/>", id="a coverage without classes"),
        pytest.param(b'{"name": "x"}', id="JSON of something else"),
        pytest.param(b"{}", id="an empty JSON object"),
        pytest.param(b"plain text", id="plain text"),
    ],
)
def test_what_is_no_report_is_none(raw: bytes) -> None:
    assert read_report("report", raw) is None


def database(*statements: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    raw = connection.serialize()
    connection.close()
    return raw


TABLES = (
    "CREATE TABLE coverage_schema (version integer)",
    "CREATE TABLE meta (key text, value text)",
    "CREATE TABLE file (id integer primary key, path text)",
    "CREATE TABLE context (id integer primary key, context text)",
    "CREATE TABLE line_bits (file_id integer, context_id integer, numbits blob)",
)
ARCS = "CREATE TABLE arc (file_id integer, context_id integer, fromno integer, tono integer)"
ENDLESS = """CREATE VIEW arc AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r)
    SELECT 1 AS file_id, 1 AS context_id, n AS fromno, n AS tono FROM r"""


def test_another_database_is_no_report_and_neither_is_one_with_views_in_place_of_tables() -> None:
    assert read_report("report", database("CREATE TABLE notes (text)")) is None
    assert read_report("report", database(*TABLES, ENDLESS)) is None


def test_a_data_file_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage_py_data, "_MAX_STEPS", 10 * coverage_py_data._STEPS_A_LOOK)
    many = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3000)"
    raw = database(
        *TABLES,
        ARCS,
        f"INSERT INTO file (path) {many} SELECT 'a.py' FROM r",
        "INSERT INTO context (context) VALUES ('')",
        f"INSERT INTO arc {many} SELECT NULL, 1, n, n FROM r",
        f"INSERT INTO arc {many} SELECT n, 1, n, n FROM r",
        f"INSERT INTO arc {many} SELECT n, 1, n, n FROM r",
        f"INSERT INTO arc {many} SELECT n, 1, n, n FROM r",
        f"INSERT INTO arc {many} SELECT n, 1, n, n FROM r",
        f"INSERT INTO arc {many} SELECT n, 1, n, n FROM r",
        f"INSERT INTO arc {many} SELECT n, 1, n, n FROM r",
        f"INSERT INTO arc {many} SELECT n, 1, n, n FROM r",
        f"INSERT INTO arc {many} SELECT n, 1, n, n FROM r",
        f"INSERT INTO arc {many} SELECT n, 1, n, n FROM r",
    )
    assert read(raw).lines
    monkeypatch.setattr(coverage_py_data, "_MAX_STEPS", coverage_py_data._STEPS_A_LOOK)
    with pytest.raises(MalformedError, match="interrupted"):
        read_report("report", raw)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda raw, at, byte: raw[:at], id="cut off"),
        pytest.param(lambda raw, at, byte: raw[:at] + bytes([byte]) + raw[at + 1 :], id="with another byte"),
    ],
)
@pytest.mark.parametrize(
    "name",
    ["jacoco.xml", "cobertura-coverlet.xml", "istanbul.json", "contexts.json", "coverage-arcs.sqlite.gz"],
)
@given(data=st.data())
def test_damage_is_read_refused_or_no_report_and_nothing_else(
    name: str, change: Callable[[bytes, int, int], bytes], data: st.DataObject
) -> None:
    raw = raw_of(name)
    at = data.draw(st.integers(0, len(raw) - 1))
    with contextlib.suppress(MalformedError, UnicodeDecodeError):
        read_report("report", change(raw, at, data.draw(st.integers(0, 255))))


@given(st.sets(st.integers(-3, 5000)))
def test_a_set_of_lines_holds_just_the_positive_ones(numbers: set[int]) -> None:
    assert lines_of(line_set(numbers)) == sorted(number for number in numbers if number >= 0)


def test_what_is_wrong_with_a_database_is_told_in_one_line() -> None:
    raw = database('CREATE TABLE "two\nlines" (id integer)').replace(b"id integer", b"id ,,,,,,,")
    with pytest.raises(MalformedError) as caught:
        read_report("report", raw)
    assert "two lines" in caught.value.reason
