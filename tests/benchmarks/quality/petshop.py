"""Ranks the nodes of the PetShop issues with the product's ranking over a call graph.

    python -m tests.benchmarks.quality.petshop DATA OUT

DATA holds graph.json (nodes and calls by scenario), normal.json.gz (five-minute metrics of days without
issue) and cases.json.gz (the same metrics around each issue, and the node that suffers). OUT gets a JSON
object: case id -> node names, most likely root cause first. One set of parameters; labels are not read.

Hardt et al.: "The PetShop Dataset: Finding Causes of Performance Issues across Microservices", CLeaR 2024.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import msgspec

from handlers.diagnosis.unexplained_excess import CallNode, Load, Unit, rank_unexplained_excess


class Graph(msgspec.Struct):
    nodes: list[str]
    calls: list[tuple[str, str]]


class Metrics(msgspec.Struct):
    """Columns are "node|metric|statistic"; a row has its time before them."""

    columns: list[str]
    rows: list[list[float | None]]

    def of(self, node: str, metric: str) -> list[float | None]:
        """The values by row, None where there are none. A latency in s, an availability in %."""
        statistic = "Sum" if metric == "requests" else "Average"
        name = f"{node}|{metric}|{statistic}"
        if name not in self.columns:
            return [None] * len(self.rows)
        index = self.columns.index(name) + 1
        return [row[index] for row in self.rows]


class Target(msgspec.Struct):
    node: str
    metric: str


class Case(msgspec.Struct):
    case: str
    scenario: str
    target: Target
    metrics: Metrics


def main(data: Path, out: Path) -> None:
    """Reads the cases of `data` and writes the rankings to `out`."""
    graphs = msgspec.json.decode((data / "graph.json").read_bytes(), type=dict[str, Graph])
    normal = msgspec.json.decode(_unpacked(data / "normal.json.gz"), type=dict[str, Metrics])
    cases = msgspec.json.decode(_unpacked(data / "cases.json.gz"), type=list[Case])
    ranked = {case.case: _ranked(case, graphs[case.scenario], normal[case.scenario]) for case in cases}
    out.write_bytes(msgspec.json.format(msgspec.json.encode(ranked)))


def _ranked(case: Case, graph: Graph, normal: Metrics) -> list[str]:
    calls: dict[str, list[str]] = {}
    for caller, callee in graph.calls:
        calls.setdefault(caller, []).append(callee)
    metric = case.target.metric
    nodes = [
        CallNode(
            name=node,
            calls=tuple(calls.get(node, ())),
            usual=tuple(_cost(value, metric) for value in normal.of(node, metric) if value is not None),
            loads=tuple(
                Load(round(requests), _cost(value, metric)) if requests and value is not None else None
                for requests, value in zip(
                    case.metrics.of(node, "requests"), case.metrics.of(node, metric), strict=True
                )
            ),
        )
        for node in graph.nodes
    ]
    unit: Unit = "ms" if metric == "latency" else "failures"
    return [each.name for each in rank_unexplained_excess(nodes, case.target.node, unit)]


def _cost(value: float, metric: str) -> float:
    return value * 1000 if metric == "latency" else 1 - value / 100


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        return file.read()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m tests.benchmarks.quality.petshop DATA OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
