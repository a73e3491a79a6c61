"""Loops of Python: what they go through, and whether they do it again for each item of another loop."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from typing import Final

from daemon.codebase.parsed import one_line

Loops = tuple[frozenset[str], ...]
"""Of each loop around a place, outermost first, the names that depend on its item."""
Loop = ast.For | ast.AsyncFor | ast.While
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

_BUILTIN: Final = frozenset(dir(builtins))
_GO_THROUGH: Final = frozenset({"index", "count", "remove"})
_AT_THE_FRONT: Final = frozenset({"insert", "pop"})
_OF_ALL: Final = frozenset({"sorted", "min", "max", "sum"})


def inside(node: ast.AST, loops: Loops) -> Iterator[tuple[ast.AST, Loops]]:
    """The children of a node with the loops around each: what a loop goes through is computed once."""
    if isinstance(node, ast.For | ast.AsyncFor):
        yield node.iter, loops
        within = (*loops, _stored([node.target, *node.body]))
        yield from ((each, within) for each in (node.target, *node.body))
        yield from ((each, loops) for each in node.orelse)
    elif isinstance(node, ast.While):
        within = (*loops, _stored(node.body))
        yield from ((each, within) for each in (node.test, *node.body))
        yield from ((each, loops) for each in node.orelse)
    elif isinstance(node, Comprehension):
        within = loops
        for each in node.generators:
            yield each.iter, within
            within = (*within, _stored([each.target]))
            yield from ((test, within) for test in (each.target, *each.ifs))
        elements = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        yield from ((each, within) for each in elements)
    else:
        yield from ((each, loops) for each in ast.iter_child_nodes(node))


def gone_through_again(node: ast.AST, loops: Loops) -> Iterator[tuple[str, int]]:
    """What a node within `loops` goes through although it does not depend on their items, and its line."""
    if isinstance(node, ast.For | ast.AsyncFor):
        yield from _if_independent(node.iter, loops)
    elif isinstance(node, Comprehension):
        for each in node.generators:
            yield from _if_independent(each.iter, loops)
            loops = (*loops, _stored([each.target]))
    elif isinstance(node, ast.Call):
        yield from _by_call(node, loops)


def _by_call(node: ast.Call, loops: Loops) -> Iterator[tuple[str, int]]:
    match node:
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in _OF_ALL and len(node.args) == 1:
            if not isinstance(first, ast.GeneratorExp):  # that one is a loop by itself
                yield from _if_independent(first, loops)
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _GO_THROUGH:
            yield from _if_independent(value, loops)
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=[ast.Constant(value=0), *_]) if (
            name in _AT_THE_FRONT
        ):
            yield from _if_independent(value, loops)


def _if_independent(iterated: ast.expr, loops: Loops) -> Iterator[tuple[str, int]]:
    names = {each.id for each in ast.walk(iterated) if isinstance(each, ast.Name)} - _BUILTIN
    bound = frozenset().union(*loops)
    is_range = (
        isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Name) and iterated.func.id == "range"
    )
    free = names - bound
    if loops and free and (is_range or not names & bound):
        yield one_line(ast.unparse(iterated)), iterated.lineno


def _stored(nodes: Iterable[ast.AST]) -> frozenset[str]:
    return frozenset(
        each.id
        for node in nodes
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    )
