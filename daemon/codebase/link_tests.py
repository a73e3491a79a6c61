"""Which tests reach a handler: as definitions declare, coverage reports show, and the tests' code says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from handlers.model import CoveredFunction, Function, Handler, Test

_MAX_TESTS: Final = 20
"""Of each kind for a handler: more say nothing that these do not."""

_Found = dict[tuple[str, str, Literal["declared", "executed", "named"]], dict[str, None]]


def tests_of(
    handlers: tuple[Handler, ...], covered: Iterable[CoveredFunction], functions: Iterable[Function]
) -> tuple[Test, ...]:
    """Each test once a kind, with the names of the handlers that it reaches."""
    found: _Found = {}
    for handler in handlers:
        if handler.test_file:
            found.setdefault((handler.test_file, handler.test_case, "declared"), {})[handler.name] = None
    _executed(found, handlers, covered)
    _named(found, {handler.name for handler in handlers if handler.name}, functions)
    return tuple(Test(file, case, tuple(names), kind) for (file, case, kind), names in found.items())


def called_by_tests(functions: Iterable[Function]) -> frozenset[str]:
    """Names without their owners."""
    return frozenset(
        call.rpartition(".")[2] for function in functions if function.is_test for call in function.calls
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
        if not function.is_test:
            continue
        words = {call.rpartition(".")[2] for call in function.calls} | {*re.findall(r"\w+", function.name)}
        for name in sorted(words & names):
            if seen[name] < _MAX_TESTS:
                seen[name] += 1
                found.setdefault((function.file, function.name, "named"), {})[name] = None
