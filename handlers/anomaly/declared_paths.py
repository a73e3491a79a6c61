"""Paths held against a declaration."""

from __future__ import annotations

from typing import Final

import msgspec

from config.settings import Detect
from handlers.anomaly.behavior import Behavior, BehaviorKind, news_confidence
from handlers.anomaly.conformance import DeviationKind, deviations, numbered
from handlers.metrics import events_of, first_of
from handlers.model import RunStats, VariantStats

ERRORS_EXPLAIN: Final[frozenset[BehaviorKind]] = frozenset({"missing", "extra", "repeated"})
"""A run that an error disturbed, or that the log cuts, proves none of these: beats are skipped, tried again
or made good."""


def declared_deviations(
    current: RunStats, reference: RunStats, declared: tuple[str, ...], limits: Detect
) -> tuple[Behavior, ...]:
    """A break of a declaration is news at once; one that healthy runs had too must have become frequent."""
    before = deviating(reference, declared, limits)
    found: list[Behavior] = []
    for kind, now in sorted(deviating(current, declared, limits).items()):
        base_runs = before[kind].runs if kind in before else 0
        if base_runs and reference.rest is not None:
            base_runs += reference.rest.runs  # their paths are not known, so they may have deviated, too
        behavior = msgspec.structs.replace(now, base_runs=base_runs, base_of=reference.completed)
        confidence = news_confidence(behavior, limits)
        if confidence is not None:
            found.append(msgspec.structs.replace(behavior, confidence=confidence))
        elif not base_runs and now.runs >= limits.behavioral_min_runs:
            found.append(behavior)
    return tuple(found)


def deviating(stats: RunStats, declared: tuple[str, ...], limits: Detect) -> dict[BehaviorKind, Behavior]:
    """Counts the runs that deviate, by kind; each kind shows its most frequent path."""
    found: dict[BehaviorKind, Behavior] = {}
    for path, variant in by_frequency(stats):
        for deviation in deviations(declared, path) if path != declared else ():
            kind, runs = deviation.kind, proving(variant, deviation.kind)
            if not runs:
                continue
            shown = found.get(kind) or Behavior(
                kind=kind,
                says=f"{said(kind, deviation.events, declared, path)}, against its definition",
                events=deviation.events,
                expected=declared,
                observed=path,
                runs=0,
                of=sum(proving(each, kind) for each in stats.variants.values()),
                confidence=limits.confidence,
                origins=(),
                is_declared=True,
            )
            found[kind] = msgspec.structs.replace(
                shown, runs=shown.runs + runs, origins=first_of(shown.origins + variant.examples)
            )
    return found


def by_frequency(stats: RunStats) -> list[tuple[tuple[str, ...], VariantStats]]:
    """Paths, the most frequent first."""
    ordered = sorted(stats.variants.items(), key=lambda item: (-item[1].runs, item[0]))
    return [(events_of(text), variant) for text, variant in ordered]


def proving(variant: VariantStats, kind: BehaviorKind) -> int:
    """Runs of a path that prove a deviation of this kind."""
    return variant.runs - variant.disturbed if kind in ERRORS_EXPLAIN else variant.runs


def said(
    kind: DeviationKind, events: tuple[str, ...], expected: tuple[str, ...], observed: tuple[str, ...]
) -> str:
    """What the runs did, as the end of a sentence."""
    if kind == "missing":
        return f"left out {numbered(events, expected)}"
    if kind == "repeated":
        return f"played {numbered(events, expected)} more often than it should"
    if kind == "out-of-order":
        return f"played {numbered(events, expected)} out of order"
    place = observed.index(events[0])
    after = f"after beat {place} ({observed[place - 1]})" if place else "at the start"
    return f"played {', '.join(events)} {after}, which does not belong to it"
