"""Lines that no test ran are told by part, without what cannot be executed in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.codebase.project import Project, known

CART = """\
export function add(items, item) {
  if (!item) {
    warn("nothing");

    return items;
  }
  const next = [...items, item];
  // what follows is rare
  if (next.length > 9) {
    warn("many");
  }
  return next;
}
"""
HITS = {2: 4, 3: 0, 5: 0, 7: 4, 9: 4, 10: 0, 12: 4}
LCOV = "SF:src/cart.js\nFN:1,add\nFNDA:4,add\n{}\nend_of_record\n"


def lcov(hits: dict[int, int]) -> str:
    return LCOV.format("\n".join(f"DA:{line},{number}" for line, number in hits.items()))


def cobertura(hits: dict[int, int]) -> str:
    lines = "".join(f'<line number="{line}" hits="{number}"/>' for line, number in hits.items())
    method = f'<method name="add"><lines><line number="1" hits="4"/>{lines}</lines></method>'
    return (
        f'<coverage><classes><class name="cart.js" filename="src/cart.js"><methods>{method}</methods>'
        f"<lines>{lines}</lines></class></classes></coverage>"
    )


def istanbul(hits: dict[int, int]) -> str:
    begin = {"start": {"line": 1, "column": 0}}
    file = {
        "path": "/ci/src/cart.js",
        "fnMap": {"0": {"name": "add", "decl": begin, "loc": begin}},
        "f": {"0": 4},
        "statementMap": {str(line): {"start": {"line": line}, "end": {"line": line}} for line in hits},
        "s": {str(line): number for line, number in hits.items()},
    }
    return json.dumps({"/ci/src/cart.js": file})


def coverage_py(hits: dict[int, int]) -> str:
    region = {
        "executed_lines": [line for line, number in hits.items() if number],
        "missing_lines": [line for line, number in hits.items() if not number],
    }
    file = {**region, "functions": {"add": {**region, "start_line": 1}}}
    return json.dumps({"meta": {"format": 3}, "files": {"src/cart.js": file}})


def missed(folder: Path, *reports: str) -> list[tuple[tuple[int, int], ...]]:
    project = Project(folder / "project")
    project.write("src/cart.js", CART)
    paths = [project.write(f"report-{number}", text) for number, text in enumerate(reports)]
    return [each.missed for each in known(project.root, *paths).functions]


@pytest.mark.parametrize("report", [lcov, cobertura, istanbul, coverage_py])
def test_each_report_that_has_lines_tells_them(
    tmp_path: Path, report: Callable[[dict[int, int]], str]
) -> None:
    assert missed(tmp_path, report(HITS)) == [((3, 5), (10, 10))]


def test_a_line_that_one_of_several_reports_has_as_executed_was_run(tmp_path: Path) -> None:
    assert missed(tmp_path, lcov(HITS), istanbul({3: 1, 5: 1, 10: 0})) == [((10, 10),)] * 2


def test_a_function_that_no_test_runs_is_one_part(tmp_path: Path) -> None:
    assert missed(tmp_path, lcov(dict.fromkeys(HITS, 0))) == [((2, 12),)]


def test_a_report_without_lines_tells_none(tmp_path: Path) -> None:
    assert missed(tmp_path, LCOV.format("LF:0")) == [()]


WAYS = {2: (1, 2), 9: (2, 2)}
"""Taken, of."""


def with_ways(report: str, ways: dict[int, tuple[int, int]]) -> str:
    """A report of one of the formats, with these branches."""
    if report.startswith("SF:"):
        records = [
            f"BRDA:{line},0,{way},{'3' if way < taken else '-' if way % 2 else '0'}"
            for line, (taken, of) in ways.items()
            for way in range(of)
        ]
        return report.replace("end_of_record", "\n".join([*records, "end_of_record"]))
    if report.startswith("<"):
        for line, (taken, of) in ways.items():
            told = f'branch="true" condition-coverage="{100 * taken // of}% ({taken}/{of})"'
            report = report.replace(f'<line number="{line}" ', f'<line number="{line}" {told} ')
        return report
    document = json.loads(report)
    if "meta" in document:
        file = document["files"]["src/cart.js"]
        file["executed_branches"] = [[line, to] for line, (taken, _) in ways.items() for to in range(taken)]
        file["missing_branches"] = [
            [line, -to] for line, (taken, of) in ways.items() for to in range(taken, of)
        ]
    else:
        file = document["/ci/src/cart.js"]
        file["branchMap"] = {str(line): {"type": "if", "loc": {"start": {"line": line}}} for line in ways}
        file["b"] = {str(line): [1] * taken + [0] * (of - taken) for line, (taken, of) in ways.items()}
    return json.dumps(document)


def half_taken(folder: Path, *reports: str) -> list[tuple[int, ...]]:
    project = Project(folder / "project")
    project.write("src/cart.js", CART)
    paths = [project.write(f"report-{number}", text) for number, text in enumerate(reports)]
    return [each.half_taken for each in known(project.root, *paths).functions]


@pytest.mark.parametrize("report", [lcov, cobertura, istanbul, coverage_py])
def test_each_report_that_has_branches_tells_from_where_a_way_was_not_taken(
    tmp_path: Path, report: Callable[[dict[int, int]], str]
) -> None:
    assert half_taken(tmp_path, with_ways(report(HITS), WAYS)) == [(2,)]


def test_what_several_reports_may_have_taken_together_is_not_told(tmp_path: Path) -> None:
    one, other = with_ways(lcov(HITS), {2: (1, 3)}), with_ways(istanbul(HITS), {2: (1, 3), 9: (1, 2)})
    assert half_taken(tmp_path, one, other) == [(2, 9)] * 2
    one, other = (with_ways(report(HITS), {2: (1, 2)}) for report in (lcov, istanbul))
    assert half_taken(tmp_path, one, other) == [()] * 2


def test_from_a_line_that_no_test_runs_nothing_is_half_taken(tmp_path: Path) -> None:
    assert half_taken(tmp_path, with_ways(lcov(HITS), {2: (0, 2)})) == [()]
