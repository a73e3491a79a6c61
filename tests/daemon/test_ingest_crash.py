"""Killed at any instant and begun again, `ingest` reads nothing twice and leaves nothing out.

`SELFHEALD_INGEST_KILLS` sets how often it is killed for each number of processes.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from config.settings import Settings
from daemon.database import StoreError
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.model import TelemetryMetrics
from handlers.telemetry.ports import TelemetryCommit
from tests.daemon.ingest_driver import (
    held,
    interleaved,
    run_ingest,
    settings_in,
    split_lines,
    write_set,
)
from tests.daemon.process import BOUND_S

KILLS: Final = int(os.environ.get("SELFHEALD_INGEST_KILLS", "3"))
LOG: Final = interleaved(4000)
PROGRAM: Final = """
import sys
from pathlib import Path
from tests.daemon.ingest_driver import run_ingest, settings_in
if __name__ == "__main__":
    folder, store, workers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    run_ingest(settings_in(folder, store), folder / "logs", workers=workers)
"""


def start(folder: Path, settings: Settings, workers: int) -> subprocess.Popen[bytes]:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with (folder / "said").open("ab") as said:
        command = [sys.executable, str(program), str(folder), settings.store.path.stem, str(workers)]
        return subprocess.Popen(command, env=environ, stderr=said)


def lines_in(settings: Settings) -> int:
    try:
        with Store.open_reader(settings.store.path) as store, store.snapshot():
            return TelemetryRecords(store, 10_000).totals().lines
    except StoreError:
        return 0  # killed before there was a store


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_again_and_again_it_stores_what_one_run_stores(workers: int, tmp_path: Path) -> None:
    """When a store is whole, the next one is begun, until there were enough kills."""
    chance = random.Random(workers)
    write_set(tmp_path / "logs", split_lines(LOG, (0.2, 0.4, 0.6)), (".gz", ".xz", ""))
    one = settings_in(tmp_path, "one")
    run_ingest(one, tmp_path / "logs")
    whole = held(one, apart=True)
    kills = in_the_middle = stores = 0

    def goes_on() -> bool:
        return kills < KILLS or (not in_the_middle and stores < 20)

    while goes_on():
        stores += 1
        settings = settings_in(tmp_path, f"store{stores}")
        while goes_on():
            process = start(tmp_path, settings, workers)
            wanted = lines_in(settings) + chance.randrange(500)
            while process.poll() is None and lines_in(settings) < wanted:
                time.sleep(0.001)
            if process.poll() is not None:
                break
            workers_of = children(process.pid)
            process.kill()
            process.wait()
            kills += 1
            in_the_middle += 0 < lines_in(settings) < LOG.count(b"\n")
            until(lambda pids=workers_of: not any(map(is_alive, pids)))  # type: ignore[misc]
        run_ingest(settings, tmp_path / "logs", workers=workers)
        assert held(settings, apart=True) == whole
    assert in_the_middle, "it was never killed in the middle"


@pytest.mark.parametrize("broken", ["offsets are not stored", "counts are not stored"])
def test_the_campaign_would_see_that(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One interrupted attempt whose last commit was torn."""
    write_set(tmp_path / "logs", [LOG], ())
    settings, one = settings_in(tmp_path), settings_in(tmp_path, "one")
    run_ingest(one, tmp_path / "logs")
    commit, commits = TelemetryRecords.commit, []

    def torn(self: TelemetryRecords, piece: Any, checkpoints: Any, expired: Any, judged_until_ms: int) -> str:
        commits.append(piece)
        if len(commits) == 5:
            if broken == "offsets are not stored":
                checkpoints = ()
            else:
                piece = TelemetryCommit(TelemetryMetrics(10_000, {}), (), piece.streams)
            commit(self, piece, checkpoints, expired, judged_until_ms)
            raise KeyboardInterrupt
        return commit(self, piece, checkpoints, expired, judged_until_ms)

    with monkeypatch.context() as patch:
        patch.setattr(TelemetryRecords, "commit", torn)
        with pytest.raises(KeyboardInterrupt):
            run_ingest(settings, tmp_path / "logs")
    run_ingest(settings, tmp_path / "logs")
    assert held(settings, apart=True) != held(one, apart=True)


def test_its_processes_end_with_it(tmp_path: Path) -> None:
    write_set(tmp_path / "logs", [LOG * 20], ())
    process = start(tmp_path, settings_in(tmp_path), 2)
    until(lambda: len(children(process.pid)) >= 2 or process.poll() is not None)
    pids = children(process.pid)
    assert pids
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not any(map(is_alive, pids)))
