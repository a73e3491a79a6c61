"""kill -9 between the steps of carrying out orders: each is carried out once, none is lost.

SELFHEALD_ORDER_KILLS=45 makes the campaign a long one; an incident remembers no more than 50 steps.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from daemon.anomaly_records import AnomalyRecords
from daemon.database import StoreError
from daemon.incident import begun
from daemon.incident_orders import Acknowledge
from daemon.spool import Spool
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from tests.daemon.process import WINDOW_MS, DaemonProcess
from tests.handlers.anomaly.builders import anomaly

KILLS: Final = int(os.environ.get("SELFHEALD_ORDER_KILLS", "4"))
A_ROUND: Final = 8
"""Orders that wait when a daemon starts; each goes to another incident, whose history remembers it."""
SLOW_REMOVAL: Final = """
import time
from daemon.spool import Spool
remove = Spool.remove
Spool.remove = lambda self, name: (time.sleep(0.03), remove(self, name))[1]
"""
"""Widens the gap between the commit and the removal of the file, so that kills fall into it."""
STUCK_REMOVAL: Final = """
Spool.remove = lambda self, name: time.sleep(3600)
"""
"""After SLOW_REMOVAL: a kill falls into the gap, however late it comes."""
FORGETFUL: Final = "import daemon.orders; daemon.orders.outcome_of = lambda *_: None\n"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        with Store.open(process.store_path, max_bytes=1 << 26) as store, store.transaction():
            records = AnomalyRecords(store, TelemetryRecords(store, WINDOW_MS))
            records.put(begun(anomaly(f"perf-{number}"), 0) for number in range(A_ROUND))
        yield process


def outcomes(process: DaemonProcess) -> int:
    """How many there were, those included that are forgotten."""
    try:
        with Store.open_reader(process.store_path) as store, store.snapshot():
            return store.table("orders").last_id() or 0
    except StoreError:
        return 0


def await_outcomes(process: DaemonProcess, least: int) -> None:
    process.until("some are carried out", lambda: outcomes(process) >= least)


def campaign(process: DaemonProcess, kills: int, prelude: str) -> tuple[Counter[str], set[str], int]:
    """Gives orders and kills; (how often each was carried out, all given, kills between the two steps)."""
    chance = random.Random(7)
    spool = Spool(process.store_path)
    given: set[str] = set()
    hits = 0
    for kill in range(kills + 1):
        spool.prepare()
        for number in range(A_ROUND):
            name = f"{kill}/{number}"
            order = Acknowledge(id=name, at_ms=kill, by="ada", incident=f"perf-{number}", note=name)
            spool.put(msgspec.json.encode(order), time.time_ns() // 1_000_000)
            given.add(name)
        before = outcomes(process)
        process.start(prelude=prelude + STUCK_REMOVAL * (kill == 0))
        if kill == kills:
            process.until("all is carried out", lambda: not spool.waiting())
        else:
            await_outcomes(process, before + (chance.randint(1, A_ROUND) if kill else 1))
        process.kill()
        waiting = len(spool.waiting())
        hits += outcomes(process) + waiting > len(given)
    with process.reading() as (_, records):
        carried_out = Counter(
            step.why for incident in records.incidents() for step in incident.history if step.by
        )
    return carried_out, given, hits


def test_each_order_is_carried_out_once_however_often_the_daemon_is_killed(service: DaemonProcess) -> None:
    carried_out, given, hits = campaign(service, KILLS, SLOW_REMOVAL)
    assert carried_out == dict.fromkeys(given, 1)
    assert hits > 0


def test_the_campaign_finds_a_daemon_that_forgets_what_it_did(service: DaemonProcess) -> None:
    carried_out, given, _ = campaign(service, 2, SLOW_REMOVAL + FORGETFUL)
    assert set(carried_out) == given
    assert max(carried_out.values()) > 1
