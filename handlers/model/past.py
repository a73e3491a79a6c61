"""What the store remembers of the time around an anomaly."""

from __future__ import annotations

import msgspec

from handlers.model.metrics import Mark


class Point(msgspec.Struct, frozen=True):
    """The figure of an anomaly in one step of time."""

    at_ms: int
    value: float
    """In the unit of the anomaly."""
    samples: int
    """Executions, runs or errors that it is made of."""


class Spent(msgspec.Struct, frozen=True):
    """What an objective saw of one subject in one span that ends now."""

    span_ms: int
    events: int
    bad: int
    """Those of them that the objective does not allow."""


class Budget(msgspec.Struct, frozen=True):
    """An objective that somebody declared, and how it is kept."""

    objective: str
    """Its name in the settings."""
    allowed: float
    """The part of the events that may be bad, more than 0 and less than 1: the error budget."""
    window_ms: int
    spent: tuple[Spent, ...]
    """In ascending order of the spans; the last one is that of `window_ms`."""


class Past(msgspec.Struct, frozen=True):
    """The past of what one anomaly is about; empty where nothing is remembered."""

    points: tuple[Point, ...] = ()
    """Around its beginning, in order of time; steps without anything lack."""
    recent: tuple[Point, ...] = ()
    """Since its beginning, or the last part of that time."""
    step_ms: int = 0
    """Length of the steps."""
    marks: tuple[Mark, ...] = ()
    """What happened to the programs that write of it, and to how it is judged, in order of time."""
    budgets: tuple[Budget, ...] = ()
