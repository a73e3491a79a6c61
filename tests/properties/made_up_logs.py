"""Small logs of a shop, with or without faults, as several processes write them: each run in one file."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Final

import msgspec
from hypothesis import strategies as st

START_S: Final = 1_735_732_800
"""2025-01-01T12:00:00Z."""
WINDOW_S: Final = 10
BEATS: Final = ("cart:open", "cart:add", "cart:pay")

Line = tuple[float, str]
"""Event time in s, and the line."""


class Plan(msgspec.Struct, frozen=True):
    """What a log tells."""

    seed: int
    files: int
    runs_a_window: int
    healthy_windows: int
    faulty_windows: int
    slow: bool
    failing: bool
    incomplete: bool


PLANS: Final = st.builds(
    Plan,
    seed=st.integers(0, 1 << 16),
    files=st.integers(2, 3),
    runs_a_window=st.integers(2, 4),
    healthy_windows=st.integers(20, 30),
    faulty_windows=st.integers(6, 12),
    slow=st.booleans(),
    failing=st.booleans(),
    incomplete=st.booleans(),
)


def lines_of(plan: Plan) -> list[list[Line]]:
    """The lines of each file, in order of time."""
    source = random.Random(plan.seed)
    files: list[list[Line]] = [[] for _ in range(plan.files)]
    for window in range(plan.healthy_windows + plan.faulty_windows):
        faulty = window >= plan.healthy_windows
        for number in range(plan.runs_a_window):
            at_s = START_S + window * WINDOW_S + number + source.random() / 2
            run = f"r-{window}-{number}"
            files[source.randrange(plan.files)] += _run(plan, source, at_s, run, faulty=faulty)
    return [sorted(file) for file in files]


def _run(plan: Plan, source: random.Random, at_s: float, run: str, *, faulty: bool) -> list[Line]:
    lines: list[Line] = []
    for beat in BEATS:
        if faulty and plan.incomplete and beat == "cart:add" and source.random() < 0.7:
            continue
        duration_ms = (
            20 * source.lognormvariate(0, 0.2) * (4 if faulty and plan.slow and beat == "cart:pay" else 1)
        )
        at_s = round(at_s + 0.01, 6)
        fields = {
            "timestamp": at_s,
            "event": beat,
            "sequence": "shop",
            "requestId": run,
            "duration": duration_ms,
        }
        if faulty and plan.failing and beat == "cart:open" and source.random() < 0.5:
            fields["error"] = f"TypeError: item {source.randrange(1000)} of basket {run} is null"
        lines.append((at_s, json.dumps(fields)))
    end = {"timestamp": at_s + 0.01, "event": "end", "sequence": "shop", "requestId": run}
    lines.append((at_s + 0.01, json.dumps({**end, "kind": "sequence-completed"})))
    return lines


def write(folder: Path, names: list[str], files: list[list[Line]]) -> None:
    """Appends to the files of these names."""
    for name, lines in zip(names, files, strict=True):
        with (folder / name).open("a") as file:
            file.writelines(f"{line}\n" for _, line in lines)
