"""Names of functions, classes and calls in a tree of tree-sitter."""

from __future__ import annotations

import re
from typing import Final

import tree_sitter

_ITERATES: Final = frozenset({"forEach", "map", "filter", "reduce", "some", "every", "find", "flatMap"})
_TEST_CALLS: Final = re.compile(r"(?:it|test)(?:\.(?:only|skip|concurrent|each|fails|todo))*|xit|xtest")
_CHAIN: Final = re.compile(r"[\w$.?!#\s]+")
_MEMBERS: Final = frozenset({"member_expression", "member_access_expression"})
_MAX_CALL: Final = 120


def text_of(node: tree_sitter.Node | None) -> str:
    return (node.text or b"").decode(errors="replace") if node else ""


def class_name(node: tree_sitter.Node) -> str:
    """ "" for a class expression without a name."""
    return text_of(node.child_by_field_name("name"))


def function_name(node: tree_sitter.Node, *, titles: bool) -> str:
    """Its own name, else that of the variable, property or field that it becomes; "" for a mere callback.

    `titles`: the function of a test case has its title as name.
    """
    if own := node.child_by_field_name("name"):
        return text_of(own)
    holder = node.parent
    while holder is not None and holder.type in ("parenthesized_expression", "as_expression"):
        holder = holder.parent
    if holder is not None and holder.type == "arguments" and (call := holder.parent) is not None:
        if titles and _TEST_CALLS.fullmatch(call_name(call)):
            return test_title(call)
        holder = call.parent  # const save = debounce(() => ...)
        if holder is None or holder.type != "variable_declarator":
            return ""
    return _held_name(holder)


def _held_name(holder: tree_sitter.Node | None) -> str:
    match holder.type if holder else "":
        case "variable_declarator" | "public_field_definition":
            return text_of(holder.child_by_field_name("name")) if holder else ""
        case "field_definition":
            return text_of(holder.child_by_field_name("property")) if holder else ""
        case "pair":
            return text_of(holder.child_by_field_name("key")).strip("\"'") if holder else ""
        case "assignment_expression":
            left = text_of(holder.child_by_field_name("left")) if holder else ""
            return left.rpartition(".")[2] if _CHAIN.fullmatch(left) else ""
    return ""


def test_title(call: tree_sitter.Node) -> str:
    """The first argument, if it is text."""
    arguments = call.child_by_field_name("arguments")
    first = arguments.named_children[0] if arguments and arguments.named_children else None
    return text_of(first)[1:-1] if first and first.type in ("string", "template_string") else ""


def is_test_call(name: str) -> bool:
    return _TEST_CALLS.fullmatch(name) is not None


def called_with(node: tree_sitter.Node) -> str:
    """The name of the call that the function is an argument of, or ""."""
    call = node.parent.parent if node.parent and node.parent.type == "arguments" else None
    return call_name(call) if call is not None else ""


def runs_often(node: tree_sitter.Node) -> bool:
    """Whether a callback is called once an item."""
    return called_with(node).rpartition(".")[2] in _ITERATES


def call_name(node: tree_sitter.Node) -> str:
    """ "fs.readFileSync"; ".map" where what it is called on is no plain name; "" where nothing has a name."""
    function = node.child_by_field_name("function")
    if function is None:
        return ""
    text = text_of(function) if function.end_byte - function.start_byte <= _MAX_CALL else ""
    if _CHAIN.fullmatch(text):
        return re.sub(r"[\s?!]+", "", text)
    if function.type in _MEMBERS:
        return f".{text_of(function.child_by_field_name('property') or function.child_by_field_name('name'))}"
    return ""
