"""What it costs to follow a log that is being written, and how long a line takes to become a committed count.

    python -m tests.benchmarks.follow [--seconds 20] [--files 1] [--settings FILE]

Starts a daemon with its default settings on a folder of its own and prints, for a log that nobody writes, for
one that gets a line now and then, and for 100 and 5,000 lines a second: CPU as a share of one core, latency
from the write to the commit as any reader sees it, and RSS. `--files` puts so many quiet files beside it.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import os
import random
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from tests.daemon.process import WINDOW_MS, DaemonProcess

SAMPLE: Final = Path(__file__).parents[1] / "data/conductor/healthy.log.gz"
POLL_S: Final = 0.005
SETTLE_S: Final = 8.0
"""After so long the daemon takes a log for quiet."""


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--settings", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, DaemonProcess(Path(folder)) as service:
        service.logs.mkdir()
        service.config.write_text(arguments.settings.read_text() if arguments.settings else "log: {}\n")
        for number in range(arguments.files - 1):
            (service.logs / f"{number:05}.jsonl").write_text(f'{{"event":"e","duration":{number}}}\n')
        service.start()
        service.until("it watches", lambda: "watches" in service.said())
        service.until("all is read", lambda: service.totals().lines == arguments.files - 1, 600)
        writer = Writer(service)
        writer.write(1.0, itertools.repeat(0.01), 1)
        for name, gaps, lines in (
            ("idle", None, 0),
            ("a line now and then", (random.uniform(0, 6) for _ in itertools.count()), 1),
            ("100 lines/s", itertools.repeat(0.01), 1),
            ("5,000 lines/s", itertools.repeat(0.01), 50),
        ):
            time.sleep(SETTLE_S)
            cpu_s, began = cpu_of(service.pid), time.monotonic()
            if gaps is None:
                time.sleep(arguments.seconds)
                cost_s, took_s, latency = cpu_of(service.pid) - cpu_s, time.monotonic() - began, ""
            else:
                seconds = arguments.seconds * (4 if lines == 1 and name.startswith("a ") else 1)
                latencies_ms = sorted(1000 * each for each in writer.write(seconds, gaps, lines))
                cost_s, took_s = cpu_of(service.pid) - cpu_s, time.monotonic() - began
                p50, p99 = (latencies_ms[int(q * (len(latencies_ms) - 1))] for q in (0.5, 0.99))
                latency = f"latency p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {latencies_ms[-1]:.0f} ms"
            print(
                f"{name:20} CPU {cost_s / took_s:6.2%}  RSS {rss_mb(service.pid):.0f} MB  {latency}",
                flush=True,
            )


class Writer:
    """Writes lines at a pace, and sees from the store when they are committed."""

    def __init__(self, service: DaemonProcess) -> None:
        self._service = service
        self._lines = itertools.cycle(gzip.decompress(SAMPLE.read_bytes()).splitlines(keepends=True))
        self._written = service.totals().lines

    def write(self, seconds: float, gaps_s: Iterator[float], lines: int) -> list[float]:
        """Writes `lines` lines after each gap; the latency in seconds of each such write."""
        seen: list[tuple[int, float]] = []
        done = threading.Event()
        reader = threading.Thread(target=self._watch, args=(seen, done))
        reader.start()
        written: list[tuple[int, float]] = []
        with (self._service.logs / "app.log").open("ab", buffering=0) as log:
            due = time.monotonic()
            end = due + seconds
            while (due := due + next(gaps_s)) < end:
                time.sleep(max(0.0, due - time.monotonic()))
                log.write(b"".join(itertools.islice(self._lines, lines)))
                self._written += lines
                written.append((self._written, time.monotonic()))
        self._service.until("all is committed", lambda: bool(seen) and seen[-1][0] == self._written)
        done.set()
        reader.join()
        counts = [count for count, _ in seen]
        return [seen[bisect_left(counts, count)][1] - at for count, at in written]

    def _watch(self, seen: list[tuple[int, float]], done: threading.Event) -> None:
        """Notes when the number of committed lines changed."""
        with Store.open_reader(self._service.store_path) as store:
            while not done.is_set():
                with store.snapshot():
                    count = TelemetryRecords(store, WINDOW_MS).totals().lines
                if not seen or seen[-1][0] != count:
                    seen.append((count, time.monotonic()))
                time.sleep(POLL_S)


def cpu_of(pid: int) -> float:
    """Seconds of CPU time that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
