"""The live view as rich renderables, at the width and height of the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.cli.text.figures import age
from daemon.cli.text.page import SEVERITY_STYLES, visible
from daemon.cli.top.snapshot import WINDOWS, HandlerRow, Snapshot
from daemon.incident import Incident
from handlers.diagnosis.wording import percent, size, span

_BARS: Final = "▁▂▃▄▅▆▇█"
_FIGURES_WIDTH: Final = 50
"""Of what stands behind the path of a source."""
_UNUSUAL: Final = 1.5
"""Times the expected median, or the expected share of failures, from which on a figure stands out. Only a
look: verdicts are the daemon's."""


def view(now: Snapshot, before: Snapshot | None, width: int, height: int) -> RenderableType:
    """`before`: the snapshot from which the rates are taken. `width`, `height`: of the terminal."""
    # Each table has a heading; what is left of the screen is for handlers.
    sources = now.ledger[: max(2, height // 6)]
    incidents = now.open[: max(2, height // 5)]
    rows = max(3, height - len(sources) - len(incidents) - 9)
    parts: list[RenderableType] = [_head(now, before), Text()]
    parts += [_incidents(now, len(incidents)), Text(), _sources(now, len(sources), width), Text()]
    parts.append(_handlers(now.handlers[:rows]))
    return Group(*parts)


def _head(now: Snapshot, before: Snapshot | None) -> Text:
    read = now.state.read
    text = Text()
    running = now.state.daemon.state == "running"
    text.append("selfheald ", "bold")
    text.append("running" if running else "not running", "green" if running else "yellow")
    text.append(f"  {_rate(now, before)}  ")
    unread = read.unread_bytes or 0
    old = f", {age(round(read.lag_s * 1000))}" if unread and read.lag_s is not None else ""
    text.append(f"lag {size(unread)}{old}", "yellow" if unread else "")
    if now.state.watermark_ms:
        text.append(f"  last event {age(now.taken_ms - now.state.watermark_ms)} ago", "dim")
    return text


def _rate(now: Snapshot, before: Snapshot | None) -> str:
    if before is None or now.taken_ms <= before.taken_ms:
        return f"{now.state.read.events:,} events"
    seconds = (now.taken_ms - before.taken_ms) / 1000
    lines = (now.state.read.lines - before.state.read.lines) / seconds
    events = (now.state.read.events - before.state.read.events) / seconds
    return f"{lines:,.0f} lines/s, {events:,.0f} events/s"


def _incidents(now: Snapshot, shown: int) -> RenderableType:
    if not now.open:
        return Text("nothing is open", "green")
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    for width in (8, max(len(stored.anomaly.id) for stored in now.open)):
        table.add_column(min_width=width, no_wrap=True)
    table.add_column()
    for stored in now.open[:shown]:
        anomaly = stored.anomaly
        severity = Text(anomaly.severity, SEVERITY_STYLES[anomaly.severity])
        told = Text(_told(stored), no_wrap=True, overflow="ellipsis")
        table.add_row(severity, anomaly.id, told)
    if len(now.open) > shown:
        table.add_row("", "", Text(f"… and {len(now.open) - shown} more (selfheald anomalies)", "dim"))
    return table


def _told(stored: Incident) -> str:
    state = "" if stored.state == "open" else f"{stored.state}: "
    return state + visible(stored.anomaly.description)


def _sources(now: Snapshot, shown: int, width: int) -> Table:
    table = _table("source", "format", "lines", "events", "unread", "lost")
    for line in now.ledger[:shown]:
        table.add_row(
            _end_of(visible(line.path), width - _FIGURES_WIDTH),
            line.format or "?",
            f"{line.lines:,}",
            f"{line.events:,}",
            "?" if line.unread_bytes is None else size(line.unread_bytes),
            size(line.bytes_lost) if line.bytes_lost else "",
        )
    if len(now.ledger) > shown:
        table.add_row(Text(f"… and {len(now.ledger) - shown} more", "dim"))
    return table


def _end_of(path: str, width: int) -> str:
    """The end of a path tells files apart."""
    return path if len(path) <= width else f"…{path[1 - width :]}"


def _handlers(rows: Sequence[HandlerRow]) -> RenderableType:
    if not rows:
        return Text(f"no handler ran in the {WINDOWS} windows before the last event", "dim")
    table = _table("handler", "median", "usual", "last windows", "runs", "failed", "usual")
    for row in rows:
        slow = bool(row.median_ms and row.expected_ms and row.median_ms > _UNUSUAL * row.expected_ms)
        share = row.failed / row.completed if row.completed else 0.0
        more = row.expected_failed is None or share > _UNUSUAL * row.expected_failed
        table.add_row(
            visible(row.handler or row.event),
            Text("" if row.median_ms is None else span(row.median_ms), "yellow" if slow else ""),
            "learning" if row.expected_ms is None else span(row.expected_ms),
            sparkline(row.medians_ms, row.expected_ms),
            f"{row.completed:,}",
            Text(percent(share), "red" if more else "") if share else "",
            percent(row.expected_failed) if row.expected_failed else "",
        )
    return table


def sparkline(values: Sequence[float | None], expected: float | None) -> str:
    """A bar a value, of which half the height is the expected one; a blank where there is none."""
    known = [value for value in values if value is not None]
    top = max([*known, 2 * (expected or 0.0)], default=0.0)
    if not top:
        return " " * len(values)
    steps = len(_BARS) - 1
    return "".join(" " if value is None else _BARS[round(steps * value / top)] for value in values)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", expand=False)
    table.add_column(first, no_wrap=True, overflow="ellipsis", ratio=1)
    for name in others:
        table.add_column(
            name, no_wrap=True, justify="left" if name in {"format", "last windows"} else "right"
        )
    return table
