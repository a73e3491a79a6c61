"""What failing runs have that healthy ones have not: time, another path, a resource that is used up.

All differences are told on one scale, 0..1: how much of what is there is unusual. That is a part of the time
of the runs, of the steps that came this far, or of the capacity of a resource. What a callee does is never
counted for its caller.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from math import hypot, sqrt
from statistics import fmean, median, stdev
from typing import Final, Literal

import msgspec

from handlers.anomaly.statistics import wilson_interval, z_of
from handlers.diagnosis.wording import count, percent

EDGE: Final = ""
"""What comes before the first statement of a step, and after its last one."""

_RARE: Final = 0.05
"""What follows a statement in fewer of the healthy steps is no path of its own."""
_Z: Final = z_of(0.95)
"""For the bounds of shares: few runs prove less."""

DifferenceKind = Literal["time", "path", "resource"]


class Step(msgspec.Struct, frozen=True):
    """A span, a beat: one piece of work of one component in a run."""

    component: str
    operation: str
    caller: int
    """Index of the step in its run that called it; -1 for the first one."""
    own_us: int
    """Duration without that of the steps it calls."""
    statements: tuple[str, ...] = ()
    """Log statements in order, as templates."""


Run = Sequence[Step]
"""Its steps, a caller before those whom it calls."""


class Resource(msgspec.Struct, frozen=True):
    """How much of a resource a component used while runs failed."""

    component: str
    name: str
    used: float
    """Part of the capacity, 0..1."""
    usual: tuple[float, ...]
    """The same at other times, in any order."""


class Difference(msgspec.Struct, frozen=True):
    """One thing in which the failing runs differ from the healthy ones."""

    component: str
    kind: DifferenceKind
    place: str
    """The resource; the last statement that was reached, EDGE if it was none; "" for time."""
    expected: str
    """The statement that follows in healthy runs, EDGE if none does; "" for other kinds."""
    share: float
    """The part that is unusual in failing runs minus the same in healthy ones, at most 1; of time and path
    what the runs prove at least: from 0 down nothing is proven."""
    seen: int
    """Failing runs with the component, or steps with the statement; 0 for a resource."""
    reason: str
    """For people."""


def differing_runs(
    failing: Iterable[Run], healthy: Iterable[Run], resources: Iterable[Resource] = ()
) -> tuple[Difference, ...]:
    """The differences, largest share first, those that are not proven last.

    Time: what the steps of a component took beyond the median of healthy steps of the operation, by the
    duration of the run. Path: steps that go on after a statement, or end, as healthy steps hardly ever do.
    Resource: used beyond all that is usual. Operations and statements that no healthy run shows are left
    out: there is nothing to compare them with.

    After Yu et al.: "Nezha: Interpretable Fine-Grained Root Causes Analysis for Microservices on
    Multi-modal Observability Data", ESEC/FSE 2023, which compares statement sequences the same way.
    """
    bad, good = [run for run in failing if run], [run for run in healthy if run]
    found = [*_times(bad, good), *_paths(bad, good), *filter(None, map(_resource, resources))]
    return tuple(
        sorted(found, key=lambda each: (-each.share, each.component, each.kind, each.place, each.expected))
    )


def _times(failing: list[Run], healthy: list[Run]) -> Iterable[Difference]:
    own: dict[tuple[str, str], list[int]] = defaultdict(list)
    for run in healthy:
        for step in run:
            own[step.component, step.operation].append(step.own_us)
    usual = {key: median(each) for key, each in own.items()}
    before, now = _unusual_time(healthy, usual), _unusual_time(failing, usual)
    for component, shares in now.items():
        earlier = before[component]
        rise = fmean(shares) - fmean(earlier)
        if rise > 0:
            yield Difference(
                component,
                "time",
                "",
                "",
                rise - _Z * hypot(_error(shares), _error(earlier)),
                len(shares),
                f"{component} takes {percent(fmean(shares))} of the time of a run beyond its usual time "
                f"in {count(len(shares), 'failing run')}, and {percent(fmean(earlier))} in "
                f"{count(len(earlier), 'healthy run')}",
            )


def _unusual_time(runs: list[Run], usual: Mapping[tuple[str, str], float]) -> defaultdict[str, list[float]]:
    """By component, for each run that reaches it, the part of its time that is beyond the usual one."""
    shares: defaultdict[str, list[float]] = defaultdict(list)
    for run in runs:
        whole_us = sum(step.own_us for step in run)
        beyond_us: defaultdict[str, float] = defaultdict(float)
        for step in run:
            key = step.component, step.operation
            if key in usual:
                beyond_us[step.component] += max(0.0, step.own_us - usual[key])
        for component, each_us in beyond_us.items():
            shares[component].append(each_us / whole_us if whole_us else 0.0)
    return shares


Place = tuple[str, str, str]
"""Component, operation, statement."""


def _paths(failing: list[Run], healthy: list[Run]) -> Iterable[Difference]:
    known = _successors(healthy)
    reached = _successors(failing)
    left: Counter[Place] = Counter()
    for run in failing:
        places = {index: place for index, step in enumerate(run) if (place := _departure(step, known))}
        left.update(places[index] for index in places.keys() - _callers_of(run, places))
    for place, times in left.items():
        component, _, statement = place
        steps, healthy_steps = reached[place].total(), known[place].total()
        rare = sum(number for after, number in known[place].items() if _is_rare(after, known[place]))
        if times * healthy_steps > rare * steps:
            where = f"after {statement!r}" if statement else "at once"
            expected = min((-number, after) for after, number in known[place].items())[1]
            yield Difference(
                component,
                "path",
                statement,
                expected,
                wilson_interval(times, steps, _Z)[0] - wilson_interval(rare, healthy_steps, _Z)[1],
                steps,
                f"{component} leaves its path {where} in {times:,} of {count(steps, 'failing step')}, and in "
                f"{rare:,} of {count(healthy_steps, 'healthy step')}; "
                f"{repr(expected) if expected else 'nothing'} should follow",
            )


def _successors(runs: list[Run]) -> defaultdict[Place, Counter[str]]:
    """By statement, how often which one follows."""
    found: defaultdict[Place, Counter[str]] = defaultdict(Counter)
    for run in runs:
        for step in run:
            for place, after in _successions(step):
                found[place][after] += 1
    return found


def _successions(step: Step) -> Iterable[tuple[Place, str]]:
    for statement, after in zip_longest((EDGE, *step.statements), step.statements, fillvalue=EDGE):
        yield (step.component, step.operation, statement), after


def _departure(step: Step, known: Mapping[Place, Counter[str]]) -> Place | None:
    """The first statement after which the step does what healthy ones hardly ever do."""
    for place, after in _successions(step):
        if place not in known:
            return None
        if _is_rare(after, known[place]):
            return place
    return None


def _is_rare(after: str, successors: Counter[str]) -> bool:
    return successors[after] < _RARE * successors.total()


def _callers_of(run: Run, steps: Iterable[int]) -> set[int]:
    """All steps that called these, directly or not: they leave their path because of them."""
    callers: set[int] = set()
    for index in steps:
        while (index := run[index].caller) >= 0 and index not in callers:
            callers.add(index)
    return callers


def _resource(resource: Resource) -> Difference | None:
    if not resource.usual or resource.used <= max(resource.usual):
        return None
    usual = median(resource.usual)
    return Difference(
        resource.component,
        "resource",
        resource.name,
        "",
        resource.used - usual,
        0,
        f"{resource.component} uses {percent(resource.used)} of {resource.name}, and never more than "
        f"{percent(max(resource.usual))} at other times",
    )


def _error(values: list[float]) -> float:
    """Standard error of the mean. A single share may be anything."""
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else 1.0
