"""What is counted of the runs of a sequence that nobody declared.

Three neighbouring events hold all that is judged of the order: what follows one or two events, and what
precedes one or two (directly-follows relations of first and second order; van der Aalst, Process Mining,
2016). How often each event occurs in a run is the rest. All are sums: as long as there is room, runs can be
learned in any order and models can be added.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from handlers.model import SequenceModel

START: Final = "\x02"
END: Final = "\x03"
MAX_TRIGRAMS: Final = 20_000
"""Distinct triples of neighbours kept of a sequence, about 2 MB; new ones beyond them are only counted."""
MAX_PROFILES: Final = 10_000
_EXACT: Final = 8
_MILLION: Final = 1_000_000


def learn(model: SequenceModel, path: tuple[str, ...], runs: int = 1) -> None:
    """Adds `runs` runs that took `path`, its events in order of start; none holds a tab, `START` or `END`."""
    model.runs += runs
    padded = padded_of(path)
    share = runs * (_MILLION // (len(path) + 1))
    for trigram in zip(padded, padded[1:], padded[2:], strict=False):
        text = "\t".join(trigram)
        model.dropped += _add(model.trigrams, text, runs, MAX_TRIGRAMS)
        _add(model.shares, text, share, MAX_TRIGRAMS)
    profile = profile_of(path)
    for event, step in profile.items():
        steps = model.counts.setdefault(event, {})
        steps[step] = steps.get(step, 0) + runs
    text = "\t".join(f"{event}\t{step}" for event, step in sorted(profile.items()))
    model.dropped += _add(model.profiles, text, runs, MAX_PROFILES)


def merge(into: SequenceModel, other: SequenceModel) -> None:
    """Adds `other` to `into`."""
    into.runs += other.runs
    into.dropped += other.dropped
    for trigram, times in other.trigrams.items():
        into.dropped += _add(into.trigrams, trigram, times, MAX_TRIGRAMS)
        _add(into.shares, trigram, other.shares[trigram], MAX_TRIGRAMS)
    for profile, runs in other.profiles.items():
        into.dropped += _add(into.profiles, profile, runs, MAX_PROFILES)
    for event, steps in other.counts.items():
        mine = into.counts.setdefault(event, {})
        for step, runs in steps.items():
            mine[step] = mine.get(step, 0) + runs


def padded_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """With two neighbours for the first and the last event, too."""
    return (START, START, *path, END, END)


def profile_of(path: tuple[str, ...]) -> dict[str, int]:
    """How often each event occurs: exact for a few, then the power of two below (100 and 120 are alike)."""
    return {event: n if n < _EXACT else 1 << (n.bit_length() - 1) for event, n in Counter(path).items()}


def _add(into: dict[str, int], key: str, times: int, room: int) -> int:
    """Returns what there was no room for."""
    if key not in into and len(into) >= room:
        return times
    into[key] = into.get(key, 0) + times
    return 0
