"""A stored verdict made again, and what came of it."""

from __future__ import annotations

from typing import Any

import msgspec

from daemon.case_records import StoredCase
from daemon.program_version import program_version
from handlers.anomaly.case import differing, replayed


class Difference(msgspec.Struct, frozen=True):
    """A field of the anomaly that is another now."""

    field: str
    stored: Any
    now: Any
    """Both as JSON can hold them."""


class Replay(msgspec.Struct, frozen=True):
    id: str
    description: str
    identical: bool
    windows: int
    """How many windows were judged again."""
    bytes: int
    """How much was stored to do it, as JSON."""
    differences: tuple[Difference, ...]
    why: str
    """What can be the reason that it differs; "" if it is identical."""


def replay_of(stored: StoredCase) -> Replay:
    """Runs the detectors on what is stored. A pure function of it and of this version of selfheald."""
    case = stored.case
    now = replayed(case)
    before = case.anomaly
    fields = differing(before, now) if now is not None else ("id",)
    told = msgspec.to_builtins(before), msgspec.to_builtins(now) if now is not None else {}
    return Replay(
        id=before.id,
        description=before.description,
        identical=not fields,
        windows=len(case.windows),
        bytes=stored.size_bytes,
        differences=tuple(Difference(name, told[0].get(name), told[1].get(name)) for name in fields),
        why=_why(stored.version) if fields else "",
    )


def _why(version: str) -> str:
    own = program_version()
    if version != own:
        return f"selfheald {version or '(of a checkout)'} judged it, this is {own or '(of a checkout)'}"
    return "the code of selfheald is another than when it was judged, or the store was changed"
