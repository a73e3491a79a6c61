"""Reads what is known of the watched project: what it declares, its source, its tests and its history.

What cannot be read is told in `Codebase.problems` and skipped.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import anyio.from_thread
import anyio.to_thread
from msgspec.structs import replace

from config.settings import Project
from daemon.codebase.checkout import Checked, Checkout
from daemon.codebase.declared_files import Declared, DeclaredFiles
from daemon.codebase.link_coverage import covered_functions
from daemon.codebase.link_tests import called_by_tests, tests_of, with_tests
from daemon.codebase.locate import located
from handlers.locate import functions_by_name
from handlers.model import Codebase, Handler, Sequence


class CodebaseReader:
    """The codebase port. Only what has changed is read again."""

    def __init__(self, paths: Iterable[Path], root: Path | None = None, *, rest_s: float = 0.0) -> None:
        """`paths`: of definitions and reports; `root`: a checkout. It is not looked at again for `rest_s`."""
        self._declared = DeclaredFiles(paths)
        self._checkout = Checkout(root, anyio.from_thread.check_cancelled) if root else None
        self._rest_s = rest_s
        self._looked_at = -rest_s
        self._checked: Checked | None = None
        self._merged: tuple[Declared, Checked | None, Codebase] | None = None

    async def load_codebase(self) -> Codebase:
        return await anyio.to_thread.run_sync(self._load)

    def _load(self) -> Codebase:
        declared = self._declared.load()
        if self._checkout and time.monotonic() - self._looked_at >= self._rest_s:
            self._checked = self._checkout.look()
            self._looked_at = time.monotonic()
        if self._merged is None or self._merged[0] is not declared or self._merged[1] is not self._checked:
            self._merged = declared, self._checked, self._merge(declared)
        return self._merged[2]

    def _merge(self, declared: Declared) -> Codebase:
        checked = self._checked or Checked()
        problems = [*declared.problems, *checked.problems]
        sequences, handlers = _distinct(declared, self._checkout.root if self._checkout else None, problems)
        functions = checked.source.functions
        handlers = located(handlers, functions_by_name(functions), checked.owners, problems)
        handlers = with_tests(handlers, functions)
        covered = covered_functions(declared.reports, functions, problems)
        return Codebase(
            handlers=handlers,
            sequences=sequences,
            tests=tests_of(handlers, covered, functions),
            functions=covered,
            source=functions,
            commits=checked.commits,
            edited=checked.edited,
            owners=checked.owners,
            tested_names=called_by_tests(functions),
            problems=tuple(problems),
        )


def _distinct(
    declared: Declared, root: Path | None, problems: list[str]
) -> tuple[tuple[Sequence, ...], tuple[Handler, ...]]:
    """Of sequences with the same id the first one stays, and the others are told."""
    sequences: dict[str, Sequence] = {}
    handlers: list[Handler] = []
    for definition in declared.definitions:
        sequence = definition.sequence
        if first := sequences.get(sequence.id):
            problems.append(
                f"{sequence.file}:{definition.line}: id {sequence.id} is taken by {first.file}; "
                "this sequence is skipped, give it an id of its own"
            )
            continue
        sequences[sequence.id] = replace(sequence, path_in_root=_path_in(root, sequence.file))
        handlers += definition.handlers
    return tuple(sequences.values()), tuple(handlers)


def _path_in(root: Path | None, file: str) -> str:
    path = Path(file).resolve()
    inside = root is not None and path.is_relative_to(root.resolve())
    return path.relative_to(root.resolve()).as_posix() if root and inside else ""


def codebase_reader(project: Project, *, rest_s: float = 0.0) -> CodebaseReader:
    return CodebaseReader((*project.sequences, *project.coverage), project.root, rest_s=rest_s)
