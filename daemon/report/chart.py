"""A small line chart as inline SVG: values over time, limit, expected value, and what happened when."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from daemon.report.markup import Element, element
from handlers.model import Point

WIDTH: Final = 640
HEIGHT: Final = 180
_LEFT: Final = 98
_RIGHT: Final = 12
_TOP: Final = 14
_BOTTOM: Final = 26


class ChartMark(msgspec.Struct, frozen=True):
    """Something that happened: a restart, a deployment, other settings."""

    at_ms: int
    text: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    points: tuple[Point, ...]
    expected: float
    limit: float
    from_ms: int
    """When the incident began, or the first point if it began before."""
    to_ms: int
    """When it ended, or the last point."""
    marks: tuple[ChartMark, ...] = ()
    write: Callable[[float], str]
    """A value with its unit."""
    most: float | None = None
    """No value is larger: 1 for a share."""


def svg(chart: Chart) -> Element:
    """The chart; it is as wide as its container."""
    first_ms, last_ms = chart.points[0].at_ms, max(chart.points[-1].at_ms, chart.points[0].at_ms + 1)
    top = chart.most or _nice(max([point.value for point in chart.points] + [chart.limit]) * 1.05)

    def x(at_ms: float) -> float:
        share = (min(max(at_ms, first_ms), last_ms) - first_ms) / (last_ms - first_ms)
        return _LEFT + share * (WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (1 - min(value / top, 1.0)) * (HEIGHT - _TOP - _BOTTOM)

    since, until = x(chart.from_ms), x(chart.to_ms)
    children: list[Element] = [
        element("title", chart.title),
        element("rect", class_="bad", x=since, y=_TOP, width=max(until - since, 2.0), height=y(0) - _TOP),
        *_grid(top, y, chart.write),
        # At the two ends, so that they can be read where both are nearly the same.
        _level(chart.expected, y, "expected", "start", _LEFT + 6),
        _level(chart.limit, y, "limit", "end", WIDTH - _RIGHT),
        *_marks(chart.marks, x, first_ms, last_ms),
        element(
            "polyline",
            class_="line",
            points=" ".join(f"{x(each.at_ms):.1f},{y(each.value):.1f}" for each in chart.points),
        ),
        element("text", _clock(first_ms, first_ms, last_ms), class_="tick", x=_LEFT, y=HEIGHT - 8),
        element(
            "text",
            _clock(last_ms, first_ms, last_ms),
            class_="tick end",
            x=WIDTH - _RIGHT,
            y=HEIGHT - 8,
        ),
    ]
    label = f"{chart.title}; expected {chart.write(chart.expected)}, limit {chart.write(chart.limit)}"
    return element(
        "svg", *children, view_box=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label, class_="chart"
    )


def _grid(top: float, y: Callable[[float], float], write: Callable[[float], str]) -> Sequence[Element]:
    made = []
    for share in (0.0, 0.5, 1.0):
        at = y(top * share)
        made.append(element("line", class_="grid", x1=_LEFT, x2=WIDTH - _RIGHT, y1=at, y2=at))
        made.append(element("text", write(top * share), class_="tick end", x=_LEFT - 6, y=at + 4))
    return made


def _level(value: float, y: Callable[[float], float], name: str, anchor: str, text_x: float) -> Element:
    at = y(value)
    return element(
        "g",
        element("line", class_=name, x1=_LEFT, x2=WIDTH - _RIGHT, y1=at, y2=at),
        element("text", name, class_=f"tick {anchor} {name}", x=text_x, y=at - 4),
    )


def _marks(
    marks: Sequence[ChartMark], x: Callable[[float], float], first_ms: int, last_ms: int
) -> Sequence[Element]:
    return [
        element(
            "g",
            element("title", mark.text),
            element("line", class_="mark", x1=x(mark.at_ms), x2=x(mark.at_ms), y1=_TOP, y2=HEIGHT - _BOTTOM),
            element("text", "▾", class_="tick mid mark", x=x(mark.at_ms), y=_TOP - 3),
        )
        for mark in marks
        if first_ms <= mark.at_ms <= last_ms
    ]


def _nice(value: float) -> float:
    """The next round number: 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 5, 7.5, 10) if step * power >= value * (1 - 1e-12))


def _clock(at_ms: int, first_ms: int, last_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at:%H:%M:%S}" if last_ms - first_ms < 86_400_000 else f"{at:%Y-%m-%d %H:%M}"
