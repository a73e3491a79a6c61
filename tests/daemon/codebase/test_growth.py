"""Work that grows with the product of two inputs is told from work that goes through each of them once."""

from __future__ import annotations

import pytest

from tests.daemon.codebase.test_functions import parsed


def grown(file: str, *lines: str) -> list[tuple[str, int]]:
    """What is gone through again, with its line."""
    found = parsed(file, "\n".join(lines) + "\n").functions
    return [(each.call, each.line) for one in found for each in one.hazards if each.kind == "growth"]


def of_python(*body: str) -> list[tuple[str, int]]:
    return grown("a.py", "def match(orders, items):", *(f"    {line}" for line in body))


@pytest.mark.parametrize(
    ("body", "over"),
    [
        pytest.param(
            ("for order in orders:", "    for item in items:", "        f()"), "items", id="two loops"
        ),
        pytest.param(("return [o for o in orders for i in items]",), "items", id="two in a comprehension"),
        pytest.param(
            ("for i in range(len(items)):", "    for j in range(i, len(items)):", "        f()"),
            "range(i, len(items))",
            id="each pair",
        ),
        pytest.param(("for order in orders:", "    f(items.index(order))"), "items", id="a search"),
        pytest.param(("for order in orders:", "    items.insert(0, order)"), "items", id="at the front"),
        pytest.param(("for order in orders:", "    f(sorted(items))"), "items", id="sorted again"),
        pytest.param(
            ("for order in orders:", "    f(any(i == order for i in items))"), "items", id="a generator"
        ),
        pytest.param(
            ("while orders:", "    for item in self.items:", "        f()"), "self.items", id="while and for"
        ),
    ],
)
def test_python_that_goes_through_it_again(body: tuple[str, ...], over: str) -> None:
    assert of_python(*body) == [(over, min(len(body) + 1, 3))]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            ("for order in orders:", "    for item in order.items:", "        f()"), id="its own items"
        ),
        pytest.param(
            ("for order in orders:", "    rows = order.rows", "    for row in rows:", "        f()"),
            id="what it computed of it",
        ),
        pytest.param(("for order in orders:", "    f()", "for item in items:", "    f()"), id="one by one"),
        pytest.param(("for order in orders:", "    for _ in range(3):", "        f()"), id="a fixed number"),
        pytest.param(("for order in sorted(items):", "    f()"), id="sorted once"),
        pytest.param(("for order in [i for i in items]:", "    f()"), id="computed once"),
        pytest.param(
            ("while orders:", "    o = orders.pop()", "    for c in o.children:", "        f()"), id="a tree"
        ),
        pytest.param(("for order in orders:", "    f(order.index('x'))"), id="a search in the item"),
    ],
)
def test_python_that_does_not(body: tuple[str, ...]) -> None:
    assert of_python(*body) == []


def test_what_a_loop_goes_through_is_computed_once() -> None:
    text = "import requests\ndef load(u):\n    for each in requests.get(u):\n        f(each)\n"
    (function,) = parsed("a.py", text).functions
    assert [each.in_loop for each in function.hazards] == [False]


@pytest.mark.parametrize(
    ("file", "body", "over"),
    [
        pytest.param(
            "a.ts", "for (const o of orders) { for (const i of items) { f(i); } }", "items", id="of"
        ),
        pytest.param(
            "a.ts",
            "for (let a = 0; a < items.length; a++) { for (let b = a + 1; b < items.length; b++) { f(); } }",
            "items",
            id="each pair",
        ),
        pytest.param(
            "a.ts", "orders.forEach(o => { items.forEach(i => f(o, i)); });", "items", id="callbacks"
        ),
        pytest.param("a.ts", "return orders.map(o => items.find(i => i.id === o.id));", "items", id="find"),
        pytest.param("a.ts", "for (const o of orders) { f(items.indexOf(o)); }", "items", id="indexOf"),
        pytest.param(
            "A.cs",
            "foreach (var o in orders) { foreach (var i in items) { F(i); } }",
            "items",
            id="C#: foreach",
        ),
        pytest.param("A.cs", "foreach (var o in orders) { F(items.First(o)); }", "items", id="C#: First"),
    ],
)
def test_other_languages_that_go_through_it_again(file: str, body: str, over: str) -> None:
    assert grown(file, *_function(file, body)) == [(over, 2)]


@pytest.mark.parametrize(
    ("file", "body"),
    [
        ("a.ts", "for (const o of orders) { for (const i of o.items) { f(i); } }"),
        ("a.ts", "for (const o of orders) { const rows = o.rows; for (const r of rows) { f(r); } }"),
        ("a.ts", "orders.forEach(o => { o.items.forEach(i => f(o, i)); });"),
        ("a.ts", "for (const o of orders) { for (let n = 0; n < 3; n++) { f(n); } }"),
        ("a.ts", "for (const o of orders) { f(o); } for (const i of items) { f(i); }"),
        ("A.cs", "foreach (var o in orders) { foreach (var i in o.Items) { F(i); } }"),
        ("A.cs", "foreach (var o in orders) { List<Row> rows = o.Rows; foreach (var r in rows) { F(r); } }"),
    ],
)
def test_other_languages_that_do_not(file: str, body: str) -> None:
    assert grown(file, *_function(file, body)) == []


def _function(file: str, body: str) -> tuple[str, ...]:
    if file.endswith(".cs"):
        return ("class A { void Match(Order[] orders, Item[] items) {", body, "} }")
    return ("function match(orders, items) {", body, "}")
