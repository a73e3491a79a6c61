"""What parsing one source file comes to, in whatever language."""

from __future__ import annotations

import re
import sys
from typing import Final

import msgspec
from msgspec.structs import replace

from handlers.model import Function, Hazard, Skip

_MAX_SIGNATURE: Final = 200
_TEST_FILE: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec)/|(?:^|/)test_[^/]*\.py$|_test\.py$|(?:^|/)conftest\.py$"
    r"|\.(?:test|spec)\.[cm]?[jt]sx?$|Tests?\.cs$|\.Tests?/"
)


class Parsed(msgspec.Struct, frozen=True, gc=False):
    functions: tuple[Function, ...] = ()
    problem: str = ""
    """ "file:line: reason" where the file, or a part of it, was not understood."""


class FunctionBuilder(msgspec.Struct):
    """A function while its body is read; the fields mean what those of Function do."""

    name: str
    qualified_name: str
    line: int
    body_line: int
    end_line: int
    signature: str
    is_async: bool
    complexity: int = 1
    calls: set[str] = msgspec.field(default_factory=set)
    hazards: list[Hazard] = msgspec.field(default_factory=list)
    skip: Skip | None = None

    def build(self, file: str) -> Function:
        return Function(
            name=self.name,
            qualified_name=self.qualified_name,
            file=file,
            line=self.line,
            body_line=self.body_line,
            end_line=self.end_line,
            signature=self.signature,
            is_async=self.is_async,
            complexity=self.complexity,
            calls=tuple(sorted(self.calls)),
            hazards=tuple(sorted(self.hazards, key=lambda each: (each.line, each.call))),
            is_test=is_test_file(file),
            skip=self.skip,
        )


def shared(function: Function, file: str) -> Function:
    """The same with texts that are kept once: a large project has most of them thousands of times."""
    return replace(
        function,
        name=sys.intern(function.name),
        qualified_name=sys.intern(function.qualified_name),
        file=file,
        signature=sys.intern(function.signature),
        calls=tuple(map(sys.intern, function.calls)),
    )


def one_line(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= _MAX_SIGNATURE else f"{short[: _MAX_SIGNATURE - 1]}…"


def is_test_file(file: str) -> bool:
    """By the conventions of pytest, Jest, Vitest, xUnit and NUnit."""
    return _TEST_FILE.search(file) is not None
