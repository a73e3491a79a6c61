"""A small chart of block characters: values over time, against what is expected and the limit."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from handlers.diagnosis.wording import span
from handlers.model import Mark, Point

COLUMNS: Final = 56
_ROWS: Final = 8
_WIDEST: Final = 4
"""Characters of a bar."""
_LABEL: Final = 18
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_MARKS: Final = {
    "restarted": "a restart",
    "version": "a version",
    "settings": "other settings",
    "definition": "another definition",
}


class TextChart(msgspec.Struct, frozen=True, kw_only=True):
    points: tuple[Point, ...]
    """At least one."""
    expected: float
    limit: float
    from_ms: int
    """When the incident began."""
    marks: tuple[Mark, ...]
    """What happened meanwhile."""
    write: Callable[[float], str]
    """A value with its unit."""


def chart_lines(chart: TextChart) -> list[str]:
    """Lines of at most 78 characters; times in UTC. Where there is no bar, there was nothing to count."""
    starts = [point.at_ms for point in chart.points]
    finest_ms = min((later - one for one, later in itertools.pairwise(starts)), default=10_000)
    step_ms = max(finest_ms, -(-(starts[-1] - starts[0] + 1) // COLUMNS))
    columns: list[float | None] = [None] * ((starts[-1] - starts[0]) // step_ms + 1)
    for point in chart.points:
        at = (point.at_ms - starts[0]) // step_ms
        columns[at] = max(point.value, columns[at] or 0.0)
    top = max([chart.limit, chart.expected, *(value for value in columns if value is not None)]) or 1.0
    width = min(_WIDEST, COLUMNS // len(columns))
    rows = [_row(number, top, columns, chart, width) for number in reversed(range(_ROWS))]
    since = (chart.from_ms - starts[0]) // step_ms
    shown = [each for each in chart.marks if 0 <= (each.at_ms - starts[0]) // step_ms < len(columns)]
    marks = {(each.at_ms - starts[0]) // step_ms for each in shown}
    line = ["━" if at >= since else "─" for at in range(len(columns))]
    axis = "".join(("▲" if at in marks else char) + char * (width - 1) for at, char in enumerate(line))
    is_long = starts[-1] - starts[0] >= 86_400_000
    first, last = (_clock(at_ms, days=is_long) for at_ms in (starts[0], starts[-1] + step_ms))
    marked = ["━ since it began"] if since > 0 else []
    kinds = [*dict.fromkeys(_MARKS[each.kind] for each in shown)]
    marked += [f"▲ {' or '.join(kinds) if len(kinds) < 3 else 'what happened'}"] if shown else []
    notes = [f"{first} to {last} UTC, {span(step_ms)} a bar", *([", ".join(marked)] if marked else [])]
    return [*rows, f"{'':{_LABEL}}└{axis}", *(f"{'':{_LABEL}} {note}" for note in notes)]


def _row(number: int, top: float, columns: Sequence[float | None], chart: TextChart, width: int) -> str:
    low, high = top * number / _ROWS, top * (number + 1) / _ROWS
    label, line = "", " "
    for name, value, drawn in (("expected", chart.expected, "┄"), ("limit", chart.limit, "─")):
        if low <= value < high or (number == _ROWS - 1 and value == top):
            label, line = f"{name} {chart.write(value)}", drawn
    if not label and number == _ROWS - 1:
        label = chart.write(top)
    cells = (_cell(value, low, high) if value is not None else " " for value in columns)
    drawn_cells = ((line if cell == " " else cell) * width for cell in cells)
    return f"{label:>{_LABEL - 1}} │{''.join(drawn_cells)}".rstrip()


def _cell(value: float, low: float, high: float) -> str:
    eighths = round((value - low) / (high - low) * 8)
    least = 1 if low == 0 and value > 0 else 0
    return _EIGHTHS[max(least, min(8, eighths))]


def _clock(at_ms: int, *, days: bool) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):{'%Y-%m-%d %H:%M' if days else '%H:%M:%S'}}"
