"""The runner of the Nezha faults: services and regions for each case, from traces, logs and metrics."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.quality.nezha import Span, main, own_times

SERVICES = ("gateway", "contacts")
MESSAGES = ("c.Contacts#31 FIND", "c.Contacts#34 [found]")


def minute(unix: int, wait_us: int = 2_000, messages: tuple[int, ...] = (0, 1)) -> dict[str, Any]:
    """Twenty traces: the gateway is asked, asks the contacts, and these answer after 4 ms of work."""
    spans, logs = [], []
    for trace in range(20):
        at = 1_000_000 * trace
        spans += [
            [trace, 0, -1, 0, 0, at, 10_000 + wait_us],
            [trace, 1, 0, 0, 1, at + 1_000, 4_000 + wait_us],
            [trace, 2, 1, 1, 2, at + 2_000, 4_000],
        ]
        logs += [[trace, 2, at + 3_000 + each, 1, 0, each] for each in messages]
    return {"unix": unix, "spans": spans, "logs": logs}


def test_each_case_gets_services_and_regions_most_likely_cause_first(tmp_path: Path) -> None:
    day, first = "2023-01-30", 1_000_000
    cases = {
        "delayed": {"wait_us": 90_000},
        "returns-early": {"messages": (0,)},
        "busy": {},
        "well": {},
    }
    unix = {name: first + 600 * (number + 1) for number, name in enumerate(cases)}
    contents = {
        "reference": {day: minute(first)},
        "tables": {"service": SERVICES, "operation": ("/*", "HTTP GET", "/contacts"), "message": MESSAGES},
        f"cases_{day}": [
            {"case": name, "day": day, "minutes": [minute(unix[name], **how)]}  # type: ignore[arg-type]
            for name, how in cases.items()
        ],
        "metrics": {
            "columns": ["unix", "CpuUsageRate(%)"],
            "days": {
                day: {
                    "contacts": [[first, 1.0], [first + 60, float("nan")], [unix["busy"] + 12, 99.0]],
                    "gateway": [[first, 2.0], [unix["busy"] + 12, 2.0]],
                }
            },
        },
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.json.xz").write_bytes(lzma.compress(json.dumps(content).encode()))
    main(tmp_path, tmp_path / "out.json")
    ranked = json.loads((tmp_path / "out.json").read_bytes())
    assert {name: each["regions"][:1] for name, each in ranked.items()} == {
        "delayed": [["contacts", "NetworkP90(ms)"]],
        "returns-early": [["contacts", "c.Contacts#31_c.Contacts#34"]],
        "busy": [["contacts", "CpuUsageRate(%)"]],
        "well": [],
    }
    assert ranked["delayed"]["services"] == ["contacts"]


@pytest.mark.parametrize(
    ("spans", "own_us"),
    [
        pytest.param([(0, -1, 0, 10)], {0: 10}, id="a span alone has all its time"),
        pytest.param([(0, -1, 0, 10), (1, 0, 2, 5)], {0: 5, 1: 5}, id="a callee has its own"),
        pytest.param(
            [(0, -1, 0, 10), (1, 0, 1, 8), (2, 0, 3, 4)],
            {0: 2, 1: 4, 2: 4},
            id="of two at once the one that began last",
        ),
        pytest.param(
            [(0, -1, 0, 10), (1, 0, 8, 10)], {0: 8, 1: 10}, id="a callee that goes on alone has all that"
        ),
        pytest.param([(0, -1, 0, 3), (1, -1, 7, 2)], {0: 3, 1: 2}, id="time without a span is nobody's"),
    ],
)
def test_each_moment_belongs_to_the_span_that_began_last(
    spans: list[tuple[int, int, int, int]], own_us: dict[int, int]
) -> None:
    assert own_times([Span(0, each, parent, 0, 0, at, us) for each, parent, at, us in spans]) == own_us
