"""Loops of JavaScript, TypeScript and C#: what they go through, and which names depend on their items."""

from __future__ import annotations

import re
from typing import Final

import tree_sitter

from daemon.codebase.parsed import one_line
from daemon.codebase.tree_names import called_with, text_of

_NAME: Final = re.compile(r"(?<![\w$.'\"])[A-Za-z_$][\w$]*")
_DECLARED: Final = re.compile(
    r"\b(?:const|let|var)\s+([^=;]{1,200}?)\s*=[^=>]"
    r"|(?:^|[;{}])\s*[A-Z_a-z][\w<>\[\],?. ]{0,80}\s([A-Za-z_]\w*)\s*=[^=>]"
)
"""A variable of JavaScript, or of C# with its type."""
_BOUND: Final = re.compile(
    r"[<>]=?\s*(?P<over>[A-Za-z_$][\w$.]*?)(?:\.(?:length|size|Length|Count))?(?![\w$.(])"
)
_SEARCHES: Final = frozenset(
    {
        "indexOf",
        "includes",
        "lastIndexOf",
        "findIndex",
        "shift",
        "unshift",
        "IndexOf",
        "First",
        "FirstOrDefault",
        "Single",
        "SingleOrDefault",
        "Where",
        "Any",
        "OrderBy",
        "RemoveAt",
    }
)
_KEYWORDS: Final = frozenset(
    {"Math", "Object", "Array", "Number", "String", "JSON", "this", "new", "await", "keys", "values"}
)


def gone_through(node: tree_sitter.Node) -> str:
    """What a loop goes through; "" where that cannot be told, or is a fixed number of steps."""
    if right := node.child_by_field_name("right"):
        return one_line(text_of(right))
    condition = node.child_by_field_name("condition") if node.type == "for_statement" else None
    bound = _BOUND.search(text_of(condition))
    return bound["over"] if bound else ""


def bound_names(node: tree_sitter.Node) -> frozenset[str]:
    """The names that depend on the item of a loop, or are computed within it."""
    left = node.child_by_field_name("left") or node.child_by_field_name("initializer")
    names = set(_NAME.findall(text_of(left)))
    for match in _DECLARED.finditer(text_of(node.child_by_field_name("body"))):
        names.update(_NAME.findall(match[1] or match[2]))
    return frozenset(names)


def of_callback(node: tree_sitter.Node) -> tuple[str, frozenset[str]]:
    """What a function that is called once an item goes through, and the names that depend on the item."""
    parameters = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
    names = frozenset(_NAME.findall(text_of(parameters)))
    for match in _DECLARED.finditer(text_of(node.child_by_field_name("body"))):
        names |= frozenset(_NAME.findall(match[1] or match[2]))
    return called_with(node).rpartition(".")[0], names


def searched(call: str) -> str:
    """What a call goes through item by item: "items" of "items.indexOf"; "" for other calls."""
    receiver, _, method = call.rpartition(".")
    return receiver if method in _SEARCHES else ""


def is_independent(over: str, bound: frozenset[str]) -> bool:
    """Whether what is gone through is the same for each item of the loops around, whose names are `bound`."""
    names = frozenset(_NAME.findall(over)) - _KEYWORDS
    return bool(names) and not names & bound
