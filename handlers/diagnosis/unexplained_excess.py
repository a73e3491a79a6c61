"""Which node of a call graph added the time, or the failures, that those who call it suffer from.

A call is slow when what it calls is slow, so a rise is seen on the whole way up. What a node added itself is
its own excess minus that of its callees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum
from statistics import median, median_low
from typing import Final, Literal

import msgspec

from handlers.diagnosis.wording import count, percent, span

_SUFFERING: Final = 1 / 3
"""An interval counts when the excess of the target is at least this part of its highest one: by then an
onset or an end within an interval no longer hides the rise."""
_USUAL_RANGE: Final = 0.95
"""Up to this quantile of its usual costs a node is as it usually is."""

Unit = Literal["ms", "failures"]


class Load(msgspec.Struct, frozen=True):
    """What an interval saw of a node."""

    requests: int
    cost: float
    """Mean cost of a request: its duration in ms, or the share of requests that failed, 0..1."""


class CallNode(msgspec.Struct, frozen=True):
    """A service, an operation, a sequence or a beat."""

    name: str
    calls: tuple[str, ...]
    """Names of what it calls and waits for."""
    usual: tuple[float, ...]
    """Costs of a request while all was well, in any order. Without any, no rise can be told: that a call is
    new is the doing of its caller."""
    loads: tuple[Load | None, ...]
    """By interval, the same intervals for all nodes; None where nothing was seen."""


class Unexplained(msgspec.Struct, frozen=True):
    """What a node added in the intervals in which the target suffered."""

    name: str
    excess: float
    """Cost above the usual one, of all requests together: ms, or failed requests."""
    of_callees: float
    """The part of it that those whom it calls account for."""
    usual: float
    actual: float
    """Mean cost of a request."""
    requests: int
    beyond_usual: bool
    """Requests cost more than they usually do at times."""
    reason: str
    """For people."""

    @property
    def own(self) -> float:
        """What its callees do not explain."""
        return self.excess - self.of_callees


def rank_unexplained_excess(
    nodes: Iterable[CallNode], target: str, unit: Unit = "ms"
) -> tuple[Unexplained, ...]:
    """The nodes that `target` calls, directly or not, and itself: the most likely root cause first.

    Excess is requests times the rise over the usual cost, which is the median of `usual`, or the figure
    of the intervals in which the target was well if that is higher: what was there before does not
    explain the trouble. Nodes within their usual range come after all others. Nodes that no interval or no
    `usual` tells of are left out. An unknown target gives an empty tuple.

    Hardt et al.: "The PetShop Dataset: Finding Causes of Performance Issues across Microservices",
    CLeaR 2024.
    """
    graph = {node.name: node for node in nodes}
    if target not in graph:
        return ()
    bad, well = _split(graph[target])
    reached = _reached(graph, target)
    measured = {name: each for name in reached if (each := _excess(graph[name], bad, well))}
    ranked = (_explained(each, graph[name], measured, unit) for name, each in measured.items())
    return tuple(sorted(ranked, key=lambda each: (not each.beyond_usual, -each.own, each.name)))


class _Excess(msgspec.Struct, frozen=True):
    excess: float
    usual: float
    actual: float
    requests: int
    beyond_usual: bool


def _split(target: CallNode) -> tuple[list[int], list[int]]:
    """The intervals in which the target suffers, and those in which it is as usual."""
    usual, limit = _usual(target)
    excess = [load.requests * (load.cost - usual) if load else 0.0 for load in target.loads]
    peak = max(excess, default=0.0)
    bad = [index for index, each in enumerate(excess) if each >= _SUFFERING * peak] if peak > 0 else []
    well = [
        index for index, load in enumerate(target.loads) if index not in bad and load and load.cost <= limit
    ]
    return bad or list(range(len(excess))), well


def _usual(node: CallNode) -> tuple[float, float]:
    """Median and upper end of the usual range; 0 for a node without a past."""
    ordered = sorted(node.usual)
    return (median(ordered), ordered[int(_USUAL_RANGE * (len(ordered) - 1))]) if ordered else (0.0, 0.0)


def _reached(graph: Mapping[str, CallNode], target: str) -> list[str]:
    reached = {target: None}
    waiting = [target]
    while waiting:
        new = [name for name in graph[waiting.pop()].calls if name in graph and name not in reached]
        reached |= dict.fromkeys(new)
        waiting += new
    return list(reached)


def _excess(node: CallNode, bad: list[int], well: list[int]) -> _Excess | None:
    loads = [load for index in bad if (load := node.loads[index])]
    requests = sum(load.requests for load in loads)
    if not requests or not node.usual:
        return None
    usual, limit = _usual(node)
    before = [load.cost for index in well if (load := node.loads[index])]
    if before:
        usual = max(usual, median_low(before))
    return _Excess(
        excess=fsum(load.requests * (load.cost - usual) for load in loads),
        usual=usual,
        actual=(actual := fsum(load.requests * load.cost for load in loads) / requests),
        requests=requests,
        beyond_usual=actual > max(usual, limit),
    )


def _explained(each: _Excess, node: CallNode, measured: Mapping[str, _Excess], unit: Unit) -> Unexplained:
    callees = {name: measured[name].excess for name in node.calls if name in measured and name != node.name}
    of_callees = fsum(max(0.0, excess) for excess in callees.values())
    return Unexplained(
        name=node.name,
        excess=each.excess,
        of_callees=of_callees,
        usual=each.usual,
        actual=each.actual,
        requests=each.requests,
        beyond_usual=each.beyond_usual,
        reason=_reason(node.name, each, of_callees, unit),
    )


def _reason(name: str, each: _Excess, of_callees: float, unit: Unit) -> str:
    if unit == "ms":
        added, below = span(each.excess), span(of_callees)
        change = f"{span(each.actual)} a call instead of {span(each.usual)}"
    else:
        added, below = f"{each.excess:,.1f} failures", f"{of_callees:,.1f}"
        change = f"{percent(each.actual)} of the calls fail instead of {percent(each.usual)}"
    if each.excess <= 0:
        return f"{name} added nothing: {change}"
    called = f", of which {below} are in what it calls" if of_callees > 0 else ""
    unusual = "" if each.beyond_usual else ", which is within its usual range"
    return f"{name} added {added} in {count(each.requests, 'call')}{called} ({change}{unusual})"
