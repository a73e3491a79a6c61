"""How fast old logs are read by one process and by several, and what that costs.

    python -m tests.benchmarks.ingest [--mb 500] [--log FILE] [--workers 1 2] [--ending .gz]

Tiles a conductor log to the wanted size and moves the times of each tile on, so that time goes forward as in
a real log; then reads it with `selfheald ingest` into a fresh store. Wall and CPU time are those of the
command with all its processes, judging and starting included. `--ending` packs it in eight rotated files.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.benchmarks.feed import SAMPLE
from tests.daemon.ingest_driver import PACKERS

TIME: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
TILE_S: Final = 60


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mb", type=int, default=500)
    parser.add_argument("--log", type=Path, default=SAMPLE)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--ending", choices=[*PACKERS], default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        logs = folder / "logs"
        logs.mkdir()
        size = prepare(logs, arguments.log, arguments.mb * 10**6, arguments.ending)
        print(f"{arguments.log.name} tiled to {size / 1e6:,.0f} MB{arguments.ending}")
        for number, workers in enumerate(arguments.workers):
            wall_s, cpu_s, peak_bytes = run(logs, folder / f"{number}.db", workers)
            print(
                f"{workers} processes: {size / 1e6 / wall_s:6.0f} MB/s  wall {wall_s:6.2f} s  "
                f"CPU {cpu_s:6.2f} s  largest process {peak_bytes / 1e6:.0f} MB"
            )


def prepare(logs: Path, log: Path, size_bytes: int, ending: str) -> int:
    """Makes the logs in another process: the peak memory of this one would count for those that it begins."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        size = pool.submit(tile_forward, log, logs / "app.log", size_bytes).result()
        if ending:
            pool.submit(pack, logs, ending).result()
    return size


def tile_forward(log: Path, target: Path, size_bytes: int) -> int:
    """Like `feed.tile`, with the times of each tile behind those of the one before; returns the size."""
    data = gzip.decompress(log.read_bytes()) if log.suffix == ".gz" else log.read_bytes()
    tiles = -(-size_bytes // len(data))
    with target.open("wb") as file:
        for number in range(tiles):
            file.write(_earlier(data, timedelta(seconds=(tiles - number) * TILE_S)))
        return file.tell()


def _earlier(data: bytes, by: timedelta) -> bytes:
    moved: dict[bytes, bytes] = {}

    def move(match: re.Match[bytes]) -> bytes:
        at = match[0]
        if at not in moved:
            moment = datetime.fromisoformat(at.decode()).replace(tzinfo=UTC) - by
            moved[at] = moment.strftime("%Y-%m-%dT%H:%M:%S").encode()
        return moved[at]

    return TIME.sub(move, data)


def pack(logs: Path, ending: str) -> None:
    """Eight archives in place of the log."""
    log = logs / "app.log"
    part_bytes = log.stat().st_size // 8
    with log.open("rb") as file:
        for age in range(8, 0, -1):
            part = file.read(part_bytes) + file.readline()
            (logs / f"app.log.{age}{ending}").write_bytes(PACKERS[ending](part))
    log.unlink()


def run(logs: Path, store: Path, workers: int) -> tuple[float, float, int]:
    """Wall and CPU seconds of all its processes, and the peak RSS of the largest of them in bytes."""
    command = [sys.executable, "-m", "daemon", "ingest", str(logs), "--store", str(store)]
    began = time.monotonic()
    environ = {**os.environ, "SELFHEALD_LOG__LEVEL": "ERROR"}
    process = subprocess.Popen([*command, "--workers", str(workers)], stdout=subprocess.DEVNULL, env=environ)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"ingest failed with exit code {process.returncode}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
