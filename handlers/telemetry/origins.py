"""Where events stand in their files."""

from __future__ import annotations

from handlers.model import NormalizedEvents, Origin


def origin_of(events: NormalizedEvents, index: int) -> Origin:
    """Of one event."""
    return Origin(events.at_ms[index], events.sources.get(index, events.source), events.offsets[index])


def origin_at(events: NormalizedEvents, indexes: list[int], position: int) -> Origin:
    """Of the event that is at a position of a group."""
    return origin_of(events, indexes[position])


def beat_origin(events: NormalizedEvents, indexes: list[int], number: int, position: int) -> Origin:
    """Of a completed beat of the whole run that is at a position of a group."""
    index = indexes[position]
    run = events.whole[index]
    return Origin(events.at_ms[index] + run.after_ms[number], events.source, run.offsets[number])
