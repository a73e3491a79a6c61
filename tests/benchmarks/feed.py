"""How fast and in how much memory a log is fed into the store, beside grep on the same file.

    python -m tests.benchmarks.feed [conductor|sparse|jsonl|logfmt] [--gb 1.0] [--log FILE] [--runs 3]

Makes a log of the wanted size, reads it with a fresh daemon (extract, normalize, aggregate, commit, detect,
diagnose) and counts its lines with grep in turn: four patterns (`LC_ALL=C grep -cE`) for a conductor log, and
for one that is nearly all noise (sparse); one literal (`grep -cF`) for JSON lines and logfmt, where every
line is an event. grep writes to a file: with /dev/null as output it would stop at the first match. CPU time
is that of the whole process, its start included, with the bytecode that installing leaves.
"""

from __future__ import annotations

import argparse
import compileall
import gzip
import itertools
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

SAMPLE: Final = Path(__file__).parents[1] / "data/conductor/healthy.log.gz"
PATTERNS: Final = (
    "Beat [0-9]+ Started: |Beat [0-9]+ (\\([^)]*\\) )?completed in |"
    'SequenceExecutor: Sequence ".*" completed in |Handler execution failed for '
)
GREP: Final = {
    "conductor": ("-cE", PATTERNS),
    "sparse": ("-cE", PATTERNS),
    "jsonl": ("-cF", "duration"),
    "logfmt": ("-cF", "duration"),
}
NOISE_LINES: Final = 10
"""For each line of the conductor, so that 0.7 % of the lines are events."""
SEED: Final = 1
PIECE_BYTES: Final = 1 << 20
FEED: Final = """
import os, sys
from pathlib import Path
from daemon.once import run_once
from config.settings import Settings
from config.load import LoadedSettings
settings = Settings()
logs = settings.logs.model_copy(update={"directories": (Path(sys.argv[1]),)})
store = settings.store.model_copy(update={"path": Path(sys.argv[2])})
loaded = LoadedSettings(settings.model_copy(update={"logs": logs, "store": store}), None, {})
report = run_once(loaded, os.environ)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(report.summary.events, report.summary.lines, int(peak.split()[1]) * 1024)
"""


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("kind", nargs="?", choices=sorted(GREP), default="conductor")
    parser.add_argument("--gb", type=float, default=1.0)
    parser.add_argument("--log", type=Path, help="tile this conductor log", default=SAMPLE)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    for package in ("config", "daemon", "handlers"):  # as installing does
        compileall.compile_dir(Path(__file__).parents[2] / package, quiet=2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "logs" / "app.log"
        size = write(log, pieces(arguments.kind, arguments.log), round(arguments.gb * 1e9))
        print(f"{arguments.kind}: {size / 1e6:,.0f} MB")
        feeds, greps, peaks = [], [], []
        for run in range(arguments.runs):
            cpu_s, peak_bytes, said = feed(folder / "logs", folder / f"store-{run}.db")
            grep_s = grep(GREP[arguments.kind], log, folder / "count")
            feeds.append(size / 1e6 / cpu_s)
            greps.append(size / 1e6 / grep_s)
            peaks.append(peak_bytes)
            print(
                f"run {run + 1}: selfheald {feeds[-1]:7.0f} MB/s  grep {greps[-1]:7.0f} MB/s  "
                f"ratio {feeds[-1] / greps[-1]:.2f}  peak RSS {peak_bytes / 2**20:.0f} MiB  "
                f"events, lines: {said}"
            )
        ratio = statistics.median(ours / theirs for ours, theirs in zip(feeds, greps, strict=True))
        flag = " ".join(GREP[arguments.kind][:1])
        print(f"median ratio to grep {flag} {ratio:.3f}, peak RSS {max(peaks) / 2**20:.0f} MiB (CPU time)")


def pieces(kind: str, log: Path) -> Iterator[bytes]:
    """Pieces of a log without end."""
    if kind in {"jsonl", "logfmt"}:
        return _event_lines(kind)
    data = gzip.decompress(log.read_bytes()) if log.suffix == ".gz" else log.read_bytes()
    return itertools.repeat(data if kind == "conductor" else _diluted(data))


def _diluted(data: bytes) -> bytes:
    """The lines of a log with many of other programs between them."""
    chance = random.Random(SEED)
    lines: list[bytes] = []
    for line in data.splitlines(keepends=True):
        lines += (
            b"2026-11-22T16:10:58.%03dZ INFO http.server GET /api/orders/%06d 200 %d bytes in %d ms\n"
            % (chance.randrange(1000), chance.randrange(10**6), chance.randrange(9999), chance.randrange(300))
            for _ in range(NOISE_LINES)
        )
        lines.append(line)
    return b"".join(lines)


def _event_lines(kind: str) -> Iterator[bytes]:
    chance = random.Random(SEED)
    actions, steps = (
        ("create", "drag", "select", "update"),
        ("resolve", "render", "notify", "persist", "check"),
    )
    names = [
        (
            f"canvas-component-{action}-symphony",
            f"canvas:component:{step}:{action}",
            f"CanvasPlugin.{step}Node",
        )
        for action in actions
        for step in steps
    ]
    at = datetime(2026, 11, 20, 16, tzinfo=UTC)
    form = (
        '{"timestamp":"%s","level":"info","event":"%s","handler":"%s","sequence":"%s","duration":%.2f}\n'
        if kind == "jsonl"
        else "ts=%s level=info event=%s handler=%s sequence=%s duration=%.2f\n"
    )
    while True:
        lines: list[str] = []
        for _ in range(PIECE_BYTES // 200):
            at += timedelta(milliseconds=chance.randrange(3))
            sequence, event, handler = chance.choice(names)
            stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            lines.append(form % (stamp, event, handler, sequence, chance.lognormvariate(2.5, 0.5)))
        yield "".join(lines).encode()


def write(target: Path, parts: Iterator[bytes], size_bytes: int) -> int:
    """Writes until the target is at least so large; returns its size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for part in parts:
            file.write(part)
            if file.tell() >= size_bytes:
                break
        return file.tell()


def feed(logs: Path, store: Path) -> tuple[float, int, str]:
    """CPU seconds, peak RSS in bytes, and how many events and lines were read."""
    cpu_s, said = _measure([sys.executable, "-c", FEED, str(logs), str(store)])
    events, lines, peak_bytes = said.split()
    return cpu_s, int(peak_bytes), f"{events}, {lines}"


def grep(what: tuple[str, str], log: Path, output: Path) -> float:
    """CPU seconds of grep."""
    program = shutil.which("grep") or "grep"
    return _measure([program, *what, str(log)], output)[0]


def _measure(command: list[str], output: Path | None = None) -> tuple[float, str]:
    output = output or Path(tempfile.mkstemp()[1])
    environ = {**os.environ, "LC_ALL": "C"}
    with output.open("w") as file:
        process = subprocess.Popen(command, stdout=file, env=environ)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed with exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, output.read_text().strip()


if __name__ == "__main__":
    main()
