"""Why a command cannot do what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from daemon.database import StoreError, StoreMissingError

COULD_NOT_RUN: Final = 2
"""Exit code."""


class CannotRunError(Exception):
    """Ends the command with exit code 2; `lines` tell people why and what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@contextmanager
def store_failures_told() -> Iterator[None]:
    """What goes wrong with the store inside is a CannotRunError."""
    try:
        yield
    except StoreMissingError as error:
        raise CannotRunError(str(error), "--store PATH or --config PATH leads to another one.") from error
    except StoreError as error:
        raise CannotRunError(str(error)) from error
    except msgspec.ValidationError as error:
        raise CannotRunError(
            f"the store holds what this version cannot read ({error}).",
            "Use the selfheald that wrote it, or move the store away to begin afresh.",
        ) from error
