"""Which commits touched a function, as git itself would tell."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from handlers.history import commits_of_file, commits_of_lines
from handlers.model import Codebase
from tests.daemon.codebase.project import BEGIN_S, Project, known

ONE = "def one():\n    a = 1\n    return a\n"
TWO = "def two():\n    b = 2\n    return b\n"


def subjects_of(codebase: Codebase, name: str, since_ms: int = 0) -> list[str]:
    (function,) = [each for each in codebase.source if each.name == name]
    commits = commits_of_lines(codebase, function.file, function.line, function.end_line, since_ms=since_ms)
    return [commit.subject for commit in commits]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.write("app.py", f"{ONE}\n\n{TWO}")
    project.commit("both")
    project.write("app.py", f"import os\n\n\n{ONE}\n\n{TWO}")
    project.commit("above")
    project.write("app.py", f"import os\n\n\n{ONE}\n\n{TWO.replace('b = 2', 'b = 3')}")
    project.commit("two slower")
    return project


def test_a_function_has_the_commits_that_touched_its_lines(project: Project) -> None:
    codebase = known(project.root)
    assert subjects_of(codebase, "one") == ["both"]
    assert subjects_of(codebase, "two") == ["two slower", "both"]
    assert [each.subject for each in commits_of_file(codebase, "app.py")] == ["two slower", "above", "both"]


def test_a_commit_has_its_author_time_and_files(project: Project) -> None:
    commit = known(project.root).commits[0]
    assert commit.sha == project.git("rev-parse", "HEAD")
    assert (commit.author, commit.at_ms) == ("Ada", (BEGIN_S + 3 * 3600) * 1000)
    assert [change.file for change in commit.changes] == ["app.py"]


def test_only_commits_after_a_time_are_asked_for(project: Project) -> None:
    codebase = known(project.root)
    assert subjects_of(codebase, "two", codebase.commits[1].at_ms) == ["two slower"]


def test_a_file_is_followed_through_a_new_name(project: Project) -> None:
    (project.root / "src").mkdir()
    project.git("mv", "app.py", "src/application.py")
    project.commit("moved")
    assert subjects_of(known(project.root), "two") == ["two slower", "both"]


def test_a_merge_is_one_step_of_the_main_line(project: Project) -> None:
    project.git("checkout", "--quiet", "-b", "side")
    text = (project.root / "app.py").read_text()
    project.write("app.py", text.replace("a = 1", "a = 9"))
    project.commit("on the side")
    project.git("checkout", "--quiet", "main")
    project.write("other.py", "x = 1\n")
    project.commit("meanwhile")
    project.git("merge", "--quiet", "--no-ff", "--message", "merge side", "side")
    assert subjects_of(known(project.root), "one") == ["merge side", "both"]


def test_in_an_edited_file_lines_are_not_known_and_all_commits_count(project: Project) -> None:
    project.write("app.py", f"# a note\n{(project.root / 'app.py').read_text()}")
    codebase = known(project.root)
    assert codebase.edited == {"app.py"}
    assert subjects_of(codebase, "one") == ["two slower", "above", "both"]


def test_the_oldest_commit_of_a_shallow_clone_made_nothing(project: Project, tmp_path: Path) -> None:
    project.git("clone", "--quiet", "--depth=2", f"file://{project.root}", str(tmp_path / "clone"))
    assert subjects_of(known(tmp_path / "clone"), "one") == []
    assert subjects_of(known(tmp_path / "clone"), "two") == ["two slower"]


def test_a_folder_of_a_repository_has_its_own_paths(project: Project) -> None:
    project.write("service/app.py", TWO)
    project.commit("service")
    codebase = known(project.root / "service")
    assert [(each.name, each.file) for each in codebase.source] == [("two", "app.py")]
    assert subjects_of(codebase, "two") == ["service"]


def test_text_that_looks_like_a_patch_misleads_nobody(project: Project) -> None:
    trap = "--- a/app.py\n+++ b/app.py\n@@ -1,9 +1,9 @@\ndiff --git a/app.py b/app.py\n"
    project.write("notes.txt", f"++ b/app.py\n-- a/app.py\n{trap}")
    project.commit("trap")
    project.write("notes.txt", "gone\n")
    project.commit("trap gone")
    codebase = known(project.root)
    assert [change.file for change in codebase.commits[0].changes] == ["notes.txt"]
    assert subjects_of(codebase, "one") == ["both"]


def test_a_repository_without_commits_and_a_folder_without_repository_are_read(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/app.py").write_text(ONE)
    plain = known(tmp_path / "plain")
    assert ([each.name for each in plain.source], plain.problems) == (["one"], ())
    fresh = Project(tmp_path / "fresh")
    fresh.write("app.py", ONE)
    codebase = known(fresh.root)
    assert [each.name for each in codebase.source] == ["one"]
    assert "commits are not known" in codebase.problems[0]


@pytest.mark.parametrize("seed", range(6))
def test_lines_are_followed_as_git_log_follows_them(tmp_path: Path, seed: int) -> None:
    """Random edits; the peer is `git log -L`."""
    chance = random.Random(seed)
    project = Project(tmp_path / "project")
    lines = [f"line {number}" for number in range(30)]
    for step in range(12):
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(lines))
            lines[at : at + chance.randint(0, 2)] = [f"new {step} {chance.random()}"] * chance.randint(0, 2)
        project.write("notes.py", "".join(f"# {line}\n" for line in lines))
        project.commit(f"step {step}")
    codebase = known(project.root)
    for first in range(1, len(lines) - 6, 4):
        mine = [each.sha for each in commits_of_lines(codebase, "notes.py", first, first + 5)]
        theirs = project.git("log", "--format=%H", "-s", f"-L{first},{first + 5}:notes.py").split()
        assert mine == theirs


def test_a_few_short_lines_are_kept_as_they_were_and_are(project: Project) -> None:
    hunks = [hunk for commit in known(project.root).commits for each in commit.changes for hunk in each.hunks]
    assert (hunks[0].before, hunks[0].after) == (("b = 2",), ("b = 3",))
    assert (hunks[-1].before, hunks[-1].after) == ((), ())  # the whole file


def test_secrets_in_the_lines_are_not_kept(project: Project) -> None:
    secret = TWO.replace("b = 2", 'password = "hunter2secret"')
    project.write("app.py", f"import os\n\n\n{ONE}\n\n{secret}")
    project.commit("a secret")
    change = known(project.root).commits[0].changes[0]
    assert "hunter2secret" not in str(change)
    assert "<redacted>" in change.hunks[0].after[0]


def test_a_line_at_the_end_without_a_newline_hides_no_other(project: Project) -> None:
    project.write("end.py", "a = 1")
    project.commit("end")
    project.write("end.py", "a = 2")
    project.commit("another end")
    (change,) = known(project.root).commits[0].changes
    assert (change.hunks[0].before, change.hunks[0].after) == (("a = 1",), ("a = 2",))
