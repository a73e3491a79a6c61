"""What the fixes of every type of diagnosis have in common."""

from __future__ import annotations

from typing import Literal

import msgspec

from handlers.diagnosis.subject import subject
from handlers.diagnosis.suspects import lines_of
from handlers.model import AnyDiagnosis, RecommendationType


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """A recommendation before it has an id and a priority among all others; the fields mean the same."""

    slug: str
    """Tells the fixes of one anomaly apart."""
    type: RecommendationType
    title: str
    action: str
    location: str
    steps: tuple[str, ...]
    effort: Literal["minutes", "hours", "days"]
    benefit: str


def where(diagnosis: AnyDiagnosis) -> str:
    """The location, else the handler, the event or the sequence: never empty where the log named anything."""
    return diagnosis.location or subject(diagnosis.anomaly)


def beat_name(diagnosis: AnyDiagnosis) -> str:
    """The handler with its event: a function name alone can stand for several handlers."""
    anomaly = diagnosis.anomaly
    name = subject(anomaly)
    return f"{name} ({anomaly.event})" if anomaly.event and anomaly.event != name else name


def undone(diagnosis: AnyDiagnosis) -> str:
    """What was there before the commit that the cause names, where that is one line: ends an action."""
    suspect = diagnosis.suspects[0] if diagnosis.suspects else None
    if (
        suspect is None
        or suspect.sha[:12] not in diagnosis.cause
        or not (len(suspect.before) == len(suspect.after) == 1)
    ):
        return ""
    return f" As it was until {suspect.sha[:12]}: {lines_of(suspect.after)} → {lines_of(suspect.before)}."


def undo_steps(diagnosis: AnyDiagnosis) -> tuple[str, ...]:
    """How to take back the commit that the cause names."""
    suspect = diagnosis.suspects[0] if diagnosis.suspects else None
    if suspect is None or suspect.sha[:12] not in diagnosis.cause:
        return ()
    return (f"Or take back all of the commit: git revert {suspect.sha[:12]}",)


def first_step(diagnosis: AnyDiagnosis, otherwise: str) -> str:
    """To look at the likeliest commit, where there is one."""
    if not diagnosis.suspects:
        return otherwise
    suspect = diagnosis.suspects[0]
    return f'Look at commit {suspect.sha[:12]} ("{suspect.subject}", {suspect.author}): {suspect.place}.'
