"""Which tests reach a handler: as definitions declare, coverage reports show, and the tests' code says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from msgspec.structs import replace

from daemon.codebase.link_coverage import Paths
from handlers.model import CoveredFunction, Function, Handler, Test

_MAX_TESTS: Final = 20
"""Of each kind for a handler: more say nothing that these do not."""

_Found = dict[tuple[str, str, Literal["declared", "executed", "named"]], dict[str, None]]


def tests_of(
    handlers: tuple[Handler, ...], covered: Iterable[CoveredFunction], functions: Iterable[Function]
) -> tuple[Test, ...]:
    """Each test once a kind, with the names of the handlers that it reaches. `handlers`: see `with_tests`."""
    found: _Found = {}
    functions = tuple(each for each in functions if each.is_test)
    for handler in handlers:
        if handler.test_file:
            found.setdefault((handler.test_file, handler.test_case, "declared"), {})[handler.name] = None
    _executed(found, handlers, covered)
    _named(found, {handler.name for handler in handlers if handler.name}, functions)
    places = {(each.file, each.name): (each.line, each.skip) for each in functions} | {
        (each.test_file, each.test_case): (each.test_line, each.test_skip) for each in handlers
    }
    return tuple(
        Test(file, case, tuple(names), kind, *places.get((file, case), (0, None)))
        for (file, case, kind), names in found.items()
    )


def with_tests(handlers: tuple[Handler, ...], functions: Iterable[Function]) -> tuple[Handler, ...]:
    """The handlers with the place of the test case that each declares, and what keeps it from running."""
    cases: dict[tuple[str, str], Function] = {}
    for each in functions:
        if each.is_test:
            cases.setdefault((each.file, each.name), each)
    paths = Paths(dict.fromkeys(file for file, _ in cases))

    def placed(handler: Handler) -> Handler:
        case = cases.get((paths.find(handler.test_file), handler.test_case)) if handler.test_case else None
        return replace(handler, test_line=case.line, test_skip=case.skip) if case else handler

    return tuple(map(placed, handlers))


def called_by_tests(functions: Iterable[Function]) -> frozenset[str]:
    """Names without their owners. A test that never runs calls nothing."""
    return frozenset(
        call.rpartition(".")[2]
        for function in functions
        if function.is_test and (function.skip is None or function.skip.is_conditional)
        for call in function.calls
    )


def _executed(found: _Found, handlers: tuple[Handler, ...], covered: Iterable[CoveredFunction]) -> None:
    """By the place: a name alone can be another function's."""
    at = {(handler.file, handler.line): handler.name for handler in handlers if handler.file}
    for function in covered:
        if name := at.get((function.file, function.line)):
            for context in function.tests[:_MAX_TESTS]:
                file, _, case = context.rpartition("::") if "::" in context else ("", "", context)
                found.setdefault((file, case, "executed"), {})[name] = None


def _named(found: _Found, names: set[str], functions: Iterable[Function]) -> None:
    """A test that calls a function of that name, or has the name in its own."""
    seen = dict.fromkeys(names, 0)
    for function in functions:
        words = {call.rpartition(".")[2] for call in function.calls} | {*re.findall(r"\w+", function.name)}
        for name in sorted(words & names):
            if seen[name] < _MAX_TESTS:
                seen[name] += 1
                found.setdefault((function.file, function.name, "named"), {})[name] = None
