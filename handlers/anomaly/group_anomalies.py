"""One cause is one anomaly: what many handlers show at once is told once, with them as its members.

Three rules, each with an id that does not depend on who the members are:

- *at once*: most handlers of all, or of a plug-in, are slow (or silent) by a similar factor at the same time.
- *the same error*: one type and template in many handlers.
- *broken off*: as many runs lack beats behind a failing beat as failed there.

What is open already stays one with fewer members than it takes to begin, so that it does not come and go.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypeVar

from msgspec.structs import replace

from handlers.anomaly.baseline import Learned
from handlers.anomaly.identity import anomaly_id
from handlers.model import (
    SEVERITIES,
    AnyAnomaly,
    BeatKey,
    BeatStats,
    BehavioralAnomaly,
    ErrorAnomaly,
    Member,
    PerformanceAnomaly,
    type_of,
)

MANY: Final = 5
"""Handlers that make a group begin."""
STILL_MANY: Final = 3
"""Handlers that a group needs to stay."""
SIMILAR: Final = 1.5
"""At most by so much do the factors of the members differ from the median one, up or down."""
_BROKEN_OFF: Final = frozenset({"missing", "unfinished", "failed"})

G = TypeVar("G", PerformanceAnomaly, ErrorAnomaly)


def group_slow(
    anomalies: Sequence[PerformanceAnomaly],
    beats: Mapping[BeatKey, Learned[BeatStats]],
    open_ids: Collection[str],
) -> list[PerformanceAnomaly]:
    """Joins what most of the handlers, or most of those of one plug-in, show at once, one kind at a time.

    `beats`: all that is known, of which those with recent windows are the handlers that run.
    """
    left = list(anomalies)
    groups: list[PerformanceAnomaly] = []
    handlers = _handlers(beats)
    plugins = sorted({plugin for plugin, *_ in handlers} - {""})
    for kind in sorted({each.kind for each in anomalies}):
        for plugin in ("", *plugins):  # all of them together first: what they explain needs no further cause
            of = [each for each in handlers if plugin in {"", each[0]}]
            candidates = [each for each in left if each.kind == kind and plugin in {"", each.plugin}]
            members = _at_once(candidates)
            about = anomaly_id("performance", "at-once", kind, plugin)
            is_open = about in open_ids
            if len(members) < _least(is_open) or len(members) * (4 if is_open else 2) <= len(of):
                continue
            where = f" of {plugin}" if plugin else ""
            ratio = _median([each.ratio for each in members])
            says = f"{ratio:.1f} times slower" if ratio > 1 else kind
            claim = f"{len(members)} of {len(of)} handlers{where} are {says} at once"
            groups.append(_joined(members, about, claim))
            joined = {each.id for each in members}
            left = [each for each in left if each.id not in joined]
    return [*groups, *left]


def group_errors(anomalies: Sequence[ErrorAnomaly], open_ids: Collection[str]) -> list[ErrorAnomaly]:
    """Joins groups of one type and template that many handlers show."""
    alike: dict[tuple[str, str], list[ErrorAnomaly]] = {}
    for anomaly in anomalies:
        alike.setdefault((anomaly.error_type, anomaly.template), []).append(anomaly)
    found: list[ErrorAnomaly] = []
    for (error_type, template), members in sorted(alike.items()):
        about = anomaly_id("error", "in-many", error_type, template)
        handlers = {_name(each) for each in members}
        if len(handlers) < _least(about in open_ids):
            found += members
        else:
            count = sum(each.count for each in members)
            claim = f"{len(handlers)} handlers fail {count} times with {error_type}: {template}"
            found.append(_joined(members, about, claim))
    return found


def group_broken_off(
    errors: Sequence[ErrorAnomaly], behavior: Sequence[BehavioralAnomaly]
) -> tuple[list[ErrorAnomaly], list[BehavioralAnomaly]]:
    """Gives deviations of runs that broke off where they failed to the error that did it."""
    parents = list(errors)
    others: list[BehavioralAnomaly] = []
    for deviation in behavior:
        causes = [number for number, error in enumerate(parents) if _broke_off(error, deviation)]
        if not causes:
            others.append(deviation)
            continue
        first = max(causes, key=lambda number: (parents[number].count, parents[number].id))
        error = parents[first]
        parents[first] = replace(
            error,
            description=f"{error.description}; {round(deviation.actual * deviation.samples)} runs of "
            f"{deviation.sequence} break off there",
            members=(*error.members, _member(deviation)),
        )
    return parents, others


def _broke_off(error: ErrorAnomaly, deviation: BehavioralAnomaly) -> bool:
    """Whether the beats that lack come behind the failing one, in about as many runs as fail there."""
    if deviation.kind not in _BROKEN_OFF or error.sequence != deviation.sequence:
        return False
    if error.event not in deviation.declared:
        return False
    place = deviation.declared.index(error.event)
    behind = deviation.declared[place:]
    runs = round(deviation.actual * deviation.samples)
    return set(deviation.beats) <= set(behind) and error.count / 2 <= runs <= error.count


def _at_once(anomalies: Sequence[PerformanceAnomaly]) -> list[PerformanceAnomaly]:
    """Those whose factor is near the median one and that stand at the same time as the median one."""
    if not anomalies:
        return []
    ordered = sorted(anomalies, key=lambda each: (each.ratio, each.id))
    middle = ordered[len(ordered) // 2]
    return [
        each
        for each in ordered
        if abs(math.log(max(each.ratio, 1e-9) / max(middle.ratio, 1e-9))) <= math.log(SIMILAR)
        and each.first_seen_ms <= middle.last_seen_ms
        and middle.first_seen_ms <= each.last_seen_ms
    ]


def _handlers(beats: Mapping[BeatKey, Learned[BeatStats]]) -> set[tuple[str, str, str]]:
    """(plug-in, handler, event) of the handlers that run; the sequence stands for a handler without name."""
    found: set[tuple[str, str, str]] = set()
    for (sequence, event), learned in beats.items():
        if learned.recent:
            stats = learned.recent[-1].stats
            found.add((stats.plugin, stats.handler or sequence, event))
    return found


def _joined(members: Sequence[G], about: str, claim: str) -> G:
    """The gravest member under the name of the group; the figures are its own."""
    ordered = sorted(members, key=lambda each: (-SEVERITIES.index(each.severity), -each.actual, each.id))
    worst = ordered[0]
    return replace(
        worst,
        id=about,
        description=f"{claim}; the worst: {worst.description}",
        first_seen_ms=min(each.first_seen_ms for each in members),
        last_seen_ms=max(each.last_seen_ms for each in members),
        affected=tuple(sorted({sequence for each in members for sequence in each.affected})),
        members=tuple(_member(each) for each in ordered),
    )


def _member(anomaly: AnyAnomaly) -> Member:
    if isinstance(anomaly, PerformanceAnomaly):
        figure = f"{anomaly.ratio:.2f} times"
    else:
        figure = f"{anomaly.actual:.0%}"
    return Member(anomaly.id, type_of(anomaly), anomaly.sequence, anomaly.event, _name(anomaly), figure)


def _name(anomaly: AnyAnomaly) -> str:
    if anomaly.handler:
        return f"{anomaly.plugin}.{anomaly.handler}" if anomaly.plugin else anomaly.handler
    return anomaly.event or anomaly.sequence


def _least(is_open: bool) -> int:
    return STILL_MANY if is_open else MANY


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
