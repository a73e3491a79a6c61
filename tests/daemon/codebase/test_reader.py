"""Definitions, source, coverage, tests and owners brought together."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import anyio
import pytest

from daemon.codebase.link_coverage import Paths
from daemon.codebase.reader import CodebaseReader
from handlers.model import Codebase, Handler
from tests.daemon.codebase.project import Project, known

DATA = Path(__file__).parents[1] / "data"
SHOP = """\
class Cart:
    def add(self, item):
        return [item]

    def remove(self, item):
        return []


def total(prices):
    def with_tax(price):
        return price * 1.19
    return sum(map(with_tax, prices))


def never():
    return 1
"""
CART_JS = (
    "const add = (items, item) => {\n  return [...items, item];\n};\n\n"
    "function remove(items, item) {\n  return items.filter((each) => each !== item);\n}\n\n"
    "class Cart {\n  total() {\n    return 1;\n  }\n}\n"
)


def definition(*handlers: str, plugin: str = "Cart") -> str:
    beats = [{"event": f"cart:{name}", "handler": name} for name in handlers]
    return json.dumps({"id": "cart", "pluginId": plugin, "movements": [{"beats": beats}]})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.commit("nothing yet")
    return project


def handler(codebase: Codebase, name: str) -> Handler:
    return next(each for each in codebase.handlers if each.name == name)


def place(codebase: Codebase, name: str) -> str:
    found = handler(codebase, name)
    return f"{found.file}:{found.line}-{found.end_line}"


def test_a_declared_handler_has_the_place_and_the_owners_of_its_function(project: Project) -> None:
    project.write("CODEOWNERS", "src/ @shop\n")
    project.write("src/cart.ts", "\nexport const add = (data: Item) => {\n  return data;\n};\n")
    codebase = known(project.root, project.write("sequences/cart.json", definition("add")))
    assert place(codebase, "add") == "src/cart.ts:2-4"
    assert handler(codebase, "add").owners == ("@shop",)
    assert codebase.sequences[0].path_in_root == "sequences/cart.json"
    assert codebase.problems == ()


def test_of_namesakes_the_method_of_the_plug_in_is_the_handler(project: Project) -> None:
    project.write("cart.py", "class Cart:\n    def add(self):\n        pass\n")
    project.write("wish.py", "class Wish:\n    def add(self):\n        pass\n")
    codebase = known(project.root, project.write("cart.json", definition("add")))
    assert place(codebase, "add") == "cart.py:2-3"


def test_of_other_namesakes_none_is_taken_and_all_are_told(project: Project) -> None:
    for name in ("a", "b", "c", "d"):
        project.write(f"{name}.py", "def add():\n    pass\n")
    project.write("tests/x.py", "def add():\n    pass\n")
    codebase = known(project.root, project.write("cart.json", definition("add")))
    assert handler(codebase, "add").file == ""
    (problem,) = codebase.problems
    assert problem == (
        "a.py:1, b.py:1, c.py:1 and 1 more: all are called as the handler Cart.add, so none of them is taken "
        "for it"
    )


def test_a_root_that_is_not_there_is_told(tmp_path: Path) -> None:
    (problem,) = known(tmp_path / "gone").problems
    assert problem == f"{tmp_path / 'gone'}: project.root is no folder that can be read"


@pytest.mark.parametrize(
    "report",
    ["coverage-lines.sqlite.gz", "coverage-arcs.sqlite.gz", "cobertura-lines.xml", "contexts.json"],
)
def test_each_report_of_coverage_py_tells_the_same_functions(project: Project, report: str) -> None:
    project.write("shop.py", SHOP)
    raw = (DATA / report).read_bytes()
    path = project.root.parent / ".coverage"
    path.write_bytes(gzip.decompress(raw) if report.endswith(".gz") else raw)
    codebase = known(project.root, path)
    assert codebase.problems == ()
    assert sorted((each.name, each.file, each.line, each.executed) for each in codebase.functions) == [
        ("Cart.add", "shop.py", 2, True),
        ("Cart.remove", "shop.py", 5, False),
        ("never", "shop.py", 15, False),
        ("total", "shop.py", 9, True),
        ("total.with_tax", "shop.py", 10, True),
    ]


@pytest.mark.parametrize("report", ["istanbul.json", "cobertura-istanbul.xml"])
def test_functions_without_a_name_are_found_by_their_line(project: Project, report: str) -> None:
    project.write("src/cart.js", CART_JS)
    codebase = known(project.root, DATA / report)
    assert [(each.name, each.file, each.executed) for each in codebase.functions] == [
        ("add", "src/cart.js", True),
        ("remove", "src/cart.js", True),
        ("Cart.total", "src/cart.js", False),
    ]
    assert codebase.problems == ()


def test_a_function_on_one_line_is_not_known_to_be_executed_by_its_line(project: Project) -> None:
    project.write("a.js", "const add = (a) => a;\nconst remove = (a) => a;\n")
    report = project.write("lcov.info", "SF:a.js\nDA:1,1\nDA:2,0\nend_of_record\n")
    codebase = known(project.root, report)
    assert [(each.name, each.executed) for each in codebase.functions] == [("remove", False)]


def test_a_folder_is_looked_through_for_data_files_and_xml(project: Project) -> None:
    project.write("shop.py", SHOP)
    folder = project.root.parent / "reports"
    folder.mkdir()
    (folder / ".coverage.host.1").write_bytes(
        gzip.decompress((DATA / "coverage-lines.sqlite.gz").read_bytes())
    )
    shutil.copy(DATA / "jacoco.xml", folder)
    assert len({each.source for each in known(project.root, folder).functions}) == 2


def test_lines_of_a_file_that_is_not_here_are_told(tmp_path: Path) -> None:
    (problem,) = anyio.run(CodebaseReader([DATA / "cobertura-lines.xml"]).load_codebase).problems
    assert "does not name the functions of shop.py, and no such file is known; set project.root" in problem


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("src/cart.js", "src/cart.js", id="from the root"),
        pytest.param("/home/ci/work/src/cart.js", "src/cart.js", id="whole, of another machine"),
        pytest.param("cart.js", "", id="a name that two files have"),
        pytest.param("/ci/lib/cart.js", "lib/cart.js", id="the longer end"),
        pytest.param("/ci/other/cart.js", "", id="another folder"),
        pytest.param("only.js", "deep/er/only.js", id="from a folder inside"),
        pytest.param("../../ci/src/cart.js", "src/cart.js", id="by way of parents"),
        pytest.param("", "", id="no path"),
    ],
)
def test_a_path_of_a_report_is_found_by_its_end(path: str, found: str) -> None:
    assert Paths(["src/cart.js", "lib/cart.js", "deep/er/only.js"]).find(path) == found


def test_tests_are_known_by_declaration_by_execution_and_by_name(project: Project) -> None:
    project.write("shop.py", SHOP)
    project.write("tests/test_shop.py", "def test_one():\n    Cart().add(1)\ndef test_total():\n    pass\n")
    report = project.root.parent / "contexts.json"
    shutil.copy(DATA / "contexts.json", report)
    path = project.write("cart.json", definition("add", "total", "never"))
    declared = json.loads(path.read_text())
    declared["movements"][0]["beats"][2] |= {"testFile": "tests/x.py", "testCase": "runs"}
    path.write_text(json.dumps(declared))
    codebase = known(project.root, path, report)
    assert {(each.known_by, each.file, each.case, each.covers) for each in codebase.tests} == {
        ("declared", "tests/x.py", "runs", ("never",)),
        ("executed", "", "__main__.test_add", ("add",)),
        ("executed", "", "__main__.test_total", ("total",)),
        ("named", "tests/test_shop.py", "test_one", ("add",)),
    }
    assert codebase.tested_names == {"Cart", "add"}


def test_nothing_is_merged_again_while_nothing_changes(project: Project) -> None:
    path = project.write("cart.json", definition("add"))
    source = project.write("cart.py", "def add():\n    pass\n")
    project.commit("first")
    reader = CodebaseReader([path], project.root)
    before = anyio.run(reader.load_codebase)
    assert anyio.run(reader.load_codebase) is before
    source.write_text("\ndef add():\n    pass\n")
    changed = anyio.run(reader.load_codebase)
    assert place(changed, "add") == "cart.py:2-3"
    assert changed.edited == {"cart.py"}
    project.commit("second")
    committed = anyio.run(reader.load_codebase)
    assert (len(committed.commits), committed.edited) == (2, frozenset())


def test_a_checkout_rests_between_two_looks(project: Project) -> None:
    project.write("a.py", "def one():\n    pass\n")
    reader = CodebaseReader([], project.root, rest_s=3600)
    before = anyio.run(reader.load_codebase)
    project.write("b.py", "def two():\n    pass\n")
    assert anyio.run(reader.load_codebase) is before
