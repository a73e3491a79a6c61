"""Whatever happens to the files of a log while it is read, the counts are those of one uninterrupted read.

For every format: its sample is written in pieces that end anywhere, rotated between any two lines, in runs,
beats and stack traces too, read in batches of any size, and the reader is restarted on what it had committed.
SELFHEALD_HISTORIES=1000 makes it a long campaign.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

import anyio
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config.load import load_settings
from config.settings import Settings
from daemon.cycle import read_to_end
from daemon.engine import Engine
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.stage import BeatReport
from tests.daemon.stored_windows import stored_windows

SAMPLES: Final = Path(__file__).parents[1] / "samples"
CASES: Final = (
    "conductor-1.4",
    "conductor-1.4-abort",
    "conductor-1.5",
    "conductor-1.5-handler-failed",
    "conductor-queued-play",
    "declared-format",
    "jsonl-default",
    "jsonl-errors",
    "jsonl-interleaved-runs",
    "logfmt-default",
    "otlp-any-order",
    "python-logging",
    "python-loguru",
    "serilog-conductor",
)
HISTORIES: Final = int(os.environ.get("SELFHEALD_HISTORIES", "10"))

WRITE = st.tuples(st.just("write"), st.integers(1, 300) | st.integers(1, 3000))
READ = st.tuples(st.just("read"), st.sampled_from([1, 200, 1000, 100_000]))
OTHER = st.tuples(st.sampled_from(["rename", "copytruncate", "compress", "restart"]), st.just(0))
HISTORY = st.lists(WRITE | WRITE | READ | OTHER, max_size=30)


def settings_of(case: str, folder: Path) -> Settings:
    settings = load_settings(SAMPLES / case / "settings.yaml", {}).settings
    (folder / "logs").mkdir(parents=True)
    return settings.model_copy(
        update={
            "logs": settings.logs.model_copy(update={"directories": (folder / "logs",)}),
            "store": settings.store.model_copy(update={"path": folder / "store.db"}),
        }
    )


def ignore(_report: BeatReport) -> None:
    pass


class World:
    """A log that is written and rotated, and the engine that reads it."""

    def __init__(self, settings: Settings, data: bytes) -> None:
        self._settings = settings
        self._data = data
        self._at = 0
        self._log = settings.logs.directories[0] / "app.log"
        self._store = Store.open(settings.store.path, max_bytes=1 << 28)
        self._engine = Engine(settings, self._store, ignore)

    async def write(self, count: int) -> None:
        self._write_to(self._at + count)

    def _write_to(self, end: int) -> None:
        with self._log.open("ab") as file:
            file.write(self._data[self._at : end])
        self._at = min(end, len(self._data))

    def _end_line(self) -> None:
        """No program rotates its log in the middle of a line."""
        self._write_to(self._data.find(b"\n", max(0, self._at - 1)) + 1 or len(self._data))

    async def read(self, batch_bytes: int) -> None:
        ingest = self._settings.ingest.model_copy(update={"batch_bytes": batch_bytes})
        await self._engine.adopt(self._settings.model_copy(update={"ingest": ingest}))
        await self._engine.feed()

    async def restart(self, _: int) -> None:
        self._engine.tail.close()
        self._store.close()
        self._store = Store.open(self._settings.store.path, max_bytes=1 << 28)
        self._engine = Engine(self._settings, self._store, ignore)

    def _shift(self) -> None:
        self._end_line()
        for number in range(len(list(self._log.parent.iterdir())), 0, -1):
            if (older := self._numbered(number)).exists():
                older.rename(self._numbered(number + 1))

    def _numbered(self, number: int) -> Path:
        return self._log.with_name(f"app.log.{number}")

    async def rename(self, _: int) -> None:
        self._shift()
        self._log.rename(self._numbered(1))
        self._log.touch()

    async def copytruncate(self, _: int) -> None:
        self._shift()
        shutil.copy(self._log, self._numbered(1))
        os.truncate(self._log, 0)

    async def compress(self, _: int) -> None:
        """The file and its format are known, and it is compressed with lines that nobody has read."""
        await self.write(1)
        self._end_line()
        await read_to_end(self._engine)
        if not self._engine.telemetry.totals().lines:
            return
        await self.write(200)
        await self.rename(0)
        rotated = self._numbered(1)
        rotated.with_name(f"{self._at}.gz").write_bytes(gzip.compress(rotated.read_bytes()))
        rotated.unlink()
        await read_to_end(self._engine)

    async def end(self) -> Counter[str]:
        self._write_to(len(self._data))
        with self._log.open("ab") as file:
            file.write(b"the last line, so that there is something to read\n")
        await read_to_end(self._engine, at_end=True)
        counts = counted(self._engine.telemetry)
        self._engine.tail.close()
        self._store.close()
        return counts


def counted(telemetry: TelemetryRecords) -> Counter[str]:
    """All that is stored, added up over the windows."""
    totals = telemetry.totals()
    counts = Counter(
        {name: getattr(totals, name) for name in ("lines", "events", "matched", "unreadable", "undecodable")}
    )
    for window in stored_windows(telemetry).windows.values():
        for beat_key, beat in window.beats.items():
            for what in ("started", "completed", "failed", "total_us"):
                counts[f"{beat_key} {what}"] += getattr(beat, what)
        for sequence, run in window.runs.items():
            for what in ("completed", "failed", "unfinished", "total_us"):
                counts[f"{sequence} {what}"] += getattr(run, what)
            for path, variant in run.variants.items():
                counts[f"{sequence}: {path}"] += variant.runs
        for error_key, error in window.errors.items():
            counts[f"{error_key} {error.frame} {error.plugin} {error.handler}"] += error.count
    return +counts


async def play(case: str, history: list[tuple[str, int]]) -> Counter[str]:
    data = (SAMPLES / case / "input.log").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        world = World(settings_of(case, Path(folder)), data)
        for name, argument in history:
            await getattr(world, name)(argument)
        return await world.end()


@pytest.mark.parametrize("case", CASES)
@given(history=HISTORY)
@hypothesis_settings(max_examples=HISTORIES)
def test_rotations_restarts_and_borders_anywhere_change_no_count_of_a_log_of(
    case: str, history: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.log_reader.STACK_QUIET_S", 3600.0)  # a slow machine is no silent log
    assert anyio.run(play, case, history) == anyio.run(play, case, [])
