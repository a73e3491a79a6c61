"""A backtest in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from daemon.backtest import Backtest
from daemon.incident import Incident
from handlers.diagnosis.wording import count, span

_NAMED: Final = 5
"""So many incidents are named in a sentence."""


def said_of(found: Backtest) -> str:
    """In one line: how many incidents there are before and after, over which time, and which differ."""
    parts = [f"{len(found.before)} -> {count(len(found.after), 'incident')} in {covered(found)}"]
    parts += _listed("would appear", map(named, found.appear))
    parts += _listed("would vanish", map(named, found.vanish))
    parts += _listed(
        "would be", (f"{new.worst} for {old.worst}: {named(new)}" for old, new in found.regraded)
    )
    return "; ".join(parts)


def covered(found: Backtest) -> str:
    """The time that was judged: "24.0 h", "the first 2.0 h of the newest 24.0 h of 30.0 h"."""
    judged, wanted = span(found.until_ms - found.from_ms), span(found.stored_until_ms - found.wanted_from_ms)
    if found.until_ms < found.stored_until_ms:
        return f"{judged} of {wanted} of stored history (there was no time for more)"
    if found.from_ms > found.wanted_from_ms:
        return f"the newest {judged} of {wanted} of stored history (there was no time for more)"
    return f"{judged} of stored history"


def named(incident: Incident) -> str:
    """An incident in short: "perf-5ecf2412 slow renderReact (medium)"."""
    anomaly = incident.anomaly
    name = anomaly.handler or anomaly.event or anomaly.sequence or "all that runs"
    return f"{anomaly.id} {anomaly.kind} {name} ({incident.worst})"


def _listed(words: str, names: Iterable[str]) -> list[str]:
    shown = [*names]
    more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return [f"{words}: {', '.join(shown[:_NAMED])}{more}"] if shown else []
