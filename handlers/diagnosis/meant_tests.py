"""The tests that are meant for a handler: the one that is declared for it, and those that name it."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.model import CoverageAnomaly, Handler, Test


def meant_tests(anomaly: CoverageAnomaly, handler: Handler | None, tests: Iterable[Test]) -> tuple[Test, ...]:
    """The declared one first, each once.

    A declared file without a case is left out where tests in it name the handler: those are the cases.
    """
    name = anomaly.handler.rpartition(".")[2]
    named = [
        each
        for each in tests
        if each.known_by == "named" and name and name in {known.rpartition(".")[2] for known in each.covers}
    ]
    if handler is None or not handler.test_file:
        return tuple(named)
    case = handler.test_case
    in_file = [each for each in named if f"/{each.file}".endswith(f"/{handler.test_file.lstrip('./')}")]
    if in_file and not case:
        return tuple(named)
    declared = Test(
        handler.test_file, case, (handler.name,), "declared", handler.test_line, handler.test_skip
    )
    return (declared, *(each for each in named if each not in in_file or each.case != case))


def place_of(test: Test) -> str:
    """ "tests/cart.spec.ts:12 (adds an item)"."""
    line = f":{test.line}" if test.line else ""
    return f"{test.file}{line}" + (f" ({test.case})" if test.case else "")
