"""Which files are read, and that only what changed is read again."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event

import msgspec
import pytest

from daemon.codebase import parse_workers, source_index
from daemon.codebase.git import repository_of
from daemon.codebase.parse_file import ParsedFile, parse_file
from daemon.codebase.source_index import SourceIndex
from tests.daemon.codebase.project import Project

ONE = "def one():\n    pass\n"


def names(index: SourceIndex, root: Path) -> list[str]:
    return [each.name for each in index.refresh(repository_of(root)).functions]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_what_git_ignores_and_what_others_wrote_is_left_out(project: Project) -> None:
    project.write(".gitignore", "build/\n")
    for folder in ("build", "node_modules/lib", ".venv/lib", "venv", "site-packages", ".hidden"):
        project.write(f"{folder}/x.py", "def not_ours():\n    pass\n")
    project.write("tracked.py", ONE)
    project.commit("first")
    project.write("untracked.py", "def two():\n    pass\n")
    project.write("notes.txt", "def text():\n    pass\n")
    assert names(SourceIndex(project.root), project.root) == ["one", "two"]


def test_without_git_virtual_environments_are_known_by_their_mark(tmp_path: Path) -> None:
    for folder in ("src", "my-env/lib", "node_modules"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.py").write_text(ONE)
    (tmp_path / "my-env/pyvenv.cfg").touch()
    assert [each.file for each in SourceIndex(tmp_path).refresh(None).functions] == ["src/x.py"]


def test_only_what_changed_is_read_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = parse_file

    def counted(root: Path, path: str) -> ParsedFile:
        read.append(path)
        return original(root, path)

    monkeypatch.setattr(source_index, "parse_file", counted)
    index = SourceIndex(project.root)
    first, second = project.write("a.py", ONE), project.write("b.py", ONE.replace("one", "two"))
    before = index.refresh(None)
    assert index.refresh(None) is before
    assert read == ["a.py", "b.py"]
    second.write_text(ONE.replace("one", "three"))
    assert [each.name for each in index.refresh(None).functions] == ["one", "three"]
    assert read == ["a.py", "b.py", "b.py"]
    first.unlink()
    assert [each.name for each in index.refresh(None).functions] == ["three"]


def test_a_file_of_the_same_size_and_time_is_known_to_be_another_one(project: Project) -> None:
    index = SourceIndex(project.root)
    path = project.write("a.py", ONE)
    status = path.stat()
    index.refresh(None)
    other = project.write("b.txt", ONE.replace("one", "two"))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert [each.name for each in index.refresh(None).functions] == ["two"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"def f(:\n", "bad.py:1: syntax error", id="a syntax error"),
        pytest.param(b"\0\1\2", "bad.py:1: is binary", id="binary"),
        pytest.param("def f(): pass".encode("utf-16"), "bad.py:1: is binary, or text in UTF-16", id="UTF-16"),
        pytest.param(b"#\n\xff\xfe\n", "bad.py:", id="bytes that are not UTF-8"),
        pytest.param(b"x = 1\n" * 300_000, "bad.py: has 1,800,000 bytes", id="a giant one"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_the_others_are_read(
    project: Project, content: bytes, problem: str
) -> None:
    project.write("good.py", ONE)
    (project.root / "bad.py").write_bytes(content)
    source = SourceIndex(project.root).refresh(None)
    assert [each.name for each in source.functions] == ["one"]
    (told,) = source.problems
    assert told.startswith(problem)


def test_many_problems_are_counted(project: Project) -> None:
    for number in range(14):
        project.write(f"bad{number:02}.py", "def (\n")
    problems = SourceIndex(project.root).refresh(None).problems
    assert len(problems) == 11
    assert problems[-1] == f"{project.root}: 4 more source files are not or not wholly understood"


def test_pipes_and_folders_with_the_name_of_source_are_passed_over(project: Project) -> None:
    project.write("folder.py/x.py", ONE)
    os.mkfifo(project.root / "pipe.py")
    assert names(SourceIndex(project.root), project.root) == ["one"]


def test_without_the_extra_the_language_is_told_as_not_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse_workers, "_work", _works_without_the_extra)
    for name in ("a.py", "a.ts", "b.tsx", "c.cs"):
        project.write(name, ONE)
    source = SourceIndex(project.root).refresh(None)
    assert [each.file for each in source.functions] == ["a.py"]
    assert [told.partition(": ")[2].partition(" are")[0] for told in source.problems] == [
        "1 C# files",
        "2 TypeScript files",
    ]


def test_many_files_are_parsed_by_processes_with_the_same_result(project: Project) -> None:
    for number in range(130):
        project.write(f"m{number:03}.py", f"def f{number}(a: int):\n    return open(str(a))\n")
        project.write(f"m{number:03}.ts", f"export const g{number} = (a) => fetch(a);\n")
    source = SourceIndex(project.root).refresh(None)
    assert len(source.functions) == 260
    for function in source.functions:
        parsed = parse_file(project.root, function.file).parsed
        assert parsed.functions == (function,)


@pytest.mark.parametrize("end", ["dies", "hangs"])
def test_a_file_that_kills_or_hangs_its_process_is_told_and_all_others_are_read(
    project: Project, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    for number in range(9):
        project.write(f"m{number:03}.py", ONE)
    for module in (parse_workers, source_index):
        monkeypatch.setattr(module, "CHUNK", {"dies": 4, "hangs": 1}[end])
    monkeypatch.setattr(parse_workers, "_work", {"dies": _dies_of_one, "hangs": _hangs_at_one}[end])
    if end == "hangs":
        monkeypatch.setattr(parse_workers, "_TIMEOUT_S", 8.0)
    index = SourceIndex(project.root)
    source = index.refresh(None)
    assert len(source.functions) == 8
    assert source.problems == ("m007.py: its parser died or hung; it is not read",)
    assert index.refresh(None) is source


def test_parsing_ends_when_it_is_cancelled(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(101):
        project.write(f"m{number:03}.py", ONE)
    monkeypatch.setattr(parse_workers, "_work", _hangs)

    def cancelled() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        SourceIndex(project.root, cancelled).refresh(None)
    assert multiprocessing.active_children() == []


def _dies_of_one(connection: Connection, root: Path) -> None:
    _work_until(connection, root, lambda: os._exit(1))


def _hangs_at_one(connection: Connection, root: Path) -> None:
    _work_until(connection, root, Event().wait)


def _hangs(connection: Connection, root: Path) -> None:
    Event().wait()


def _work_until(connection: Connection, root: Path, end: Callable[[], object]) -> None:
    with suppress(EOFError):
        while True:
            paths = msgspec.msgpack.decode(connection.recv_bytes(), type=list[str])
            if "m007.py" in paths:
                end()
            connection.send_bytes(msgspec.msgpack.encode({path: parse_file(root, path) for path in paths}))


def _works_without_the_extra(connection: Connection, root: Path) -> None:
    sys.modules["tree_sitter"] = None  # type: ignore[assignment]  # importing it fails
    _work_until(connection, root, lambda: None)
