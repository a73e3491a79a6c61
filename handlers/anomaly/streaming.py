"""A streaming anomaly detector for any metric series: latencies, percentiles, counts, rates, gauges.

Each point is looked at from six sides (`VIEWS`). On each side it is a surprise when it lies far from every
value that the side ever showed, in units of that side's own spread (handlers/anomaly/novelty.py), so that the
verdict names a side, a value, the nearest earlier one and a limit. The last few points are not history yet: a
slow change is measured against what was before it. What was alarmed is learned in the end: the same value is
new only once. After an alarm the detector holds its peace, unless something far more surprising comes. It
looks at no later point; a point costs constant time, and the state has a bounded size.

The sides: a spike or a collapse shows in the level, what is wrong for the time of day in the deviation, a
slow drift or a level shift in the mean deviation, a sustained rise below passing peaks in the floor, flapping
and a damped signal in the unrest, silence and a stuck sensor in the standstill.
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean, median
from typing import Final

import msgspec

from handlers.anomaly.novelty import Seen

LEARN_POINTS: Final = 150
"""Values that a view must have seen before it can be surprised."""
LIMIT: Final = 0.35
"""Distance to the nearest earlier value, in spreads, that is an alarm when the history is long."""
YOUNG_POINTS: Final = 1000
"""A history of so many values doubles the limit: in a short one much is new by chance."""
QUIET_POINTS: Final = 100
"""How long an alarm silences those that follow."""
LOUDER: Final = 5.0
"""An alarm so many times as strong as the last one breaks the silence."""
LAG_POINTS: Final = 12
"""How many of the latest points are not history yet."""
MEAN_POINTS: Final = 12
FLOOR_POINTS: Final = 24
RECENT_POINTS: Final = 48
HOUR_POINTS: Final = 50
HOUR_DAYS: Final = 4
"""Memory of an hour of the day: as many points, or as many days where these hold more points."""
LINEAR_SHARE: Final = 0.1
"""Below this share of the typical magnitude the logarithmic scale (an inverse hyperbolic sine) is linear."""
RESOLUTION: Final = 1e-3
"""Smallest spread, as a share of the typical magnitude: a series that was constant is not perfectly so."""
LARGEST: Final = 1e100
"""Largest magnitude of a value: the square of it is still a number."""
ALARM: Final = 0.5
"""The score from which on a point is an anomaly."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

VIEWS: Final = {
    "level": "value",
    "deviation": "log deviation from the usual at this hour",
    "mean deviation": f"log deviation from the usual at this hour, mean of {MEAN_POINTS} points",
    "floor": f"lowest log value of {FLOOR_POINTS} points",
    "unrest": f"log of the standard deviation of {RECENT_POINTS} log values",
    "standstill": f"log of 1 + the points without a change / {LAG_POINTS}",
}
LEAST: Final = {"unrest": 0.5, "standstill": 1.0}
"""Smallest spread of these views: only a standard deviation that changes by a fifth or more, and a standstill
that is longer by two fifths or more, are new."""
UPWARD: Final = ("floor", "standstill")
"""Views of which only a value above all earlier ones is a surprise: one low value makes a low floor, and the
other views judge it."""


class Score(msgspec.Struct, frozen=True):
    """How surprising a point is, and why."""

    score: float = 0.0
    """In [0, 1); an anomaly from `ALARM` on. 0 while learning, and in the silence after an alarm."""
    view: str = ""
    """The side that was surprised most, a key of `VIEWS`; "" while nothing is known."""
    actual: float = 0.0
    nearest: float = 0.0
    """The nearest value that this view ever had."""
    distance: float = 0.0
    """Between the two, in spreads of the view's history."""
    limit: float = 0.0
    """The distance from which on it is an alarm."""
    quiet: bool = False
    """It is not told, because an alarm was told shortly before."""

    def reason(self) -> str:
        """The verdict in words."""
        if not self.view:
            return "not judged: too few points yet, or not a number"
        return (
            f"{VIEWS[self.view]}: {self.actual:.4g}, nearest ever {self.nearest:.4g}, "
            f"{self.distance:.2f} spreads away, limit {self.limit:.2f}"
        )


class Hour(msgspec.Struct):
    """The usual log value in one hour of the day."""

    count: int = 0
    mean: float = 0.0


class DetectorState(msgspec.Struct):
    """All that is known of one series; of bounded size. Store it, and go on with it where it ended."""

    first: list[tuple[int, float]] = []
    """The points before the scale is known."""
    scale: float = 0.0
    """Magnitude below which the log scale is linear; 0 until `LEARN_POINTS` points are there."""
    typical: float = 0.0
    """Median magnitude of the first points that are not zero."""
    since_ms: int = 0
    """Time of the first point."""
    hour_points: int = HOUR_POINTS
    """Memory of an hour of the day in points, from how often they come."""
    hours: list[Hour] = msgspec.field(default_factory=lambda: [Hour() for _ in range(24)])
    """By hour of the day, UTC."""
    recent: list[float] = []
    """The last `RECENT_POINTS` log values."""
    deviations: list[float] = []
    """The last `MEAN_POINTS` deviations from the usual at their hour."""
    pending: list[dict[str, float]] = []
    """What the views showed of the last `LAG_POINTS` points."""
    last: float | None = None
    """The latest value."""
    unchanged: int = 0
    """Points since the value changed."""
    seen: dict[str, Seen] = msgspec.field(default_factory=lambda: {view: Seen() for view in VIEWS})
    """History by view."""
    quiet_points: int = 0
    """Points until the silence ends."""
    loudness: float = 0.0
    """Distance over limit of the last alarm."""
    refused: int = 0
    """Values that were not numbers, or too large: they were not looked at."""


