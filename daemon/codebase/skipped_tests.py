"""How source code says that a test is not run: markers of pytest, unittest, Jest, Vitest, NUnit and xUnit."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from daemon.codebase.parsed import one_line
from handlers.model import Skip

_DECORATORS: Final[Mapping[str, bool]] = {
    "pytest.mark.skip": False,
    "pytest.mark.skipif": True,
    "unittest.skip": False,
    "unittest.skipIf": True,
    "unittest.skipUnless": True,
}
"""With whether they depend on a condition."""
_CALL: Final = re.compile(
    r"x(?:it|test|describe)|(?:it|test|describe|suite)(?:\.\w+)*\.(?:skip|todo)(?:\.\w+)*"
)
_ATTRIBUTE: Final = re.compile(
    r"\bIgnore(?:Attribute)?\b|\b(?:Fact|Theory)(?:Attribute)?\s*\([^\]]*\bSkip\s*="
)


class Mark(msgspec.Struct, frozen=True):
    """A decorator, or what is said of a whole class or module, for all tests whose name begins so."""

    prefix: str
    """ "" for the whole module."""
    node: ast.expr
    written: str = "@"
    """What stands before it."""
    is_conditional: bool = False


def marks_of(prefix: str, body: Iterable[ast.stmt]) -> Iterator[Mark]:
    """What a module or class says of all of its tests: `pytestmark`, or a skip where it is imported."""
    for each in body:
        match each:
            case ast.Assign(targets=[ast.Name("pytestmark")], value=value):
                yield from _of_pytestmark(prefix, value)
            case ast.AnnAssign(target=ast.Name("pytestmark"), value=ast.expr() as value):
                yield from _of_pytestmark(prefix, value)
            case ast.Expr(value=ast.Call() as call) | ast.Assign(value=ast.Call() as call):
                yield Mark(prefix, call, "")
            case ast.If():
                inside = marks_of(prefix, (*each.body, *each.orelse))
                yield from (msgspec.structs.replace(mark, is_conditional=True) for mark in inside)


def _of_pytestmark(prefix: str, value: ast.expr) -> Iterator[Mark]:
    marks = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
    yield from (Mark(prefix, each, "pytestmark = ") for each in marks)


def by_mark(name: str, mark: Mark) -> Skip | None:
    """Of Python. `name`: of the mark, with imports resolved."""
    node, marker = mark.node, one_line(f"{mark.written}{ast.unparse(mark.node)}")
    named = {each.arg: ast.unparse(each.value) for each in getattr(node, "keywords", ())}
    if not mark.written:
        if name == "pytest.skip" and named.get("allow_module_level") == "True":
            return Skip(marker, mark.is_conditional)
        return Skip(marker, is_conditional=True) if name == "pytest.importorskip" else None
    if name in _DECORATORS:
        return Skip(marker, mark.is_conditional or _DECORATORS[name])
    if name != "pytest.mark.xfail" or named.get("run") != "False":
        return None
    has_condition = bool(getattr(node, "args", ())) or "condition" in named
    return Skip(marker, mark.is_conditional or has_condition)


def by_call(name: str) -> Skip | None:
    """Of JavaScript and TypeScript. `name`: of what is called with the title of a test or group."""
    return Skip(name) if _CALL.fullmatch(name) else None


def by_attributes(text: str) -> Skip | None:
    """Of C#. `text`: one list of attributes, with its brackets."""
    return Skip(one_line(text)) if _ATTRIBUTE.search(text) else None
