"""The words in which all near misses are told."""

from __future__ import annotations

from typing import Final

WHERE: Final = " -- "
"""Stands between what a line comes close to and where it stops."""


def stopped(line: str, end: int, expected: str) -> str:
    """Where a line stops being what it comes close to. Columns count characters, from 1."""
    found = f'"{line[end : end + 30]}"' if end < len(line) else "the end of the line"
    return f"{WHERE}at column {end + 1}, {expected} is expected, not {found}"
