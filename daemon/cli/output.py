"""Standard output: the result of a command, and nothing else."""

from __future__ import annotations

import io
import os
import sys

from daemon.cli.failure import CannotRunError


def write(text: str) -> None:
    """Writes the whole of it. Raises CannotRunError, but not for a reader that has seen enough (`| head`)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 is no reason to stop
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would be tried again, and fail again, at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise CannotRunError(f"the output cannot be written ({error.strerror}).") from error
