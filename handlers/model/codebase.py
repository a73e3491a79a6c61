"""What is known of the watched project."""

from __future__ import annotations

import msgspec


class Handler(msgspec.Struct, frozen=True):
    """A handler as the watched project declares it."""

    sequence: str
    event: str
    plugin: str
    name: str
    beat: int
    kind: str = ""
    test_file: str = ""
    test_case: str = ""
    definition_file: str = ""
    """Path of the sequence definition that declares it."""
    definition_line: int = 0


class Sequence(msgspec.Struct, frozen=True):
    """A declared sequence: the events of its beats in order, all movements joined."""

    id: str
    name: str
    plugin: str
    events: tuple[str, ...]
    file: str = ""


class Test(msgspec.Struct, frozen=True):
    """A test of the watched project, as a declaration or a coverage report names it."""

    file: str
    case: str
    covers: tuple[str, ...]
    """Handler names that it covers."""


class CoveredFunction(msgspec.Struct, frozen=True):
    """A function in a coverage report."""

    name: str
    file: str
    line: int
    executed: bool
    source: str
    """Path of the report."""


class Codebase(msgspec.Struct, frozen=True):
    """What is known of the watched project; empty where nothing was configured."""

    handlers: tuple[Handler, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    tests: tuple[Test, ...] = ()
    functions: tuple[CoveredFunction, ...] = ()
    problems: tuple[str, ...] = ()
    """Files that could not be read, each with the reason."""
