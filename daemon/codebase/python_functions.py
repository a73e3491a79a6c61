"""Functions of a Python file, by the standard library's ast. Nothing of the file is executed."""

from __future__ import annotations

import ast
import warnings
from typing import Final

from daemon.codebase.hazards import PYTHON, Hazards
from daemon.codebase.parsed import FunctionBuilder, Parsed, is_test_file, one_line
from daemon.codebase.python_loops import Loops, gone_through_again, inside
from daemon.codebase.skipped_tests import Mark, by_mark, marks_of
from handlers.model import Hazard

_HAZARDS: Final = Hazards(PYTHON)
_ASYNCHRONOUS: Final = ("asyncio.", "anyio.", "trio.", "aiofiles.", "aiohttp.", "asyncpg.")
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DECISIONS: Final = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


def python_functions(file: str, raw: bytes) -> Parsed:
    """A syntax error gives no functions and a problem with its line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those are for the authors of the file
            tree = ast.parse(raw, type_comments=False)
    except SyntaxError as error:
        return Parsed(problem=f"{file}:{error.lineno or 1}: syntax error: {error.msg}")
    except (ValueError, RecursionError, MemoryError) as error:
        # The parser raises MemoryError where its own stack ends.
        return Parsed(problem=f"{file}:1: cannot be parsed: {error or 'is nested too deeply'}")
    return _Walk(file).walk(tree)


class _Walk:
    def __init__(self, file: str) -> None:
        self._file = file
        self._imports: dict[str, str] = {}
        self._found: list[FunctionBuilder] = []
        self._calls: list[tuple[ast.Call, FunctionBuilder, bool]] = []
        self._awaited: set[int] = set()
        self._marks: list[Mark] = []

    def walk(self, tree: ast.Module) -> Parsed:
        """Without recursion, since an expression can be nested deeply. Calls wait until imports are known."""
        self._marks += marks_of("", tree.body)
        pending: list[tuple[ast.AST, FunctionBuilder | None, str, Loops]] = [(tree, None, "", ())]
        while pending:
            node, function, prefix, loops = pending.pop()
            if isinstance(node, _FUNCTIONS):
                function, loops = self._enter(node, prefix), ()
                prefix = f"{function.qualified_name}."
                self._marks += (Mark(prefix, each) for each in node.decorator_list)
            elif isinstance(node, ast.ClassDef):
                prefix = f"{prefix}{node.name}."
                self._marks += (Mark(prefix, each) for each in node.decorator_list)
                self._marks += marks_of(prefix, node.body)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
            elif function is not None:
                self._count(node, function, loops)
            pending += [(child, function, prefix, around) for child, around in inside(node, loops)]
        for call, function, in_loop in self._calls:
            self._add_call(call, function, in_loop)
        if is_test_file(self._file):
            self._skip()
        return Parsed(tuple(each.build(self._file) for each in self._found))

    def _enter(self, node: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str) -> FunctionBuilder:
        result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        function = FunctionBuilder(
            name=node.name,
            qualified_name=f"{prefix}{node.name}",
            line=node.lineno,
            body_line=node.body[0].lineno,
            end_line=node.end_lineno or node.lineno,
            signature=one_line(f"({ast.unparse(node.args)}){result}"),
            is_async=isinstance(node, ast.AsyncFunctionDef),
        )
        self._found.append(function)
        return function

    def _count(self, node: ast.AST, function: FunctionBuilder, loops: Loops) -> None:
        function.hazards += (
            Hazard("growth", what, line, in_loop=True, blocks=False)
            for what, line in gone_through_again(node, loops)
        )
        if isinstance(node, ast.Call):
            self._calls.append((node, function, bool(loops)))
        elif isinstance(node, ast.Await):
            self._awaited.add(id(node.value))
        elif isinstance(node, ast.BoolOp):
            function.complexity += len(node.values) - 1
        elif isinstance(node, _COMPREHENSIONS):
            function.complexity += sum(1 + len(each.ifs) for each in node.generators)
        elif isinstance(node, _DECISIONS):
            function.complexity += 1

    def _skip(self) -> None:
        """A marker is for all that is inside."""
        for mark in self._marks:
            node = mark.node
            if skip := by_mark(self._dotted(node.func if isinstance(node, ast.Call) else node), mark):
                for function in self._found:
                    is_weaker = function.skip is None or function.skip.is_conditional
                    if is_weaker and f"{function.qualified_name}.".startswith(mark.prefix):
                        function.skip = skip

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for each in node.names:
            if isinstance(node, ast.ImportFrom):
                self._imports[each.asname or each.name] = f"{node.module or ''}.{each.name}".lstrip(".")
            elif each.asname:
                self._imports[each.asname] = each.name

    def _add_call(self, node: ast.Call, function: FunctionBuilder, in_loop: bool) -> None:
        name = self._dotted(node.func)
        if not name:
            return
        function.calls.add(name)
        if kind := _HAZARDS.kind_of(name):
            blocks = (id(node) not in self._awaited and not name.startswith(_ASYNCHRONOUS)) or kind == "wait"
            function.hazards.append(Hazard(kind, name, node.lineno, in_loop, blocks))

    def _dotted(self, node: ast.expr) -> str:
        """ "requests.get" of `r.get` after `import requests as r`; ".get" of what is no plain name."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        root = self._imports.get(node.id, node.id) if isinstance(node, ast.Name) else ""
        return ".".join((root, *reversed(parts))) if root or parts else ""
