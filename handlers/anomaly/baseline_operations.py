"""What operators may do to what was learned of a subject: each returns the new state and changes nothing."""

from __future__ import annotations

from msgspec.structs import replace

from handlers.anomaly.baseline import Learned, Rules, S, healthy, healthy_windows


def pinned(learned: Learned[S], rules: Rules[S], name: str) -> Learned[S]:
    """All that is healthy so far is the reference, under a name: later windows are judged and not learned."""
    waiting = [recent.start_ms for recent in learned.recent if not recent.tainted]
    return replace(
        learned,
        reference=healthy(learned, rules),
        windows=healthy_windows(learned),
        recent=[recent for recent in learned.recent if recent.tainted],
        since_ms=learned.since_ms or min(waiting, default=0),
        pinned=name,
    )


def unpinned(learned: Learned[S]) -> Learned[S]:
    """Healthy windows are learned again."""
    return replace(learned, pinned="")


def accepted(learned: Learned[S], rules: Rules[S]) -> Learned[S]:
    """As it is now is how it is meant to be: the windows on which the verdict fell are the new reference.

    A pin stays, now of this reference. Without such windows all recent ones are taken.
    """
    now = [recent for recent in learned.recent if recent.tainted] or learned.recent
    reference = rules.empty()
    for recent in now:
        rules.add(reference, recent.stats)
    since_ms = min((recent.start_ms for recent in now), default=0)
    return Learned(reference, len(now), since_ms=since_ms, pinned=learned.pinned)
