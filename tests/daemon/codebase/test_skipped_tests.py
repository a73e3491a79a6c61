"""A test that its source keeps from being run is known as such, with the line and the marker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.daemon.codebase.project import Project, known
from tests.daemon.codebase.test_functions import parsed


def skipped(file: str, text: str) -> dict[str, tuple[int, str, bool]]:
    """Line, marker and whether it depends on a condition, by name of the test."""
    found = parsed(file, text).functions
    return {each.name: (each.line, each.skip.marker, each.skip.is_conditional) for each in found if each.skip}


@pytest.mark.parametrize(
    ("decorator", "marker", "is_conditional"),
    [
        pytest.param("pytest.mark.skip", "", False, id="skip"),
        pytest.param("pytest.mark.skip(reason='slow')", "", False, id="skip with a reason"),
        pytest.param("pytest.mark.skipif(WINDOWS, reason='x')", "", True, id="skipif may run"),
        pytest.param("pytest.mark.xfail(run=False)", "", False, id="xfail that is not run"),
        pytest.param("pytest.mark.xfail(WINDOWS, run=False)", "", True, id="xfail under a condition"),
        pytest.param("unittest.skip('slow')", "", False, id="unittest"),
        pytest.param("unittest.skipUnless(LINUX, 'x')", "", True, id="unittest under a condition"),
        pytest.param("mark.skip", "@mark.skip", False, id="imported by another name"),
    ],
)
def test_decorators_of_python(decorator: str, marker: str, is_conditional: bool) -> None:
    imports = "import unittest\nimport pytest\nfrom pytest import mark\n\n"
    text = f"{imports}@{decorator}\ndef test_add():\n    add(1)\n"
    assert skipped("tests/test_a.py", text) == {"test_add": (6, marker or f"@{decorator}", is_conditional)}


@pytest.mark.parametrize(
    "decorator", ["pytest.mark.xfail", "pytest.mark.xfail(run=True)", "pytest.mark.parametrize('skip', [])"]
)
def test_other_decorators_skip_nothing(decorator: str) -> None:
    assert skipped("tests/test_a.py", f"import pytest\n@{decorator}\ndef test_add():\n    add(1)\n") == {}


@pytest.mark.parametrize(
    ("statement", "marker", "is_conditional"),
    [
        ("pytestmark = pytest.mark.skip(reason='x')", "", False),
        ("pytestmark = [pytest.mark.slow, pytest.mark.skip]", "pytestmark = pytest.mark.skip", False),
        (
            "pytestmark: object = pytest.mark.skipif(W, reason='x')",
            "pytestmark = pytest.mark.skipif(W, reason='x')",
            True,
        ),
        ("if W:\n    pytestmark = pytest.mark.skip", "pytestmark = pytest.mark.skip", True),
        ("pytest.skip('x', allow_module_level=True)", "", False),
        (
            "if W:\n    pytest.skip('x', allow_module_level=True)",
            "pytest.skip('x', allow_module_level=True)",
            True,
        ),
        ("np = pytest.importorskip('numpy')", "pytest.importorskip('numpy')", True),
    ],
)
def test_what_a_module_says_of_all_of_its_tests(statement: str, marker: str, is_conditional: bool) -> None:
    tests = "def test_add():\n    add(1)\nclass TestCart:\n    def test_pay(self): pass\n"
    text = f"import pytest\n{statement}\n{tests}"
    found = skipped("tests/test_a.py", text)
    assert {name: told[1:] for name, told in found.items()} == dict.fromkeys(
        ("test_add", "test_pay"), (marker or statement, is_conditional)
    )


@pytest.mark.parametrize(
    "statement", ["pytestmark = pytest.mark.anyio", "pytest.skip('x')", "mark = pytest.mark.skip", "setup()"]
)
def test_what_a_module_says_else_skips_nothing(statement: str) -> None:
    assert skipped("tests/test_a.py", f"import pytest\n{statement}\ndef test_add(): add(1)\n") == {}


def test_a_mark_of_a_class_is_for_its_tests_alone() -> None:
    text = (
        "import pytest\nclass TestCart:\n    pytestmark = pytest.mark.skip\n    def test_add(self): pass\n"
        "def test_pay(): pass\n"
    )
    assert [*skipped("tests/test_a.py", text)] == ["test_add"]


def test_a_skipped_class_skips_its_tests_and_no_other() -> None:
    text = (
        "import unittest\n@unittest.skip('x')\nclass TestCart:\n    @unittest.skipIf(W, 'y')\n"
        "    def test_add(self): pass\nclass TestCarts:\n    def test_pay(self): pass\n"
    )
    assert skipped("test_a.py", text) == {"test_add": (5, "@unittest.skip('x')", False)}


@pytest.mark.parametrize(
    ("text", "marker"),
    [
        pytest.param('it.skip("adds", () => { add(1); });', "it.skip", id="it.skip"),
        pytest.param('test.skip("adds", async () => { add(1); });', "test.skip", id="test.skip"),
        pytest.param(
            'test.concurrent.skip("adds", () => {});', "test.concurrent.skip", id="at the same time"
        ),
        pytest.param('xit("adds", function () { add(1); });', "xit", id="xit"),
        pytest.param('xtest("adds", () => {});', "xtest", id="xtest"),
        pytest.param('it.todo("adds");', "it.todo", id="it.todo has no body"),
        pytest.param(
            'describe.skip("cart", () => { it("adds", () => {}); });', "describe.skip", id="a group"
        ),
        pytest.param('xdescribe("cart", () => { it("adds", () => {}); });', "xdescribe", id="xdescribe"),
    ],
)
def test_calls_of_javascript(text: str, marker: str) -> None:
    other = 'it("pays", () => { pay(); });'
    assert skipped("cart.spec.ts", f"{text}\n{other}\n") == {"adds": (1, marker, False)}


def test_attributes_of_c_sharp() -> None:
    text = (
        'public class CartTests {\n[Fact(Skip = "slow")] public void Adds() { }\n'
        '[Test, Ignore("x")] public void Pays() { }\n[Fact] public void Ends() { }\n'
        '[Trait("a", "Skip")] public void Goes() { }\n}\n'
        "[Ignore]\nclass Old {\n[Test] public void Was() { }\n}\n"
    )
    assert skipped("CartTests.cs", text) == {
        "Adds": (2, '[Fact(Skip = "slow")]', False),
        "Pays": (3, '[Test, Ignore("x")]', False),
        "Was": (9, "[Ignore]", False),
    }


def test_only_tests_are_skipped() -> None:
    assert skipped("cart.ts", 'it.skip("adds", () => { add(1); });') == {}
    assert skipped("cart.py", "import pytest\n@pytest.mark.skip\ndef add(): pass\n") == {}


def test_a_declared_test_is_found_by_file_and_case_and_what_it_calls_counts_for_nothing(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path / "project")
    project.write("cart.ts", "export function add() {\n  return 1;\n}\nexport function pay() {}\n")
    tests = 'it.skip("adds", () => { add(); });\nit("pays", () => { pay(); });\n'
    project.write("src/tests/cart.spec.ts", tests)
    beats = [{"event": "a", "handler": "add", "testFile": "tests/cart.spec.ts", "testCase": "adds"}]
    path = project.write("cart.json", json.dumps({"id": "cart", "movements": [{"beats": beats}]}))
    codebase = known(project.root, path)
    assert {(each.known_by, each.file, each.line, each.skip is not None) for each in codebase.tests} == {
        ("declared", "tests/cart.spec.ts", 1, True),
        ("named", "src/tests/cart.spec.ts", 1, True),
    }
    assert codebase.tested_names == {"pay"}
