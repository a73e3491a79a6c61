"""The declared handlers with the places of their functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from handlers.locate import at, candidates
from handlers.model import Function, Handler


def located(
    handlers: Iterable[Handler],
    by_name: Mapping[str, list[Function]],
    owners: Mapping[str, tuple[str, ...]],
    problems: list[str],
) -> tuple[Handler, ...]:
    """One whose name several functions have is told, and has no place."""
    found: list[Handler] = []
    ambiguous: dict[str, list[Function]] = {}
    for handler in handlers:
        alike = candidates(handler, by_name)
        found.append(at(handler, alike[0], owners) if len(alike) == 1 else handler)
        if len(alike) > 1:
            ambiguous[f"{handler.plugin}.{handler.name}".lstrip(".")] = alike
    problems += [_tell(name, functions) for name, functions in ambiguous.items()]
    return tuple(found)


def _tell(name: str, functions: list[Function]) -> str:
    places = ", ".join(f"{each.file}:{each.line}" for each in functions[:3])
    more = f" and {len(functions) - 3} more" if len(functions) > 3 else ""
    return f"{places}{more}: all are called as the handler {name}, so none of them is taken for it"
