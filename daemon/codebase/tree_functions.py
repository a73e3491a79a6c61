"""Functions of a JavaScript, TypeScript or C# file, by tree-sitter (extra "code")."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from typing import Final

import msgspec
import tree_sitter

from daemon.codebase.parsed import FunctionBuilder, Parsed, is_test_file, one_line
from daemon.codebase.skipped_tests import by_attributes, by_call
from daemon.codebase.tree_languages import Language
from daemon.codebase.tree_loops import bound_names, gone_through, is_independent, of_callback, searched
from daemon.codebase.tree_names import (
    call_name,
    called_with,
    class_name,
    function_name,
    is_test_call,
    runs_often,
    test_title,
    text_of,
)
from handlers.model import Function, Hazard, Skip

_NOT_BLOCKING: Final = ("Task.Delay",)


class _Open(msgspec.Struct):
    """A part that has begun and not ended where the sweep is."""

    end: int
    function: FunctionBuilder | None = None
    prefix: str = ""
    loop: bool = False
    names: frozenset[str] = frozenset()
    """Those that depend on the item of a loop."""
    skip: Skip | None = None


def tree_functions(file: str, raw: bytes, language: Language) -> Parsed:
    """What is around a syntax error is understood, and the first error told. Text that is no code can take
    time that grows with the square of its length, and native code can crash: call it in a process of its own.

    Raises ImportError where the grammar is not installed.
    """
    parser, query = _tools(language.module, language.function, language.query)
    root = parser.parse(raw).root_node
    functions = _Sweep(file, language).sweep(tree_sitter.QueryCursor(query).captures(root))
    problem = f"{file}:{_error_line(root)}: syntax error; the rest is used" if root.has_error else ""
    return Parsed(functions, problem)


@functools.cache
def _tools(module: str, function: str, query: str) -> tuple[tree_sitter.Parser, tree_sitter.Query]:
    grammar = tree_sitter.Language(getattr(importlib.import_module(module), function)())
    return tree_sitter.Parser(grammar), tree_sitter.Query(grammar, query)


def _error_line(node: tree_sitter.Node) -> int:
    """Goes down to the first node that is wrong itself."""
    while not (node.is_error or node.is_missing):
        node = next((child for child in node.children if child.has_error or child.is_missing), node)
        if not any(child.has_error or child.is_missing for child in node.children):
            break
    return node.start_point.row + 1


class _Sweep:
    """Goes through the captured nodes in order of their place, with those that are open around it."""

    def __init__(self, file: str, language: Language) -> None:
        self._file = file
        self._hazards = language.hazards
        self._tests = is_test_file(file)
        self._open: list[_Open] = []
        self._found: list[FunctionBuilder] = []

    def sweep(self, captured: dict[str, list[tree_sitter.Node]]) -> tuple[Function, ...]:
        # A loop is a decision too; what contains comes before what it contains.
        nodes = sorted(
            ((node.start_byte, -node.end_byte, part, node) for part in captured for node in captured[part]),
            key=lambda each: each[:3],
        )
        for start, _, part, node in nodes:
            while self._open and self._open[-1].end <= start:
                self._open.pop()
            self._take(part, node)
        return tuple(each.build(self._file) for each in self._found)

    def _take(self, part: str, node: tree_sitter.Node) -> None:
        match part:
            case "function":
                self._enter(node)
            case "class":
                name = class_name(node)
                prefix = f"{name}." if name else ""
                self._open.append(_Open(node.end_byte, prefix=prefix, skip=self._skip_of(node)))
            case "loop":
                self._growth(gone_through(node), node)
                self._open.append(_Open(node.end_byte, loop=True, names=bound_names(node)))
            case "decision":
                if function := self._function():
                    function.complexity += 1
            case "call":
                self._call(node)
            case "wait":
                if function := self._function():
                    function.hazards.append(
                        Hazard("wait", ".Result", _line(node), self._in_loop(), blocks=True)
                    )

    def _function(self) -> FunctionBuilder | None:
        return next((each.function for each in reversed(self._open) if each.function), None)

    def _in_loop(self) -> bool:
        for each in reversed(self._open):
            if each.loop or each.function:
                return each.loop
        return False

    def _growth(self, over: str, node: tree_sitter.Node) -> None:
        """Tells what is gone through again for each item of the loops around."""
        function = self._function()
        if function is None or not over or not self._in_loop():
            return
        bound: frozenset[str] = frozenset()
        for each in reversed(self._open):
            if each.function:
                break
            bound |= each.names
        if is_independent(over, bound):
            function.hazards.append(Hazard("growth", over, _line(node), in_loop=True, blocks=False))

    def _enter(self, node: tree_sitter.Node) -> None:
        """A callback without a name belongs to the function around it."""
        name = function_name(node, titles=self._tests)
        if not name:
            often = runs_often(node)
            over, names = of_callback(node) if often else ("", frozenset[str]())
            self._growth(over, node)
            self._open.append(_Open(node.end_byte, loop=often, names=names, skip=self._skip_of(node)))
            return
        parameters = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        result = node.child_by_field_name("return_type") or node.child_by_field_name("returns")
        function = FunctionBuilder(
            name=name,
            qualified_name=f"{''.join(self._prefixes())}{name}",
            line=_line(node),
            body_line=_body_line(node),
            end_line=node.end_point.row + 1,
            signature=one_line(f"{text_of(parameters)}{_result(text_of(result))}"),
            is_async=any(child.type == "async" or child.text == b"async" for child in node.children[:6]),
            skip=self._skip_of(node) or next((each.skip for each in reversed(self._open) if each.skip), None),
        )
        self._found.append(function)
        self._open.append(_Open(node.end_byte, function, prefix=f"{name}.", skip=function.skip))

    def _skip_of(self, node: tree_sitter.Node) -> Skip | None:
        """By what a test or group of tests is called with, or its attributes."""
        if not self._tests:
            return None
        lists = (text_of(child) for child in node.children if child.type == "attribute_list")
        return by_call(called_with(node)) or next(filter(None, map(by_attributes, lists)), None)

    def _prefixes(self) -> Iterator[str]:
        return (each.prefix for each in self._open)

    def _call(self, node: tree_sitter.Node) -> None:
        function, name = self._function(), call_name(node)
        if self._tests and is_test_call(name):
            self._planned(node, name)
            return
        if function is None or not name:
            return
        function.calls.add(name)
        self._growth(searched(name), node)
        if kind := self._hazards.kind_of(name):
            awaited = node.parent is not None and node.parent.type == "await_expression"
            blocks = kind == "wait" or not (awaited or _is_asynchronous(name, self._file))
            function.hazards.append(Hazard(kind, name, _line(node), self._in_loop(), blocks))
        elif name.endswith("Sync"):
            function.hazards.append(Hazard("file", name, _line(node), self._in_loop(), blocks=True))

    def _planned(self, node: tree_sitter.Node, name: str) -> None:
        """A test that has a title alone is still to be written."""
        arguments, title = node.child_by_field_name("arguments"), test_title(node)
        if title and arguments and len(arguments.named_children) == 1 and (skip := by_call(name)):
            line, prefix = _line(node), "".join(self._prefixes())
            planned = FunctionBuilder(title, f"{prefix}{title}", line, line, line, "()", is_async=False)
            planned.skip = skip
            self._found.append(planned)


def _is_asynchronous(call: str, file: str) -> bool:
    """C# says so by the name; in JavaScript all is, but for what says that it is not."""
    if file.endswith(".cs"):
        return call.endswith("Async") or call in _NOT_BLOCKING
    return not (call.endswith("Sync") or call.startswith(("localStorage.", "sessionStorage.", "Atomics.")))


def _line(node: tree_sitter.Node) -> int:
    return node.start_point.row + 1


def _body_line(node: tree_sitter.Node) -> int:
    """That of the first statement, or of the expression that is the whole body."""
    body = node.child_by_field_name("body")
    if body is None:
        return _line(node)
    return _line(body.named_children[0] if "block" in body.type and body.named_children else body)


def _result(text: str) -> str:
    """TypeScript writes ": number", C# the type alone and first."""
    return f" -> {text.removeprefix(':').strip()}" if text else ""
