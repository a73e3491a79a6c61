"""git, run so that nothing in a repository can make it execute anything.

A repository's own configuration can name programs: hooks, a file system monitor, external diffs, text
conversions, signature checks, transports that fetch missing objects. Each is switched off by its option. No
command is run that compares the working tree with the index, since that would run clean filters, which have
no option.

https://git-scm.com/docs/git-config, https://git-scm.com/docs/git#_environment_variables
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

_OPTIONS: Final = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "core.untrackedCache=false",
    "log.showRoot=true",
    "log.follow=false",
    "protocol.allow=never",
    "submodule.recurse=false",
)
_ENVIRONMENT: Final = {
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}
_TIMEOUT_S: Final = 30.0
_MAX_BYTES: Final = 64 << 20


class GitError(Exception):
    """git could not answer; the message says why."""


class Git:
    """The repository that a folder is in."""

    def __init__(self, folder: Path, top: Path) -> None:
        """`folder`: what is asked about, and what paths are relative to; `top`: the folder with .git."""
        self._folder = folder
        self._top = top

    def text(self, *arguments: str) -> str:
        """What a command prints, at most 64 MiB. Raises GitError."""
        with self.stream(*arguments) as output:
            printed = output.read(_MAX_BYTES + 1)
        if len(printed) > _MAX_BYTES:
            raise GitError(f"git {arguments[0]} printed over {_MAX_BYTES:,} bytes")
        return printed.decode(errors="surrogateescape")

    @contextlib.contextmanager
    def stream(self, *arguments: str) -> Iterator[IO[bytes]]:
        """The output of a command while it runs. Raises GitError, also for what takes over 30 s."""
        program = shutil.which("git", path=_ENVIRONMENT["PATH"])
        if program is None:
            raise GitError("git is not installed")
        options = [part for option in (*_OPTIONS, f"safe.directory={self._top}") for part in ("-c", option)]
        place = [f"--git-dir={self._top / '.git'}", f"--work-tree={self._top}", "--no-pager"]
        with tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen(  # noqa: S603 - a fixed program, and no shell
                [program, *options, *place, *arguments],
                cwd=self._folder,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
            )
            timer = threading.Timer(_TIMEOUT_S, process.kill)
            timer.start()
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            try:
                yield process.stdout
            finally:
                process.stdout.close()  # the reader may have had enough: this ends git
                code = process.wait()
                late = not timer.is_alive()
                timer.cancel()
            complaints.seek(0)
            complaint = complaints.read(2000).decode(errors="replace").strip()
        if late:
            raise GitError(f"git {arguments[0]} took over {_TIMEOUT_S:g} s")
        if code > 0:
            raise GitError(f"git {arguments[0]} failed: {complaint.splitlines()[0] if complaint else code}")


def repository_of(folder: Path) -> Git | None:
    """The repository whose working tree holds the folder, or None."""
    for top in (folder, *folder.parents):
        if (top / ".git").exists():
            return Git(folder, top)
    return None
