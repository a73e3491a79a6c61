"""What is known of the watched project."""

from __future__ import annotations

from typing import Literal

import msgspec

HazardKind = Literal["sleep", "file", "network", "database", "process", "wait", "growth"]


class Skip(msgspec.Struct, frozen=True, gc=False):
    """What in its source keeps a test from being run."""

    marker: str
    """As written: "@pytest.mark.skip", "it.skip"."""
    is_conditional: bool = False
    """It may run all the same, on another machine."""


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
    test_line: int = 0
    """Of the declared test case in its source; 0 where it was not found there."""
    test_skip: Skip | None = None
    definition_file: str = ""
    """Path of the sequence definition that declares it."""
    definition_line: int = 0
    file: str = ""
    """Source file of its function, from the root of the project; "" where it is not known which one."""
    line: int = 0
    end_line: int = 0
    owners: tuple[str, ...] = ()
    """Who owns the source file, as CODEOWNERS says."""


class Sequence(msgspec.Struct, frozen=True):
    """A declared sequence: the events of its beats in order, all movements joined."""

    id: str
    name: str
    plugin: str
    events: tuple[str, ...]
    file: str = ""
    path_in_root: str = ""
    """The same file from the root of the project, as commits name it; "" where it is outside of it."""


class Test(msgspec.Struct, frozen=True):
    """A test of the watched project that reaches handlers, or is said to."""

    file: str
    """ "" where a coverage report names the test but not its file."""
    case: str
    covers: tuple[str, ...]
    """Handler names that it covers."""
    known_by: Literal["declared", "executed", "named"] = "declared"
    """A definition declares it, a coverage report shows that it executed them, or its code names them."""
    line: int = 0
    """0 where it was not found in the source."""
    skip: Skip | None = None


class CoveredFunction(msgspec.Struct, frozen=True):
    """A function in a coverage report."""

    name: str
    """As the report has it: "add", "Cart.add"; "" where the report gives none."""
    file: str
    line: int
    executed: bool
    source: str
    """Path of the report."""
    tests: tuple[str, ...] = ()
    """Names of the tests that executed it, where the report tells them apart."""
    missed: tuple[tuple[int, int], ...] = ()
    """First and last line of each part of its body that no test ran, where reports have lines."""
    half_taken: tuple[int, ...] = ()
    """Lines that tests ran, from which there is a way on that none took, where reports have branches."""


class Hazard(msgspec.Struct, frozen=True, gc=False):
    """A call that can take long for reasons outside of the function, or work that outgrows its input."""

    kind: HazardKind
    """What it waits for; "wait" is the result of an asynchronous call that is waited for without await;
    "growth": it goes through one list for each item of another."""
    call: str
    """As the code has it, with imports resolved: "time.sleep", "fs.readFileSync"; of growth what is gone
    through: "items"."""
    line: int
    in_loop: bool
    blocks: bool
    """Whether the thread stands still meanwhile; false for what is awaited or called back."""


class Function(msgspec.Struct, frozen=True, gc=False):
    """A function or method in the source of the watched project."""

    name: str
    qualified_name: str
    """With its classes and enclosing functions: "Cart.add"; the title for a test case without a name."""
    file: str
    """From the root of the project, with slashes."""
    line: int
    body_line: int
    """First line of its body: those before it are executed where it is defined."""
    end_line: int
    signature: str
    """Parameters and result as written, on one line: "(items: list[str]) -> int"."""
    is_async: bool
    complexity: int
    """Cyclomatic complexity: 1 and one for each decision (T. J. McCabe, A Complexity Measure, 1976)."""
    calls: tuple[str, ...]
    """Distinct names of what it calls, sorted."""
    hazards: tuple[Hazard, ...]
    """In order of the lines."""
    is_test: bool
    """Whether it stands in a test file."""
    skip: Skip | None = None
    """Of a test."""


class Hunk(msgspec.Struct, frozen=True, gc=False):
    """Lines that a commit replaced. Where a count is 0, the start is the line before the place."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    before: tuple[str, ...] = ()
    """The lines themselves, without their indentation, where they are few and short."""
    after: tuple[str, ...] = ()


class FileChange(msgspec.Struct, frozen=True, gc=False):
    file: str
    """From the root of the project after the commit; "" where it was deleted."""
    old_file: str
    """Before the commit; "" where it was created."""
    hunks: tuple[Hunk, ...]


class Commit(msgspec.Struct, frozen=True, gc=False):
    """A step of the main line: a commit on it, or all that a merge brought."""

    sha: str
    author: str
    at_ms: int
    """When it came to be on the branch, as its committer's clock had it."""
    subject: str
    changes: tuple[FileChange, ...]


class Codebase(msgspec.Struct, frozen=True):
    """What is known of the watched project; empty where nothing was configured."""

    handlers: tuple[Handler, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    tests: tuple[Test, ...] = ()
    functions: tuple[CoveredFunction, ...] = ()
    """What coverage reports say."""
    source: tuple[Function, ...] = ()
    """The functions in the source files under the root, by file and line."""
    commits: tuple[Commit, ...] = ()
    """The last ones, newest first."""
    edited: frozenset[str] = frozenset()
    """Source files that are not as the last commit has them: lines of commits are not lines of these."""
    owners: dict[str, tuple[str, ...]] = {}
    """Who owns a source file, as CODEOWNERS says, by its path."""
    tested_names: frozenset[str] = frozenset()
    """Names of the functions and methods that tests call, those apart that never run."""
    problems: tuple[str, ...] = ()
    """Files that could not be read, each with the reason."""
