"""A small git project in a folder, with times that the test decides."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

import anyio

from daemon.codebase.reader import CodebaseReader
from handlers.model import Codebase

BEGIN_S: Final = 1_795_000_000


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._now_s = BEGIN_S
        root.mkdir(exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_DATE": f"{self._now_s} +0000",
            "GIT_COMMITTER_DATE": f"{self._now_s} +0000",
        }
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        return subprocess.run(
            ["git", *who, *arguments],
            cwd=self.root,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def commit(self, subject: str, at_s: int | None = None) -> str:
        """Commits all that is there, by default an hour after the last one, and returns the id."""
        self._now_s = self._now_s + 3600 if at_s is None else at_s
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD")


def known(root: Path, *paths: Path) -> Codebase:
    return anyio.run(CodebaseReader(paths, root).load_codebase)
