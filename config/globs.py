"""Settings that hold for some files only, by glob on their path."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

T = TypeVar("T")


def matching(path: str, by_glob: Mapping[str, T], default: T) -> T:
    """The value of the first glob that matches the path, or its end from any folder on.

    `*` stands for slashes too: "legacy/*" is all below any folder named legacy.
    """
    return next((value for glob, value in by_glob.items() if is_path(path, glob)), default)


def is_path(path: str, glob: str) -> bool:
    """Whether the glob matches the path, or its end from any folder on."""
    return fnmatchcase(path, glob) or fnmatchcase(path, f"*/{glob}")
