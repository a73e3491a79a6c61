"""Whether work grows with what it has to go through: the same load takes longer and longer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum
from typing import Final

import msgspec

from handlers.anomaly.statistics import mann_kendall_greater
from handlers.diagnosis.suspects import is_start
from handlers.diagnosis.wording import count, span, utc
from handlers.model import Past, PerformanceAnomaly, Point

_GROUPS: Final = 9
_LEAST_POINTS: Final = 2 * _GROUPS
_CHANGED: Final = 1.25
"""By less neither the time has grown nor the load is another one."""
_CHANCE: Final = 0.001
"""An order as clear as this comes by chance so seldom; it is asked with each diagnosis."""


class Growth(msgspec.Struct, frozen=True):
    """That it grows."""

    evidence: tuple[str, ...]
    is_of_process: bool
    """It is low again after each start of the program: what grows is kept in its memory."""


class _Stretch(msgspec.Struct, frozen=True):
    """A time between two starts."""

    points: Sequence[Point]
    first: float
    last: float


def growth_of(anomaly: PerformanceAnomaly, past: Past, since_ms: int) -> Growth | None:
    """None where it does not grow from `since_ms` on, or where more load may explain that it does."""
    if anomaly.unit != "ms":
        return None
    points = {each.at_ms: each for each in (*past.points, *past.recent) if each.at_ms >= since_ms}
    starts = [mark.at_ms for mark in past.marks if is_start(mark) and mark.at_ms > since_ms]
    stretches = [
        [points[at] for at in sorted(points) if since <= at < until]
        for since, until in zip([since_ms, *starts], [*starts, anomaly.last_seen_ms], strict=True)
    ]
    found = [stretch for each in stretches if (stretch := _growing(each))]
    long = sum(len(each) >= _LEAST_POINTS for each in stretches)
    if not found or 2 * len(found) <= long:
        return None
    resets = all(later.first * _CHANGED <= earlier.last for earlier, later in pairwise(found))
    is_of_process = len(found) > 1 and resets
    newest = found[-1]
    evidence = (
        f"it grows from {span(newest.first)} to {span(newest.last)} between "
        f"{utc(newest.points[0].at_ms)} and {utc(newest.points[-1].at_ms)}, with as many executions"
    )
    starts_seen = count(len(found) - 1, "start")
    again = f"it is low again after each start of the program ({starts_seen}), and grows again"
    return Growth((evidence, again) if is_of_process else (evidence,), is_of_process)


def _growing(points: Sequence[Point]) -> _Stretch | None:
    points = [each for each in points if each.samples]
    if len(points) < _LEAST_POINTS:
        return None
    borders = [len(points) * number // _GROUPS for number in range(_GROUPS + 1)]
    groups = [points[first:last] for first, last in pairwise(borders)]
    values = [
        fsum(each.value * each.samples for each in group) / sum(each.samples for each in group)
        for group in groups
    ]
    loads = [sum(each.samples for each in group) / len(group) for group in groups]
    third = _GROUPS // 3
    first, last = fsum(values[:third]) / third, fsum(values[-third:]) / third
    more = fsum(loads[-third:]) / fsum(loads[:third])
    if last < _CHANGED * first or more > _CHANGED or mann_kendall_greater(values) > _CHANCE:
        return None
    return _Stretch(points, first, last)
