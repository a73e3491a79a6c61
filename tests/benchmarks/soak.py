"""Whether a daemon that follows a busy, rotated log for long stays as it is, and counts every line once.

    python -m tests.benchmarks.soak --minutes 120 [--rate 2000]

Writes JSON lines at the rate, in runs of four beats, to a log that is rotated every minute: renamed in one
minute, copied and truncated in the next; five rotated files are kept. For two minutes of every ten one beat
takes three times as long, so that incidents open and are resolved. Prints each half minute RSS, open files,
threads, CPU since the last look, the size of the store and the lines that are not committed yet. At the end
it compares the counts of the store with what was written, and says how RSS developed over the second half.
"""

from __future__ import annotations

import argparse
import itertools
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from tests.benchmarks.follow import cpu_of, rss_mb
from tests.daemon.process import DaemonProcess
from tests.daemon.stored_windows import stored_windows

SEED: Final = 1
PIECE_S: Final = 0.05
ROTATION_S: Final = 60.0
LOOK_S: Final = 30.0
KEPT: Final = 5
BEATS: Final = ("check", "reserve", "charge", "send")
SLOW: Final = "charge"
SLOW_MINUTES: Final = range(5, 7)
"""Of every ten."""


class Look(msgspec.Struct, frozen=True):
    """The daemon at one moment."""

    at_s: float
    rss_mb: float
    files: int
    threads: int
    cpu: float
    """Share of one core since the look before."""
    store_mb: float
    open_lines: int
    """Lines that were written and are not committed."""
    late: int
    """Events so far that came after their window was judged, as on a machine that cannot keep up."""


def main() -> None:
    """Runs the soak; exits with 1 if a count is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--rate", type=int, default=2000, help="lines a second")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, DaemonProcess(Path(folder)) as service:
        service.logs.mkdir()
        service.config.write_text("log: {}\n")
        service.start()
        service.until("it watches", lambda: "watches" in service.said())
        soak = Soak(service, arguments.rate)
        soak.run(60 * arguments.minutes)
        wrong = soak.wrong_counts()
        print("\n".join(soak.summary()))
        print("counts:", "; ".join(wrong) or "exact", flush=True)
        if wrong:
            raise SystemExit(1)


class Soak:
    """The writer, and what it saw of the daemon."""

    def __init__(self, service: DaemonProcess, rate: int) -> None:
        self._service = service
        self._log = service.logs / "app.log"
        self._piece_lines = round(rate * PIECE_S)
        self._lines = lines()
        self._written = 0
        self._errors = 0
        self._rotations = 0
        self._looks: list[Look] = []
        self._cpu_s = cpu_of(service.pid)

    def run(self, seconds: float) -> None:
        """Writes and looks for so long."""
        began = due = time.monotonic()
        rotate_at, look_at = began + ROTATION_S, began + LOOK_S
        while due < began + seconds:
            due += PIECE_S
            time.sleep(max(0.0, due - time.monotonic()))
            with self._log.open("ab", buffering=0) as log:
                log.write(piece := b"".join(itertools.islice(self._lines, self._piece_lines)))
            self._written += self._piece_lines
            self._errors += piece.count(b'"error"')
            if due >= rotate_at:
                rotate_at += ROTATION_S
                self._rotate()
            if due >= look_at:
                look_at += LOOK_S
                self._look(due - began)

    def wrong_counts(self) -> list[str]:
        """What differs from what was written; waits until the last line is committed."""
        service = self._service
        service.until("all is committed", lambda: service.totals().lines >= self._written)
        totals = service.totals()
        expected = {
            "lines": (totals.lines, self._written),
            "matched": (totals.matched, self._written),
            "events": (totals.events, self._written + self._errors),
            "executions": (self._executions(), self._written),
            "unreadable": (totals.unreadable, 0),
        }
        return [f"{got:,} {name}, not {true:,}" for name, (got, true) in expected.items() if got != true]

    def _executions(self) -> int:
        with self._service.reading() as (telemetry, _):
            windows = stored_windows(telemetry).windows.values()
        return sum(beat.completed for window in windows for beat in window.beats.values())

    def summary(self) -> list[str]:
        """What the looks of the second half say."""
        late = self._looks[len(self._looks) // 2 :]
        said = self._service.said()
        rss = [look.rss_mb for look in late]
        growth = 60 * slope([(look.at_s / 60, look.rss_mb) for look in late])
        files = [look.files for look in late]
        return [
            f"{self._written:,} lines, {self._rotations} rotations",
            f"{said.count(' found: ')} found, {said.count(' resolved: ')} resolved",
            f"second half: RSS {min(rss):.1f} to {max(rss):.1f} MB, {growth:+.2f} MB an hour",
            f"  open files {min(files)} to {max(files)}",
            f"  store {late[0].store_mb:.1f} to {late[-1].store_mb:.1f} MB",
            f"  CPU {sum(look.cpu for look in late) / len(late):.2%}",
        ]

    def _rotate(self) -> None:
        for number in range(KEPT, 1, -1):
            older = self._log.with_name(f"app.log.{number - 1}")
            if older.exists():
                older.rename(self._log.with_name(f"app.log.{number}"))
        first = self._log.with_name("app.log.1")
        if self._rotations % 2:
            shutil.copyfile(self._log, first)
            # As with logrotate's copytruncate, what the daemon has not read by now is in the copy only.
            with self._log.open("r+b") as log:
                log.truncate()
        else:
            self._log.rename(first)
        self._rotations += 1

    def _look(self, at_s: float) -> None:
        pid = self._service.pid
        cpu_s, before = cpu_of(pid), self._cpu_s
        self._cpu_s = cpu_s
        store = self._service.store_path
        totals = self._service.totals()
        look = Look(
            at_s=at_s,
            rss_mb=rss_mb(pid),
            files=len(list(Path(f"/proc/{pid}/fd").iterdir())),
            threads=len(list(Path(f"/proc/{pid}/task").iterdir())),
            cpu=(cpu_s - before) / LOOK_S,
            store_mb=sum(
                path.stat().st_size for path in store.parent.glob(f"{store.name}*") if path.is_file()
            )
            / 1e6,
            open_lines=self._written - totals.lines,
            late=totals.late,
        )
        self._looks.append(look)
        print(
            f"{look.at_s / 60:6.1f} min  RSS {look.rss_mb:6.1f} MB  {look.files} open files  "
            f"{look.threads} threads  CPU {look.cpu:6.2%}  store {look.store_mb:5.1f} MB  "
            f"{look.open_lines:,} lines not committed  {look.late:,} late",
            flush=True,
        )


def lines() -> Iterator[bytes]:
    """JSON lines without end, with the time at which each is asked for."""
    chance = random.Random(SEED)
    number = 0
    while True:
        number += 1
        for beat, name in enumerate(BEATS, 1):
            now = datetime.now(UTC)
            slow = 3 if name == SLOW and now.minute % 10 in SLOW_MINUTES else 1
            said = (
                f'"error":"TimeoutError: order {number} got no answer"'
                if chance.random() < 0.0005
                else f'"duration":{slow * chance.lognormvariate(2.5, 0.3):.2f}'
            )
            yield (
                f'{{"timestamp":"{now.isoformat(timespec="milliseconds")}","event":"order:{name}",'
                f'"handler":"Orders.{name}","sequence":"order","beat":{beat},"requestId":"r-{number}",{said}}}\n'
            ).encode()


def slope(points: list[tuple[float, float]]) -> float:
    """Of the straight line with the least squares."""
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


if __name__ == "__main__":
    main()
