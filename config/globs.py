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
    of_path = (
        value for glob, value in by_glob.items() if fnmatchcase(path, glob) or fnmatchcase(path, f"*/{glob}")
    )
    return next(of_path, default)
