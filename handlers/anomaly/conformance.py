"""How the path of a run differs from the expected one."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from typing import Literal

import msgspec

DeviationKind = Literal["missing", "extra", "repeated", "out-of-order"]


class Deviation(msgspec.Struct, frozen=True):
    kind: DeviationKind
    events: tuple[str, ...]
    """The events concerned, in expected order; for an extra or repeated one in the order of the run."""


def deviations(expected: tuple[str, ...], observed: tuple[str, ...]) -> tuple[Deviation, ...]:
    """Compares by event, not by beat number: leaving a beat out renumbers all that follow.

    Missing and extra are differences of the multisets; what both have is then compared in order, and the
    few events whose move explains the difference are out of order.
    """
    wanted, seen = Counter(expected), Counter(observed)
    missing, extra = wanted - seen, seen - wanted
    found: list[Deviation] = []
    if missing:
        found.append(Deviation("missing", _pick(expected, missing)))
    unknown = _pick(observed, Counter({event: n for event, n in extra.items() if event not in wanted}))
    if unknown:
        found.append(Deviation("extra", unknown))
    repeated = _pick(observed, Counter({event: n for event, n in extra.items() if event in wanted}))
    if repeated:
        found.append(Deviation("repeated", repeated))
    both = wanted & seen
    moved = _moved(_pick(expected, Counter(both)), _pick(observed, Counter(both)))
    if moved:
        found.append(Deviation("out-of-order", moved))
    return tuple(found)


def numbered(events: tuple[str, ...], order: tuple[str, ...]) -> str:
    """The beats with their numbers in `order`, for a sentence: "beats 2 (price) and 3 (reserve)"."""
    names = [f"{order.index(each) + 1} ({each})" if each in order else f"({each})" for each in events]
    return f"beat {names[0]}" if len(names) == 1 else f"beats {', '.join(names[:-1])} and {names[-1]}"


def _pick(events: tuple[str, ...], left: Counter[str]) -> tuple[str, ...]:
    picked: list[str] = []
    for event in events:
        if left[event] > 0:
            left[event] -= 1
            picked.append(event)
    return tuple(picked)


def _moved(expected: tuple[str, ...], observed: tuple[str, ...]) -> tuple[str, ...]:
    places = [index for index, (a, b) in enumerate(zip(expected, observed, strict=True)) if a != b]
    if len(places) <= 2:  # two beats changed places: name both
        return tuple(expected[index] for index in places)
    kept: set[int] = set()
    for block in SequenceMatcher(None, expected, observed, autojunk=False).get_matching_blocks():
        kept.update(range(block.a, block.a + block.size))
    return tuple(event for index, event in enumerate(expected) if index not in kept)
