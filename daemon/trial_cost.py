"""What the patterns of a format cost: each of them on each of some lines."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final

import msgspec

SAMPLE_LINES: Final = 2_000


class PatternCost(msgspec.Struct, frozen=True):
    """What the slowest pattern took on the first lines of a log, in processor time."""

    pattern: str
    us_a_line: float
    lines: int
    """How many lines it was tried on."""
    worst_line: int
    """Number of the line that it took longest for, from 1."""
    worst_us: float


def slowest_pattern(patterns: Mapping[str, Callable[[bytes], object]], head: bytes) -> PatternCost | None:
    """The one that takes longest for the first `SAMPLE_LINES` lines; None without lines or patterns."""
    lines = [*islice(io.BytesIO(head), SAMPLE_LINES)]
    costs = [_cost(name, pattern, lines) for name, pattern in patterns.items() if lines]
    return max(costs, key=lambda cost: cost.us_a_line, default=None)


def _cost(name: str, pattern: Callable[[bytes], object], lines: list[bytes]) -> PatternCost:
    pattern(lines[0])  # the first call of a pattern costs more than any other
    taken_ns: list[int] = []
    for line in lines:
        before = time.thread_time_ns()
        pattern(line)
        taken_ns.append(time.thread_time_ns() - before)
    worst_ns = max(taken_ns)
    return PatternCost(
        pattern=name,
        us_a_line=sum(taken_ns) / len(lines) / 1000,
        lines=len(lines),
        worst_line=taken_ns.index(worst_ns) + 1,
        worst_us=worst_ns / 1000,
    )
