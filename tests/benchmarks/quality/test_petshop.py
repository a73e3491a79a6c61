"""The runner of the PetShop issues: a ranking for each case, from metrics alone."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.benchmarks.quality.petshop import main

NODES = ("site", "search", "db", "batch")
USUAL_S = {"site": 0.1, "search": 0.02, "db": 0.005, "batch": 3.0}


def metrics(rows: int, rise_s: dict[str, float], failing: dict[str, float]) -> dict[str, Any]:
    columns = [
        f"{node}|{metric}"
        for node in NODES
        for metric in ("latency|Average", "requests|Sum", "availability|Average")
    ]
    row = [
        value
        for node in NODES
        for value in (USUAL_S[node] + rise_s.get(node, 0), 100.0, 100 - failing.get(node, 0))
    ]
    return {"columns": columns, "rows": [[i * 300.0, *row] for i in range(rows)]}


def case(name: str, metric: str, rise_s: dict[str, float], failing: dict[str, float]) -> dict[str, Any]:
    seen = metrics(2, {}, {})
    seen["rows"] += metrics(3, rise_s, failing)["rows"]
    seen["rows"][0][1:4] = [None, None, None]
    return {
        "case": name,
        "scenario": "low",
        "target": {"node": "site", "metric": metric},
        "metrics": seen,
    }


def test_each_case_gets_the_nodes_that_its_target_calls_most_likely_cause_first(tmp_path: Path) -> None:
    graph = {"low": {"nodes": NODES, "calls": [["site", "search"], ["search", "db"]]}}
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    cases = [
        case("slow", "latency", {"site": 0.05, "search": 0.05, "batch": 9}, {}),
        case("slower", "latency", {"site": 0.05, "search": 0.05, "db": 0.04}, {"search": 50}),
        case("failing", "availability", {"search": 1.0}, {"site": 20, "search": 20, "db": 20}),
    ]
    normal = {"low": metrics(20, {}, {})}
    for name, content in (("cases", cases), ("normal", normal)):
        (tmp_path / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    main(tmp_path, tmp_path / "out.json")
    ranked = json.loads((tmp_path / "out.json").read_bytes())
    assert {name: nodes[0] for name, nodes in ranked.items()} == {
        "slow": "search",
        "slower": "db",
        "failing": "db",
    }
    assert all(set(nodes) == {"site", "search", "db"} for nodes in ranked.values())
