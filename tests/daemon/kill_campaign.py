"""Kills a daemon at chosen and at random instants while its log is written and rotated."""

from __future__ import annotations

import gzip
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Final

from tests.daemon.process import BOUND_S, DaemonProcess

TARGETS: Final = ("starting", "opening the store", "reading", "rotating", "any")
SETTINGS: Final = """\
detect: {interval_s: 0.2}
ingest: {commit_interval_ms: 20, batch_bytes: 65536}
logs: {hot_poll_ms: 10, rescan_s: 0.2}
retention: {windows_h: 87600}
"""
COPY_BYTES: Final = 100_000
PATIENCE: Final = 5


class KillCampaign:
    """One daemon that is started and killed again and again, and a log that goes on meanwhile.

    `hits` says what the daemon was doing at each kill, as seen from outside."""

    def __init__(
        self, process: DaemonProcess, lines: Sequence[bytes], chance: random.Random, prelude: str = ""
    ) -> None:
        process.logs.mkdir(parents=True)
        process.config.write_text(SETTINGS)
        self.hits: Counter[str] = Counter()
        self._process = process
        self._lines = lines
        self._chance = chance
        self._prelude = prelude
        self._log = process.logs / "app.log"
        self._log.touch()
        self._written = 0
        self._watching = 0
        self._rotation: Iterator[str] = iter(())
        self._is_rotating = False
        self._closed: dict[int, int] = {}
        """Lines written until each rotated file was closed, by its inode."""

    def run(self, kills: int, states: Set[str] = frozenset()) -> None:
        """Kills so often, and on until chance met all these states; writes all lines; waits until the last
        daemon has read them."""
        for kill in range(PATIENCE * kills):
            if kill >= kills and states <= self.hits.keys():
                break
            # What one daemon left half rotated stays so for a while, or is finished before the next one.
            if self._chance.random() < 0.5:
                self._finish_rotation()
            self._start()
            left = len(self._lines) - self._written
            self._write(self._written + left // max(kills + 1 - kill, 2))
            self._await(TARGETS[kill % len(TARGETS)])
            self.hits[self._doing()] += 1
            self._process.kill()
        self._finish_rotation()
        self._start()
        self._write(len(self._lines))
        self._process.until("all is read", lambda: self._read_lines() >= len(self._lines))
        with self._log.with_name("last.txt").open("wb") as file:  # one more look, which must find nothing
            file.write(b"words\n")
        self._process.until(
            "the last file is seen", lambda: "last.txt: no log format" in self._process.said()
        )

    def _read_lines(self) -> int:
        return self._process.totals().lines

    def _start(self) -> None:
        self._watching = self._said_watching()
        self._process.start(prelude=self._prelude)

    def _said_watching(self) -> int:
        return self._process.said().count(" watches ")

    def _write(self, until: int) -> None:
        with self._log.open("ab") as file:
            file.write(b"".join(self._lines[self._written : until]))
        self._written = max(self._written, until)

    def _await(self, target: str) -> None:
        """Returns at an instant at which the daemon is likely to do what `target` says."""
        wait_s = self._chance.uniform
        if target == "any":
            time.sleep(wait_s(0, 1.5))
        elif target == "starting":
            time.sleep(wait_s(0, 0.3))
        elif target == "opening the store":
            self._spin_until_locked()
            time.sleep(self._chance.choice([0, wait_s(0, 0.002), wait_s(0, 0.008)]))
        else:
            before = self._read_lines()
            reading = min(before + 1, self._written)
            self._process.until("it reads", lambda: self._read_lines() >= reading)
            if target == "reading":  # what was there before may all be read by now
                self._write(self._written + (len(self._lines) - self._written + 3) // 4)
            time.sleep(wait_s(0, 0.05))
            if target == "rotating":
                self._rotate_partly()

    def _spin_until_locked(self) -> None:
        deadline = time.monotonic() + BOUND_S
        while not self._has_lock():
            assert time.monotonic() < deadline, self._process.said()

    def _has_lock(self) -> bool:
        lock = self._process.store_path.with_name(self._process.store_path.name + ".lock")
        return lock.exists() and lock.read_text().strip() == str(self._process.pid)

    def _doing(self) -> str:
        if not self._has_lock():
            return "starting"
        if self._said_watching() == self._watching:
            wal = self._process.store_path.with_name(self._process.store_path.name + "-wal")
            return "recovering" if wal.exists() and wal.stat().st_size else "opening the store"
        if self._is_rotating:
            return "rotating"
        return "reading" if self._read_lines() < self._written else "waiting"

    def _rotate_partly(self) -> None:
        """Makes some of the steps of a rotation; a kill comes after the last one of them."""
        self._finish_rotation()
        self._rotation = self._steps()
        for _ in range(self._chance.randint(1, 6)):
            if next(self._rotation, None) is None:
                return
            time.sleep(self._chance.choice([0, 0.001, 0.03]))

    def _finish_rotation(self) -> None:
        for _ in self._rotation:
            pass

    def _steps(self) -> Iterator[str]:
        """One rotation by rename or by copytruncate; what is older moves on, and is compressed once read."""
        self._is_rotating = True
        numbered = [self._log.with_name(f"app.log.{number}") for number in range(2_000)]
        for number in range(len(numbered) - 1, 0, -1):
            if numbered[number].exists():
                numbered[number].rename(numbered[number + 1])
                yield "shifted"
        if numbered[2].exists() and self._closed[numbered[2].stat().st_ino] <= self._read_lines():
            packed = numbered[2].with_name(f"app.log.{self._written}.gz")
            packed.write_bytes(gzip.compress(numbered[2].read_bytes(), 1))
            yield "compressed"
            numbered[2].unlink()
            yield "deleted"
        if self._chance.random() < 0.5:
            self._log.rename(numbered[1])
            yield "renamed"
            self._log.touch()
        else:
            yield from self._copy(numbered[1])
            os.truncate(self._log, 0)
        self._closed[numbered[1].stat().st_ino] = self._written
        yield "rotated"
        self._is_rotating = False

    def _copy(self, copy: Path) -> Iterator[str]:
        """In pieces: a look can fall between any two of them."""
        with self._log.open("rb") as source, copy.open("wb", buffering=0) as target:
            while data := source.read(COPY_BYTES):
                target.write(data)
                yield "copied"
