"""What an installation does, one record a step: it is told and done from the same record."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec


class StepFailedError(Exception):
    """A step could not be done; the message says which, and why."""


class WriteFile(msgspec.Struct, frozen=True):
    path: Path
    content: bytes

    def __str__(self) -> str:
        return f"write     {self.path}"

    def do(self) -> None:
        """At once or not at all: whoever reads the file meanwhile sees the old or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self.content)
                os.fchmod(file.fileno(), 0o644)
            Path(name).replace(self.path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


class Remove(msgspec.Struct, frozen=True):
    """A file, or a folder with all that is in it."""

    path: Path

    def __str__(self) -> str:
        return f"remove    {self.path}"

    def do(self) -> None:
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            self.path.unlink()


class Run(msgspec.Struct, frozen=True):
    command: tuple[str, ...]

    def __str__(self) -> str:
        return f"run       {shlex.join(self.command)}"

    def do(self) -> None:
        """Raises StepFailedError with what the program says."""
        # The programs are those of the system, found by its path.
        result = subprocess.run(self.command, capture_output=True, text=True, check=False)  # noqa: S603
        if result.returncode:
            said = " ".join(result.stderr.split()) or f"exit code {result.returncode}"
            raise StepFailedError(f"{shlex.join(self.command)} failed: {said}")


class Note(msgspec.Struct, frozen=True):
    """Something that is left as it is, or that people have to know."""

    word: str
    text: str

    def __str__(self) -> str:
        return f"{self.word:<9} {self.text}"

    def do(self) -> None:
        pass


Step = WriteFile | Remove | Run | Note


def do(step: Step) -> None:
    """Raises StepFailedError."""
    try:
        step.do()
    except OSError as error:
        raise StepFailedError(f"{error.filename or step}: {error.strerror}") from error
