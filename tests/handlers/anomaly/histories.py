"""Histories with all kinds of trouble, played as the daemon would, and the cases of all that was told.

As a program it prints them: `python -m tests.handlers.anomaly.histories`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import anyio
import msgspec

from config.settings import Detect, DetectOf
from daemon import case_files
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.case import Case
from handlers.anomaly.case_inputs import Given, cases_of
from handlers.anomaly.ports import TelemetryHistory
from handlers.anomaly.sequence import ANOMALY, DetectedAnomalies, detect_anomalies
from handlers.model import (
    AnyAnomaly,
    Codebase,
    Commit,
    CoveredFunction,
    ErrorStats,
    FileChange,
    Handler,
    Hunk,
    Sequence,
    Window,
)
from handlers.stage import Performance, perform
from tests.handlers.anomaly.builders import WINDOW_MS, beat, durations, errors, metrics, runs

TROUBLES: Final = (
    "",
    "slow",
    "all-slow",
    "tail",
    "failing",
    "all-failing",
    "broken-off",
    "moved",
    "unnamed",
    "stops",
)
SEQUENCES: Final = tuple(f"play-{number}" for number in range(6))
PATH: Final = ("take", "turn", "give")
START_MS: Final = 1_795_000_000_000
CODEBASE: Final = Codebase(
    handlers=(
        Handler("play-0", "play-0:take", "P", "h-play-0-take", 1, file="src/p.js", line=3, end_line=9),
        Handler("play-1", "play-1:take", "P", "h-play-1-take", 1, test_file="p.spec.js"),
    ),
    sequences=(Sequence("play-0", "Play 0", "P", tuple(f"play-0:{event}" for event in PATH)),),
    functions=(CoveredFunction("h-play-0-turn", "src/p.js", 12, False, "lcov.info"),),
    commits=(
        Commit(
            "a" * 40, "ada", START_MS, "turns", (FileChange("src/p.js", "src/p.js", (Hunk(2, 1, 3, 1),)),)
        ),
    ),
    tested_names=frozenset({"h-play-2-take"}),
)


class History:
    """Both ports of the detection, in memory."""

    def __init__(self, detect_of: dict[str, DetectOf] | None = None) -> None:
        self.baseline = Baseline()
        self.windows: tuple[Window, ...] = ()
        self.number = 0
        self.standing: tuple[AnyAnomaly, ...] = ()
        self.cases: list[Case] = []
        """Of all that was told at the end of each cycle."""
        self.given: Given | None = None
        """Of the last cycle."""
        self.detect_of = detect_of or {}

    def play(self, troubles: Iterable[str]) -> None:
        """One cycle, over one window for each trouble; "" is none."""
        windows = []
        for trouble in troubles:
            self.number += 1
            windows.append(window(START_MS + self.number * WINDOW_MS, trouble))
        self.windows = tuple(windows)
        outcome = anyio.run(perform, ANOMALY, "request", lambda _: None, self._detect)
        assert outcome.error is None

    async def _detect(self, run: Performance) -> DetectedAnomalies:
        return await detect_anomalies(
            run,
            "request",
            record_id="record",
            history=self,
            store=self,
            codebase=CODEBASE,
            limits=Detect(),
            expected_ms={"play-3:give": 40.0},
            detect_of=self.detect_of,
        )

    async def load_telemetry(self, record_id: str) -> TelemetryHistory:
        open_ids = frozenset(each.id for each in self.standing)
        return TelemetryHistory(
            metrics(*self.windows), self.baseline, open_ids, shown={"no <*>": "no <number>"}
        )

    async def store_anomalies(
        self, anomalies: tuple[AnyAnomaly, ...], baseline: Baseline, given: Given
    ) -> str:
        self.given = given
        self.cases += cases_of(anomalies, given)
        self.baseline, self.standing = baseline, anomalies
        return "record"


def window(start_ms: int, trouble: str) -> Window:
    """Six sequences of three beats, and what is wrong in it."""
    made = Window(start_ms)
    for number, sequence in enumerate(SEQUENCES):
        if trouble == "stops" and number == 1:
            continue
        path = tuple(f"{sequence}:{event}" for event in PATH)
        if trouble == "moved" and number < 2:
            path = (path[0], path[2], path[1])
        for place, event in enumerate(path):
            is_slow = (trouble == "slow" and number == place == 0) or trouble == "all-slow"
            times = durations(12, 60 if is_slow else 20)
            if trouble == "tail" and event == "play-2:turn":
                times = (*times[:-3], 200.0, 200.0, 200.0)
            fails = trouble == "all-failing" and place == 1
            fails |= trouble in {"failing", "broken-off"} and event == "play-0:turn"
            count = 3 if fails else 0
            name = event.replace(":", "-")
            made.beats[sequence, event] = beat(times[count:], count, "P", f"h-{name}")
            if fails:
                group = errors(count)
                group.plugin, group.handler = "P", f"h-{name}"
                made.errors[sequence, event, "TypeError", "no <*>", "f (p.js)"] = group
        paths = {path: 12}
        if trouble == "broken-off" and number == 0:
            paths = {path: 9, path[:1]: 3}
        made.runs[sequence] = runs(paths)
    # The same handler in two sequences is one.
    for sequence in SEQUENCES[4:]:
        made.beats[sequence, "log"] = beat(durations(12, 50 if trouble == "slow" else 10), 0, "Log", "write")
    if trouble == "unnamed":
        made.errors["", "", "OSError", "disk", ""] = ErrorStats(count=2)
        made.errors["play-5", "", "OSError", "disk", ""] = ErrorStats(count=2)
    return made


def played(cycles: Iterable[Iterable[str]], detect_of: dict[str, DetectOf] | None = None) -> History:
    """Behind forty healthy windows."""
    history = History(detect_of)
    history.play([""] * 40)
    for cycle in cycles:
        history.play(cycle)
    return history


def as_json(case: Case) -> bytes:
    """What the store holds of it."""
    return msgspec.json.encode(case_files.to_builtins(case))


if __name__ == "__main__":
    for told in played([[trouble] * 4 for trouble in TROUBLES]).cases:
        print(as_json(told).decode())
