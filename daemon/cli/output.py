"""Standard output: the result of a command, and nothing else."""

from __future__ import annotations

import io
import sys

from daemon.cli.failure import CannotRunError


def write(text: str) -> None:
    """Writes the whole of it. Raises CannotRunError, but not for a reader that has seen enough (`| head`)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 is no reason to stop
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        return
    except OSError as error:
        raise CannotRunError(f"the output cannot be written ({error.strerror}).") from error
