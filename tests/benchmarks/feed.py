"""How fast and in how much memory a log is fed into the store, beside grep on the same file.

    python -m tests.benchmarks.feed [--gb 1.0] [--log FILE] [--runs 3]

Tiles a conductor log to the wanted size, reads it with a fresh daemon (extract, normalize, aggregate, commit,
detect, diagnose) and counts its lines with `LC_ALL=C grep -cE` of four patterns, in turn. grep writes to a
file: with /dev/null as output it would stop at the first match. CPU time is that of the whole process.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

SAMPLE: Final = Path(__file__).parents[1] / "data/conductor/healthy.log.gz"
PATTERNS: Final = (
    "Beat [0-9]+ Started: |Beat [0-9]+ (\\([^)]*\\) )?completed in |"
    'SequenceExecutor: Sequence ".*" completed in |Handler execution failed for '
)
FEED: Final = """
import os, sys
from pathlib import Path
from config.settings import Settings
from config.load import LoadedSettings
from daemon.once import run_once
settings = Settings()
logs = settings.logs.model_copy(update={"directories": (Path(sys.argv[1]),)})
store = settings.store.model_copy(update={"path": Path(sys.argv[2])})
loaded = LoadedSettings(settings.model_copy(update={"logs": logs, "store": store}), None, {})
report = run_once(loaded, os.environ)
print(report.summary.events, report.summary.lines)
"""


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--gb", type=float, default=1.0)
    parser.add_argument("--log", type=Path, default=SAMPLE)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = tile(arguments.log, folder / "logs" / "app.log", round(arguments.gb * 1e9))
        print(f"{arguments.log.name} tiled to {size / 1e6:,.0f} MB")
        feeds, greps, peaks = [], [], []
        for run in range(arguments.runs):
            cpu_s, peak_bytes, said = feed(folder / "logs", folder / f"store-{run}.db")
            grep_s = grep(folder / "logs" / "app.log", folder / "count")
            feeds.append(size / 1e6 / cpu_s)
            greps.append(size / 1e6 / grep_s)
            peaks.append(peak_bytes)
            print(
                f"run {run + 1}: selfheald {feeds[-1]:7.0f} MB/s  grep {greps[-1]:7.0f} MB/s  "
                f"ratio {feeds[-1] / greps[-1]:.2f}  peak RSS {peak_bytes / 1e6:.0f} MB  "
                f"events, lines: {said}"
            )
        ratio = statistics.median(ours / theirs for ours, theirs in zip(feeds, greps, strict=True))
        print(f"median ratio to grep -cE {ratio:.2f}, peak RSS {max(peaks) / 1e6:.0f} MB (CPU time)")


def tile(log: Path, target: Path, size_bytes: int) -> int:
    """Writes the log again and again until the target is at least so large; returns its size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    data = gzip.decompress(log.read_bytes()) if log.suffix == ".gz" else log.read_bytes()
    with target.open("wb") as file:
        while file.tell() < size_bytes:
            file.write(data)
        return file.tell()


def feed(logs: Path, store: Path) -> tuple[float, int, str]:
    """CPU seconds, peak RSS in bytes, and what the reader said."""
    return _measure([sys.executable, "-c", FEED, str(logs), str(store)])


def grep(log: Path, output: Path) -> float:
    """CPU seconds of grep."""
    program = shutil.which("grep") or "grep"
    return _measure([program, "-cE", PATTERNS, str(log)], output)[0]


def _measure(command: list[str], output: Path | None = None) -> tuple[float, int, str]:
    output = output or Path(tempfile.mkstemp()[1])
    environ = {**os.environ, "LC_ALL": "C"}
    with output.open("w") as file:
        process = subprocess.Popen(command, stdout=file, env=environ)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed with exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output.read_text().strip()


if __name__ == "__main__":
    main()
