"""Whether the line at fault is one that no test runs."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.model import CoveredFunction


def untested_line(location: str, functions: Iterable[CoveredFunction]) -> str:
    """For people, or "". `location`: file:line in the checkout; `functions`: of coverage reports."""
    file, _, number = location.rpartition(":")
    if not number.isdecimal():
        return ""
    for each in functions:
        if each.file == file and any(first <= int(number) <= last for first, last in each.missed):
            return f"no test runs {location}, by {each.source}"
    return ""
