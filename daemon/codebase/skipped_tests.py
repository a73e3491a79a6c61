"""How source code says that a test is not run: markers of pytest, unittest, Jest, Vitest, NUnit and xUnit."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Final

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


def by_decorator(name: str, node: ast.expr) -> Skip | None:
    """Of Python. `name`: of the decorator `node`, with imports resolved."""
    if name in _DECORATORS:
        return Skip(one_line(f"@{ast.unparse(node)}"), _DECORATORS[name])
    if name != "pytest.mark.xfail" or not isinstance(node, ast.Call):
        return None
    named = {each.arg: ast.unparse(each.value) for each in node.keywords}
    if named.get("run") != "False":
        return None
    return Skip(one_line(f"@{ast.unparse(node)}"), is_conditional=bool(node.args) or "condition" in named)


def by_call(name: str) -> Skip | None:
    """Of JavaScript and TypeScript. `name`: of what is called with the title of a test or group."""
    return Skip(name) if _CALL.fullmatch(name) else None


def by_attributes(text: str) -> Skip | None:
    """Of C#. `text`: one list of attributes, with its brackets."""
    return Skip(one_line(text)) if _ATTRIBUTE.search(text) else None
