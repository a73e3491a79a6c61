"""A repository can name programs in its own configuration. None of them may run."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from daemon.codebase import git
from tests.daemon.codebase.project import Project, known

PROGRAMS = {
    "core.fsmonitor": "{evil}",
    "core.pager": "{evil}",
    "core.sshCommand": "{evil}",
    "core.askPass": "{evil}",
    "core.editor": "{evil}",
    "diff.external": "{evil}",
    "diff.evil.command": "{evil}",
    "diff.evil.textconv": "{evil}",
    "filter.evil.clean": "{evil}",
    "filter.evil.smudge": "{evil}",
    "filter.evil.process": "{evil}",
    "gpg.program": "{evil}",
    "log.showSignature": "true",
    "credential.helper": "{evil}",
    "pager.log": "{evil}",
    "alias.log": "!{evil}",
    "protocol.ext.allow": "always",
    "remote.origin.url": "ext::{evil}",
    "remote.origin.promisor": "true",
    "extensions.partialClone": "origin",
}


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Project, Path]:
    """A repository with all of them, and the file that each would make."""
    project = Project(tmp_path / "project")
    project.write("app.py", "def handle():\n    return 1\n")
    project.write(".gitattributes", "*.py diff=evil\n")
    project.commit("first")
    project.write("app.py", "def handle():\n    return 2\n")
    _sign(project, project.commit("second"))
    project.write(".gitattributes", "*.py diff=evil filter=evil\n")
    project.write("app.py", "def handle():\n    return 3\n")
    ran = tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\necho $0 $@ >> {shlex.quote(str(ran))}\nexit 1\n")
    evil.chmod(0o755)
    for hook in ("post-index-change", "reference-transaction", "post-checkout"):
        (project.root / ".git/hooks" / hook).write_bytes(evil.read_bytes())
        (project.root / ".git/hooks" / hook).chmod(0o755)
    for key, value in PROGRAMS.items():
        project.git("config", key, value.format(evil=evil))
    project.git("config", "core.repositoryFormatVersion", "1")
    return project, ran


def _sign(project: Project, sha: str) -> None:
    """Puts a signature of no worth on the last commit, so that there is something to check."""
    head, _, message = project.git("cat-file", "commit", sha).partition("\n\n")
    signed = f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n{message}\n"
    new = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=project.root,
        input=signed,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    project.git("update-ref", "HEAD", new)


def test_the_trap_is_set(hostile: tuple[Project, Path]) -> None:
    """Without the options, git does run these programs: else the next test would prove nothing."""
    project, ran = hostile
    for command in (["status"], ["log", "-p"], ["log", "--no-ext-diff", "-p"], ["diff", "--no-ext-diff"]):
        subprocess.run(["git", *command], cwd=project.root, capture_output=True, check=False)
    assert ran.read_text().count("evil") >= 4


def test_no_program_that_a_repository_names_is_run(hostile: tuple[Project, Path]) -> None:
    project, ran = hostile
    codebase = known(project.root)
    assert not ran.exists(), ran.read_text()
    assert [commit.subject for commit in codebase.commits] == ["second", "first"]
    assert codebase.edited == {"app.py"}
    assert codebase.problems == ()


def test_missing_objects_are_not_fetched(hostile: tuple[Project, Path]) -> None:
    project, ran = hostile
    blob = project.git("rev-parse", "HEAD~1:app.py")
    (project.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    codebase = known(project.root)
    assert not ran.exists(), ran.read_text()
    assert [function.name for function in codebase.source] == ["handle"]
    (problem,) = codebase.problems
    assert "commits are not known, or not all: git log failed" in problem
    assert codebase.commits == ()


def test_links_out_of_the_root_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("def secret():\n    pass\n")
    project = Project(tmp_path / "project")
    project.write("folder/secret.py", "def fine():\n    pass\n")
    project.write("app.py", "def handle():\n    pass\n")
    project.commit("first")
    (project.root / "link.py").symlink_to(outside / "secret.py")
    (project.root / "folder/secret.py").unlink()
    (project.root / "folder").rmdir()
    (project.root / "folder").symlink_to(outside)
    assert [function.name for function in known(project.root).source] == ["handle"]


def test_a_work_tree_elsewhere_changes_nothing(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("def secret():\n    pass\n")
    project = Project(tmp_path / "project")
    project.write("app.py", "def handle():\n    pass\n")
    project.commit("first")
    project.git("config", "core.worktree", str(outside))
    assert [function.name for function in known(project.root).source] == ["handle"]


def test_git_that_takes_too_long_is_ended_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "_TIMEOUT_S", 0.0)
    (tmp_path / ".git").mkdir()
    repository = git.repository_of(tmp_path)
    assert repository is not None
    with pytest.raises(git.GitError, match="git log took over 0 s"):
        repository.text("log")


def test_without_git_the_source_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path / "project")
    project.write("app.py", "def handle():\n    pass\n")
    project.commit("first")
    monkeypatch.setitem(git._ENVIRONMENT, "PATH", "/nonexistent")
    codebase = known(project.root)
    assert [function.name for function in codebase.source] == ["handle"]
    assert len(codebase.problems) == 2
    assert all("git is not installed" in problem for problem in codebase.problems)
