"""Kills a process that writes the store at random instants, and checks each time what it left behind.

The writer counts lines into windows and keeps how far it came; both are one commit, which it reports through
a pipe when it is done. It also removes old windows, and migrates the store again and again. After every kill
a copy of the files is read, without the store's own code: no commit that was reported may be missing, and
the windows must be exactly those of the offset beside them. The files themselves go to the next writer as
they are, so that recovery is killed too.

Negative controls switch one safeguard off and must be found out.

    python -m tests.daemon.crash_campaign --kills 1000 --seed 7 [--without atomicity|durability]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from tinydb.table import Document

import daemon.store
from daemon.store import Store

LINES_PER_MINUTE: Final = 100
MINUTES_KEPT: Final = 50
HANDLERS: Final = 7
MAX_BYTES: Final = 2**26
PADDING: Final = "x" * 300
KILLS_PER_VERSION: Final = 4
PATIENCE: Final = 20

OPENING: Final = b"o"
ACKNOWLEDGED: Final = b"a"
RECORD_BYTES: Final = 9


class Findings(msgspec.Struct):
    """What a campaign did, so that one that tested nothing is seen, and what it found."""

    kills: int = 0
    kills_before_first_commit: int = 0
    commits: int = 0
    migrations: int = 0
    checkpoints: int = 0
    set_aside: int = 0
    problems: list[str] = []

    def goes_on(self, kills: int, *, has_to_meet: bool = True) -> bool:
        """Until there were so many kills, and on until chance met everything that is counted."""
        unmet = not all(getattr(self, name) for name in self.__struct_fields__ if name != "problems")
        return self.kills < kills or (has_to_meet and unmet and self.kills < PATIENCE * kills)


def window_id(line: int) -> int:
    return line // LINES_PER_MINUTE << 16 | line % HANDLERS


def first_id_kept(offset: int) -> int:
    return (offset // LINES_PER_MINUTE - MINUTES_KEPT) << 16


def expected_windows(offset: int) -> dict[int, list[int]]:
    """Count and sum of the lines up to `offset`, by window."""
    windows: dict[int, list[int]] = {}
    first_line = max(0, (offset // LINES_PER_MINUTE - MINUTES_KEPT) * LINES_PER_MINUTE)
    for line in range(first_line, offset):
        window = windows.setdefault(window_id(line), [0, 0])
        window[0] += 1
        window[1] += line
    return windows


def migrate_windows(store: Store) -> None:
    """Rewrites every window, so that half a migration shows as windows of two versions."""
    windows = store.table("windows")
    windows.put([Document({**d, "version": d["version"] + 1}, d.doc_id) for d in windows.all()])


def write_for_ever(path: Path, version: int, without: str, pipe: int) -> None:
    def report(kind: bytes, offset: int = 0) -> None:
        os.write(pipe, kind + offset.to_bytes(RECORD_BYTES - 1))

    daemon.store.MIGRATIONS = (migrate_windows,) * version  # type: ignore[misc]
    report(OPENING)
    with Store.open(path, max_bytes=MAX_BYTES) as store:
        windows, checkpoints = store.table("windows"), store.table("checkpoints")
        checkpoint = checkpoints.get(doc_id=1)
        offset = checkpoint["offset"] if checkpoint else 0
        chance = random.Random(offset)
        while True:
            end = offset + chance.randint(1, 40)
            changed: dict[int, Document] = {}
            for line in range(offset, end):
                key = window_id(line)
                new = Document({"count": 0, "sum": 0, "version": version, "padding": PADDING}, key)
                window = changed.setdefault(key, windows.get(doc_id=key) or new)
                window["count"] += 1
                window["sum"] += line
            offset = end
            if without == "durability":
                report(ACKNOWLEDGED, offset)
            if without == "atomicity":
                windows.put(changed.values())
                windows.remove_between(0, first_id_kept(offset) - 1)
                checkpoints.put([Document({"offset": offset}, 1)])
            else:
                with store.transaction():
                    windows.put(changed.values())
                    windows.remove_between(0, first_id_kept(offset) - 1)
                    checkpoints.put([Document({"offset": offset}, 1)])
            if without != "durability":
                report(ACKNOWLEDGED, offset)


def kill_child(task: Callable[[int], None], delay_s: float) -> bytes:
    """Runs `task` in a child, kills it `delay_s` after its first report, and returns all that it reported."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read_end)
            task(write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as reports:
        first = reports.read(RECORD_BYTES)
        time.sleep(delay_s)  # the random instant
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            raise SystemExit("the writer ended before it was killed")
        return first + reports.read()


def last_acknowledged(reports: bytes) -> int | None:
    whole = len(reports) // RECORD_BYTES * RECORD_BYTES
    if whole <= RECORD_BYTES:
        return None
    return int.from_bytes(reports[whole - RECORD_BYTES + 1 : whole])


def check(path: Path, acknowledged: int) -> tuple[int, int, list[str]]:
    """Offset and version of a copy of the store, and what is wrong with it."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            if path.with_name(path.name + suffix).exists():
                shutil.copy(path.with_name(path.name + suffix), Path(folder, path.name + suffix))
        connection = sqlite3.connect(Path(folder, path.name))
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            problems = [row[0] for row in connection.execute("PRAGMA quick_check") if row[0] != "ok"]
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
            stored = {
                table: {row[0]: json.loads(row[1]) for row in connection.execute(f"SELECT * FROM {table}")}
                for table in ("windows", "checkpoints")
                if table in tables
            }
        finally:
            connection.close()
    offset = stored["checkpoints"][1]["offset"] if stored.get("checkpoints") else 0
    windows = stored.get("windows", {})
    if offset < acknowledged:
        problems.append(f"offset {offset}: the commit of {acknowledged} was acknowledged and is lost")
    if {key: [window["count"], window["sum"]] for key, window in windows.items()} != expected_windows(offset):
        problems.append(f"the windows are not those of offset {offset}")
    if any(window["version"] != version for window in windows.values()):
        problems.append(f"windows of another version in a store of version {version}")
    if list(path.parent.glob("*.damaged-*")):
        problems.append("a sound file was set aside")
    return offset, version, problems


def kill_writers(folder: Path, kills: int, without: str, chance: random.Random, found: Findings) -> None:
    path = folder / "store.db"
    acknowledged, last_version, log_start = 0, 0, b""
    while found.goes_on(kills, has_to_meet=not without) and not found.problems:
        version = found.kills // KILLS_PER_VERSION
        delay_s = chance.uniform(0, chance.choice([0.004, 0.015, 0.06]))
        reports = kill_child(lambda pipe, v=version: write_for_ever(path, v, without, pipe), delay_s)  # type: ignore[misc]
        last = last_acknowledged(reports)
        found.kills += 1
        found.kills_before_first_commit += last is None
        found.commits += len(reports) // RECORD_BYTES - 1
        acknowledged = last or acknowledged
        if not path.exists():
            continue
        offset, stored_version, problems = check(path, acknowledged)
        found.problems += [f"kill {found.kills}: {problem}" for problem in problems]
        found.migrations += stored_version > last_version
        last_version = stored_version
        acknowledged = max(acknowledged, offset)  # what was seen once must not go away either
        log = path.with_name("store.db-wal")
        header = log.read_bytes()[:32] if log.exists() else b""
        found.checkpoints += b"" != log_start != header  # the log begins anew after each
        log_start = header


def kill_setting_aside(folder: Path, kills: int, chance: random.Random, found: Findings) -> None:
    """Damages the store and kills the process that sets it aside: the damaged file must be kept, once."""

    def begin_afresh(path: Path, pipe: int) -> None:
        os.write(pipe, OPENING * RECORD_BYTES)
        with Store.open(path, max_bytes=MAX_BYTES):
            signal.pause()

    for number in range(kills):
        path = folder / str(number) / "store.db"
        with Store.open(path, max_bytes=MAX_BYTES) as store:
            store.table("windows").put([Document({"padding": PADDING}, n) for n in range(50)])
        damaged = b"damaged" + path.read_bytes()[7:]
        path.write_bytes(damaged)
        delay_s = chance.uniform(0, chance.choice([0.003, 0.02]))
        kill_child(lambda pipe, p=path: begin_afresh(p, pipe), delay_s)  # type: ignore[misc]
        found.kills += 1
        found.set_aside += path.read_bytes() != damaged if path.exists() else True
        with Store.open(path, max_bytes=MAX_BYTES) as store:
            store.table("windows").insert({})
            if len(store.table("windows")) != 1:
                found.problems.append(f"store {number}: the fresh store is not empty")
        if [file.read_bytes() for file in path.parent.glob("*.damaged-*")] != [damaged]:
            found.problems.append(f"store {number}: the damaged file was not kept exactly once")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", choices=["atomicity", "durability"], default="")
    arguments = parser.parse_args()
    chance, found = random.Random(arguments.seed), Findings()
    with tempfile.TemporaryDirectory() as folder:
        if not arguments.without:
            kill_setting_aside(Path(folder), arguments.kills // 5, chance, found)
        kill_writers(Path(folder), arguments.kills, arguments.without, chance, found)
    print(msgspec.json.encode(found).decode())
    return bool(found.problems)


if __name__ == "__main__":
    sys.exit(main())
