"""Which function in the source of the watched project is a handler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from handlers.model import CoveredFunction, Function, Handler


def functions_by_name(functions: Iterable[Function]) -> dict[str, list[Function]]:
    """Those that can be handlers: none of the functions in test files."""
    found: dict[str, list[Function]] = {}
    for function in functions:
        if not function.is_test:
            found.setdefault(function.name, []).append(function)
    return found


def candidates(handler: Handler, by_name: Mapping[str, list[Function]]) -> list[Function]:
    """The functions that the handler can be; one if it is known.

    Of namesakes, the method of the class that is called as the plug-in is the handler.
    """
    owner, _, name = handler.name.rpartition(".")
    alike = by_name.get(name, []) if name else []
    if len(alike) > 1:
        classes = {_last(handler.plugin), _last(owner)} - {""}
        methods = [each for each in alike if _last(each.qualified_name.rpartition(".")[0]) in classes]
        return methods or alike
    return alike


def covered_by_name(covered: Iterable[CoveredFunction]) -> dict[str, list[CoveredFunction]]:
    """What coverage reports say, by the last part of the name: "Cart.add" is the handler add."""
    found: dict[str, list[CoveredFunction]] = {}
    for function in covered:
        found.setdefault(_last(function.name), []).append(function)
    return found


def measured_functions(
    covered: Mapping[str, list[CoveredFunction]], handler: Handler, name: str
) -> list[CoveredFunction]:
    """What coverage reports say of the handler. `covered`: by name; `name`: of its function.

    Where its place is known, only what stands there counts if reports list it; else the method of the class
    that is called as the plug-in, if there is one; else all functions of that name.
    """
    alike = covered.get(_last(name), []) if name else []
    there = [
        each for each in alike if handler.file == each.file and handler.line <= each.line <= handler.end_line
    ]
    if handler.file and there:
        return there
    classes = {_last(handler.plugin)} - {""}
    return [each for each in alike if _last(each.name.rpartition(".")[0]) in classes] or alike


def at(handler: Handler, function: Function, owners: Mapping[str, tuple[str, ...]]) -> Handler:
    """The handler with the place and the owners of its function. `owners`: by file."""
    return replace(
        handler,
        file=function.file,
        line=function.line,
        end_line=function.end_line,
        owners=owners.get(function.file, ()),
    )


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]
