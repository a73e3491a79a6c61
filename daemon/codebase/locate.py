"""Which function in the source is a declared handler."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from daemon.codebase.owners import Owners
from handlers.model import Function, Handler


def functions_by_name(functions: Iterable[Function]) -> dict[str, list[Function]]:
    """Those that can be handlers: none of the functions in test files."""
    found: dict[str, list[Function]] = {}
    for function in functions:
        if not function.is_test:
            found.setdefault(function.name, []).append(function)
    return found


def locate(handler: Handler, by_name: dict[str, list[Function]]) -> list[Function]:
    """The functions that the handler can be; one if it is known.

    Of namesakes, the method of the class that is called as the plug-in is the handler.
    """
    alike = by_name.get(handler.name.rpartition(".")[2], [])
    if len(alike) > 1:
        plugin = handler.plugin.rpartition(".")[2]
        owners = {plugin, handler.name.rpartition(".")[0].rpartition(".")[2]} - {""}
        methods = [each for each in alike if _class_of(each) in owners]
        return methods or alike
    return alike


def _class_of(function: Function) -> str:
    return function.qualified_name.rpartition(".")[0].rpartition(".")[2]


def located(
    handlers: Iterable[Handler], by_name: dict[str, list[Function]], owners: Owners, problems: list[str]
) -> tuple[Handler, ...]:
    """The handlers with their places. One whose name several functions have is told, and has none."""
    found: list[Handler] = []
    ambiguous: dict[str, list[Function]] = {}
    for handler in handlers:
        candidates = locate(handler, by_name) if handler.name else []
        if len(candidates) == 1:
            found.append(at(handler, candidates[0], owners))
            continue
        found.append(handler)
        if candidates:
            ambiguous[f"{handler.plugin}.{handler.name}".lstrip(".")] = candidates
    problems += [_tell(name, functions) for name, functions in ambiguous.items()]
    return tuple(found)


def at(handler: Handler, function: Function, owners: Owners) -> Handler:
    return replace(
        handler,
        file=function.file,
        line=function.line,
        end_line=function.end_line,
        owners=owners.of(function.file),
    )


def _tell(name: str, functions: list[Function]) -> str:
    places = ", ".join(f"{each.file}:{each.line}" for each in functions[:3])
    more = f" and {len(functions) - 3} more" if len(functions) > 3 else ""
    return f"{places}{more}: all are called as the handler {name}, so none of them is taken for it"
