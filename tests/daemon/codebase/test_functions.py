"""What is known of a function: place, signature, complexity, calls, and what it waits for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.codebase.parsed import Parsed, is_test_file
from daemon.codebase.python_functions import python_functions
from daemon.codebase.tree_functions import tree_functions
from daemon.codebase.tree_languages import LANGUAGES
from handlers.model import Function

PYTHON = '''\
import time
import requests as http
from pathlib import Path
from subprocess import run as start


class Cart:
    async def add(
        self, items: list[str],
        limit: int = 3,
    ) -> dict[str, int]:
        """Adds."""
        for item in items:
            if item and limit or item == "x":
                http.get(item)
        time.sleep(1)
        await client.execute("select")
        return {each: 1 for each in items if each}

    def save(self):
        def write(path):
            path.write_text("x")
        with open("a") as out:
            start(["ls"])
        try:
            return write(Path("b"))
        except (OSError, ValueError):
            match self:
                case 1:
                    pass
        while True:
            pass
'''
TYPESCRIPT = """\
import fs from "fs";
export class Cart {
  async add(
    items: string[],
  ): Promise<number> {
    for (const item of items) {
      await fetch(item);
      if (item && this.limit) { fs.readFileSync(item); }
    }
    return items.length ?? 0;
  }
  save = (path: string) => { items.map((each) => fs.writeFileSync(path, each)); };
}
export const total = debounce(async (a) => a ? 1 : 2);
function outer() {
  const inner = () => execSync("ls");
  try { return inner(); } catch (error) { throw error; }
}
export const handlers = { show: function (data) { return data.x(); }, hide(data) {} };
exports.go = () => 1;
"""
C_SHARP = """\
namespace Shop;
public class Cart
{
    public async Task<int> AddAsync(string[] items, int limit)
    {
        foreach (var item in items)
        {
            Thread.Sleep(5);
            await db.SaveChangesAsync();
            if (item != null && limit > 0) File.ReadAllText(item);
        }
        var answer = client.GetAsync("u").Result;
        switch (limit) { case 1: break; case 2: break; default: break; }
        return answer?.Count ?? 0;
    }
    public Cart() { }
}
"""


def parsed(file: str, text: str) -> Parsed:
    suffix = file[file.rindex(".") :]
    if suffix == ".py":
        return python_functions(file, text.encode())
    return tree_functions(file, text.encode(), LANGUAGES[suffix])


def function(name: str, file: str = "", text: str = "") -> Function:
    sources = [(file, text)] if file else [("a.py", PYTHON), ("a.ts", TYPESCRIPT), ("A.cs", C_SHARP)]
    found = [each for source in sources for each in parsed(*source).functions if each.qualified_name == name]
    return found[0]


@pytest.mark.parametrize(
    ("file", "text", "functions"),
    [
        pytest.param(
            "a.py",
            PYTHON,
            [("Cart.add", 8, 12, 18), ("Cart.save", 20, 21, 32), ("Cart.save.write", 21, 22, 22)],
            id="Python: the body begins behind a long signature",
        ),
        pytest.param(
            "a.ts",
            TYPESCRIPT,
            [
                ("Cart.add", 3, 6, 11),
                ("Cart.save", 12, 12, 12),
                ("total", 14, 14, 14),
                ("outer", 15, 16, 18),
                ("outer.inner", 16, 16, 16),
                ("show", 19, 19, 19),
                ("hide", 19, 19, 19),
                ("go", 20, 20, 20),
            ],
            id="TypeScript: methods, and arrow functions by what they become",
        ),
        pytest.param("A.cs", C_SHARP, [("Cart.AddAsync", 4, 6, 15), ("Cart.Cart", 16, 16, 16)], id="C#"),
        pytest.param("a.mjs", "const f = function* () { yield 1; };", [("f", 1, 1, 1)], id="JavaScript"),
        pytest.param("a.jsx", "const F = () => <p>{g()}</p>;", [("F", 1, 1, 1)], id="JSX"),
        pytest.param("a.tsx", "const F = (p: P) => <p>{g()}</p>;", [("F", 1, 1, 1)], id="TSX"),
    ],
)
def test_functions_have_names_and_lines(
    file: str, text: str, functions: list[tuple[str, int, int, int]]
) -> None:
    known = parsed(file, text)
    found = sorted(known.functions, key=lambda each: (each.line, each.end_line == each.line))
    assert [(each.qualified_name, each.line, each.body_line, each.end_line) for each in found] == functions
    assert known.problem == ""


@pytest.mark.parametrize(
    ("name", "complexity"),
    [
        pytest.param("Cart.save.write", 1, id="a straight line is 1"),
        pytest.param("Cart.save", 4, id="Python: except, case and while; not what is in a function inside"),
        pytest.param("total", 2, id="TypeScript: a conditional expression"),
        pytest.param("outer", 2, id="TypeScript: catch"),
        pytest.param("Cart.AddAsync", 7, id="C#: foreach, if, &&, two cases without the default, ??"),
    ],
)
def test_complexity_is_one_and_one_for_each_decision(name: str, complexity: int) -> None:
    assert function(name).complexity == complexity


def test_a_signature_is_on_one_line() -> None:
    assert function("Cart.add").signature == "(self, items: list[str], limit: int=3) -> dict[str, int]"
    assert function("Cart.add", "a.ts", TYPESCRIPT).signature == "( items: string[], ) -> Promise<number>"
    assert function("Cart.AddAsync").signature == "(string[] items, int limit) -> Task<int>"


def test_calls_are_named_as_they_are_imported() -> None:
    assert function("Cart.add").calls == ("client.execute", "requests.get", "time.sleep")
    assert function("Cart.save").calls == ("open", "pathlib.Path", "subprocess.run", "write")
    assert function("outer").calls == ("inner",)


@pytest.mark.parametrize(
    ("file", "text", "name", "hazards"),
    [
        pytest.param(
            "a.py",
            PYTHON,
            "Cart.add",
            [
                ("network", "requests.get", 15, True, True),
                ("sleep", "time.sleep", 16, False, True),
                ("database", "client.execute", 17, False, False),
            ],
            id="Python: a request in a loop and a sleep in a coroutine block, what is awaited does not",
        ),
        pytest.param(
            "a.py",
            PYTHON,
            "Cart.save",
            [("file", "open", 23, False, True), ("process", "subprocess.run", 24, False, True)],
            id="Python: files and processes, also under another name",
        ),
        pytest.param(
            "a.ts",
            TYPESCRIPT,
            "Cart.add",
            [("network", "fetch", 7, True, False), ("file", "fs.readFileSync", 8, True, True)],
            id="TypeScript: what ends in Sync blocks",
        ),
        pytest.param(
            "a.ts",
            TYPESCRIPT,
            "Cart.save",
            [("file", "fs.writeFileSync", 12, True, True)],
            id="TypeScript: a callback of map runs once an item",
        ),
        pytest.param(
            "A.cs",
            C_SHARP,
            "Cart.AddAsync",
            [
                ("sleep", "Thread.Sleep", 8, True, True),
                ("database", "db.SaveChangesAsync", 9, True, False),
                ("file", "File.ReadAllText", 10, True, True),
                ("wait", ".Result", 12, False, True),
                ("network", "client.GetAsync", 12, False, False),
            ],
            id="C#: the result of a task blocks",
        ),
    ],
)
def test_what_a_function_waits_for(
    file: str, text: str, name: str, hazards: list[tuple[str, str, int, bool, bool]]
) -> None:
    found = function(name, file, text).hazards
    assert [(each.kind, each.call, each.line, each.in_loop, each.blocks) for each in found] == hazards


def test_asynchronous_functions_are_told() -> None:
    assert [function(name).is_async for name in ("Cart.add", "total", "Cart.AddAsync")] == [True] * 3
    assert [function(name).is_async for name in ("Cart.save", "outer", "Cart.Cart")] == [False] * 3


def test_a_test_case_of_javascript_has_its_title_as_name() -> None:
    text = 'describe("cart", () => { it("adds an item", async () => { add(1); }); });'
    (case,) = parsed("cart.spec.ts", text).functions
    assert (case.name, case.calls, case.is_test) == ("adds an item", ("add",), True)


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        pytest.param("a.py", "a.py:2: syntax error: ", id="Python: nothing is known"),
        pytest.param("a.js", "a.js:2: syntax error; the rest is used", id="JavaScript"),
        pytest.param("a.cs", "a.cs:2: syntax error; the rest is used", id="C#"),
    ],
)
def test_a_syntax_error_is_told_with_its_line(file: str, problem: str) -> None:
    assert parsed(file, "\n= = (\n").problem.startswith(problem)


def test_what_is_around_a_syntax_error_is_known() -> None:
    known = parsed("a.ts", "function good() { go(); }\nlet x = = 3;\nfunction fine() {}\n")
    assert [each.name for each in known.functions] == ["good", "fine"]
    assert known.problem.startswith("a.ts:2: ")


@pytest.mark.parametrize("text", ["(" * 5_000, "f(" * 20_000, "-" * 100_000 + "1", "[" * 3000])
@pytest.mark.parametrize("file", ["a.py", "a.ts", "a.cs"])
def test_text_nested_without_end_is_no_crash(file: str, text: str) -> None:
    parsed(file, f"def f():\n    {text}\n" if file == "a.py" else f"function f() {{ {text} }}")


@given(st.text(max_size=200), st.sampled_from(["a.py", "a.js", "a.ts", "a.tsx", "a.cs"]))
def test_any_text_can_be_read(text: str, file: str) -> None:
    known = parsed(file, text.encode("utf-8", "replace").decode("utf-8", "replace"))
    assert all(1 <= each.line <= each.end_line for each in known.functions)


@pytest.mark.parametrize(
    ("file", "is_test"),
    [
        ("tests/cart.py", True),
        ("src/test_cart.py", True),
        ("src/cart_test.py", True),
        ("src/__tests__/cart.ts", True),
        ("src/cart.spec.tsx", True),
        ("src/CartTests.cs", True),
        ("Shop.Tests/Cart.cs", True),
        ("src/cart.py", False),
        ("src/latest/cart.ts", False),
        ("src/contest.py", False),
    ],
)
def test_a_test_file_is_known_by_its_name(file: str, is_test: bool) -> None:
    assert is_test_file(file) == is_test
