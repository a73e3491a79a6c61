"""An error of an earlier beat that comes before another one, and may be its cause."""

from __future__ import annotations

from handlers.diagnosis.reach import sequence_of
from handlers.diagnosis.subject import subject
from handlers.diagnosis.wording import count, utc
from handlers.model import Codebase, ErrorAnomaly


def upstream_error(anomaly: ErrorAnomaly, errors: tuple[ErrorAnomaly, ...], codebase: Codebase) -> str:
    """A sentence, or "" where none precedes it. Which beat is earlier the definition of the sequence says."""
    sequence = sequence_of(anomaly, codebase)
    if sequence is None or anomaly.event not in sequence.events:
        return ""
    at = sequence.events.index(anomaly.event)
    before = [
        each
        for each in errors
        if each.sequence == anomaly.sequence
        and each.event in sequence.events[:at]
        and each.first_seen_ms <= anomaly.last_seen_ms
        and each.last_seen_ms >= anomaly.first_seen_ms
    ]
    if not before:
        return ""
    first = min(before, key=lambda each: (sequence.events.index(each.event), each.id))
    what = first.error_type or "an error"
    return (
        f"it may follow from {what} in {subject(first)}, an earlier beat of the same sequence "
        f"({count(first.count, 'error')}, since {utc(first.first_seen_ms)}, {first.id})"
    )
