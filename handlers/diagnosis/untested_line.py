"""Whether the line at fault is one that no test runs, or leaves by all ways."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.model import CoveredFunction


def untested_line(location: str, functions: Iterable[CoveredFunction]) -> str:
    """For people, or "". `location`: file:line in the checkout; `functions`: of coverage reports."""
    file, _, number = location.rpartition(":")
    if not number.isdecimal():
        return ""
    here = [each for each in functions if each.file == file]
    for each in here:
        if any(first <= int(number) <= last for first, last in each.missed):
            return f"no test runs {location}, by {each.source}"
    for each in here:
        if int(number) in each.half_taken:
            return f"tests run {location}, but take not all ways on from it, by {each.source}"
    return ""