def update(state: DetectorState, at_ms: int, value: float) -> Score:
    """Judges a point by all earlier ones and learns it.

    `at_ms` is the time since the epoch, `value` any finite number in any unit. NaN, infinities and what
    is beyond `LARGEST` are counted in `state.refused` and get the empty score.
    """
    if not abs(value) <= LARGEST:
        state.refused += 1
        return Score()
    if state.scale:
        return _judge(state, at_ms, value)
    state.first.append((at_ms, value))
    if len(state.first) == LEARN_POINTS:
        _start(state)
    return Score()


def _start(state: DetectorState) -> None:
    """Takes the scales of the series from its first points, and learns these."""
    magnitudes = [abs(value) for _, value in state.first if value]
    state.typical = max(median(magnitudes or [1.0]), 1 / LARGEST)
    state.scale = LINEAR_SHARE * state.typical
    state.since_ms = state.first[0][0]
    gap_ms = median(after - before for (before, _), (after, _) in pairwise(state.first))
    state.hour_points = max(HOUR_POINTS, round(HOUR_DAYS * HOUR_MS / max(gap_ms, 1)))
    for at_ms, value in state.first:
        _learn(state, _look(state, at_ms, value))
        _standstill(state, value)
    state.first.clear()


def _look(state: DetectorState, at_ms: int, value: float) -> dict[str, float]:
    """What each view but the standstill shows of a point; one that has too few points yet is left out."""
    log = math.asinh(value / state.scale)
    looks = {"level": value}
    hour = state.hours[at_ms % DAY_MS // HOUR_MS]
    if hour.count and at_ms - state.since_ms >= DAY_MS:
        looks["deviation"] = log - hour.mean
        _push(state.deviations, log - hour.mean, MEAN_POINTS)
        if len(state.deviations) == MEAN_POINTS:
            looks["mean deviation"] = fmean(state.deviations)
    hour.count = min(hour.count + 1, state.hour_points)
    hour.mean += (log - hour.mean) / hour.count
    _push(state.recent, log, RECENT_POINTS)
    if len(state.recent) == RECENT_POINTS:
        looks["floor"] = min(state.recent[-FLOOR_POINTS:])
        deviation = math.dist(state.recent, [fmean(state.recent)] * RECENT_POINTS) / math.sqrt(RECENT_POINTS)
        looks["unrest"] = math.log(deviation + RESOLUTION)
    return looks


def _push(last: list[float], value: float, points: int) -> None:
    last.append(value)
    if len(last) > points:
        del last[0]


def _standstill(state: DetectorState, value: float) -> float:
    """How long nothing has changed; it is learned when something does."""
    if value == state.last:
        state.unchanged += 1
    else:
        state.seen["standstill"].learn(math.log1p(state.unchanged / LAG_POINTS))
        state.last, state.unchanged = value, 0
    return math.log1p(state.unchanged / LAG_POINTS)


def _learn(state: DetectorState, looks: dict[str, float]) -> None:
    state.pending.append(looks)
    if len(state.pending) > LAG_POINTS:
        for view, actual in state.pending.pop(0).items():
            state.seen[view].learn(actual)


def _judge(state: DetectorState, at_ms: int, value: float) -> Score:
    looks = _look(state, at_ms, value)
    standstill = _standstill(state, value)
    most = max(
        (
            _surprise(view, actual, state.seen[view], state.typical)
            for view, actual in (*looks.items(), ("standstill", standstill))
            if state.seen[view].count >= LEARN_POINTS
        ),
        key=lambda surprise: surprise.score,
        default=Score(),
    )
    _learn(state, looks)
    state.quiet_points = max(0, state.quiet_points - 1)
    if not most.view:
        return most
    loudness = most.distance / most.limit
    if state.quiet_points and loudness < LOUDER * state.loudness:
        return msgspec.structs.replace(most, score=0.0, quiet=True)
    if most.score >= ALARM:
        state.quiet_points, state.loudness = QUIET_POINTS, loudness
        if most.view == "standstill":
            state.seen["standstill"].learn(standstill)
    return most


def _surprise(view: str, actual: float, seen: Seen, typical: float) -> Score:
    nearest = min(actual, seen.largest()) if view in UPWARD else seen.nearest(actual)
    least = RESOLUTION * typical if view == "level" else LEAST.get(view, RESOLUTION)
    distance = min(abs(actual - nearest) / max(seen.spread(), least), 1e9)
    limit = LIMIT * (1 + YOUNG_POINTS / seen.count)
    return Score(distance / (distance + limit), view, actual, nearest, distance, limit)
