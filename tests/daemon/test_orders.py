"""An order of an operator is carried out once, whatever happens, and what is no order harms nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from daemon import orders
from daemon.anomaly_records import AnomalyRecords
from daemon.database import StoreFullError
from daemon.incident import Incident, begun
from daemon.incident_orders import Accept, Acknowledge, Resolve, Silence
from daemon.order_kinds import decode_order
from daemon.orders import OrderBook, OrderOutcome, OrderRecords, outcome_of
from daemon.spool import MAX_ORDER_BYTES, Spool
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.anomaly.baseline import Baseline, Learned, Recent
from handlers.model import BeatStats
from tests.handlers.anomaly.builders import BEAT, anomaly, beat, durations, runs

KNOWN = anomaly()
KEPT = 20


class World:
    """A store with one open incident, its spool, and who carries out the orders."""

    def __init__(self, store: Store) -> None:
        telemetry = TelemetryRecords(store, 10_000)
        self.store = store
        self.records = AnomalyRecords(store, telemetry)
        with store.transaction():
            self.records.put([begun(KNOWN, 0)])
        self.spool = Spool(store.path)
        self.spool.prepare()
        self.book = OrderBook(
            store, OrderRecords(telemetry, self.records, self.records.baselines), decode_order, self.spool
        )
        self.problems: list[str] = []

    def incident(self) -> Incident:
        found = self.records.find(KNOWN.id)
        assert found is not None
        return found

    def give(self, **fields: Any) -> None:
        order = ack(**fields)
        self.spool.put(msgspec.json.encode(order), order.at_ms)

    def carry_out(self) -> list[str]:
        """Ids of the orders whose outcome was told."""
        told: list[OrderOutcome] = []
        self.book.carry_out_all(told.append, self.problems.append)
        return [each.order_id for each in told]

    def acknowledged(self) -> int:
        """How often the incident was acknowledged."""
        return sum(each.state == "acknowledged" for each in self.incident().history)


def ack(order_id: str = "one", at_ms: int = 5, by: str = "ada", incident: str = KNOWN.id) -> Acknowledge:
    return Acknowledge(id=order_id, at_ms=at_ms, by=by, incident=incident)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Store.open(tmp_path / "store.db", max_bytes=1 << 26) as store:
        yield World(store)


def test_an_order_is_carried_out_recorded_and_gone(world: World) -> None:
    world.give()
    assert world.carry_out() == ["one"]
    assert (world.incident().state, world.incident().by) == ("acknowledged", "ada")
    outcome = outcome_of(world.store, "one")
    assert outcome is not None
    assert (outcome.done, outcome.kind, outcome.by) == (True, "ack", "ada")
    assert world.spool.waiting() == []


def test_orders_are_carried_out_in_the_order_in_which_they_were_given(world: World) -> None:
    world.give(order_id="second", at_ms=90)
    world.give(order_id="third", at_ms=1_795_363_000_000)
    world.give(order_id="first", at_ms=7)
    assert world.carry_out() == ["first", "second", "third"]


def test_an_order_whose_file_outlived_the_commit_is_not_carried_out_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.give()
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "remove", lambda *_: None)  # as after a kill between commit and removal
        assert world.carry_out() == ["one"]
    assert world.spool.waiting()
    assert world.carry_out() == ["one"]  # who was killed may not have told it
    assert world.acknowledged() == 1
    assert world.spool.waiting() == []


def test_an_outcome_is_not_forgotten_while_the_file_of_its_order_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "KEPT", KEPT)
    monkeypatch.setattr(Spool, "remove", lambda *_: None)
    world.give(order_id="stuck", at_ms=1)
    for number in range(KEPT + 20):
        world.give(order_id=f"order {number}", at_ms=2 + number)
    assert len(world.carry_out()) == len(world.carry_out()) == KEPT + 21
    assert world.acknowledged() == KEPT + 21


def test_old_outcomes_are_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "KEPT", KEPT)
    for number in range(KEPT + 20):
        world.give(order_id=f"order {number}", at_ms=number)
        world.carry_out()
    assert len(world.store.table("orders")) == KEPT
    assert outcome_of(world.store, "order 0") is None
    assert outcome_of(world.store, f"order {KEPT + 19}") is not None


def test_an_order_that_the_store_cannot_take_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.give()

    def full(*_: object) -> None:
        raise StoreFullError("full")

    with monkeypatch.context() as patch:
        patch.setattr(OrderBook, "_remember", full)
        with pytest.raises(StoreFullError):
            world.carry_out()
    assert world.incident().state == "open"
    assert world.carry_out() == ["one"]


def test_an_order_that_cannot_be_carried_out_is_refused_with_the_reason(world: World) -> None:
    world.give(incident="perf-unknown")
    assert world.carry_out() == ["one"]
    outcome = outcome_of(world.store, "one")
    assert outcome is not None
    assert (outcome.done, outcome.sentence) == (False, "perf-unknown: there is no incident with this id")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="an empty file"),
        pytest.param(b'{"kind": "ack", "id": "x"', id="half an order"),
        pytest.param(b'{"kind": "format-disk", "id": "x", "at_ms": 1, "by": "eve"}', id="an unknown kind"),
        pytest.param(b'{"kind": "ack", "id": "x", "at_ms": 1, "by": 7, "incident": "i"}', id="a wrong type"),
        pytest.param(b'{"kind": "ack", "id": "x", "at_ms": -1, "by": "", "incident": ""}', id="no such time"),
        pytest.param(b'{"kind": "ack", "id": "\\ud800", "at_ms": 1, "by": "", "incident": ""}', id="no text"),
        pytest.param(b"\xff" * 10, id="no UTF-8"),
        pytest.param(b'{"kind": "\xff"}', id="a kind that is no UTF-8"),
        pytest.param(b'{"kind": "ack", "x": ' + b"[" * 60_000, id="depth in a field of no meaning"),
        pytest.param(b" " * (MAX_ORDER_BYTES + 1), id="too much"),
        pytest.param(b"[" * 60_000, id="depth"),
    ],
)
def test_what_is_no_order_is_told_once_and_set_aside(world: World, content: bytes) -> None:
    (world.spool.path / "0.json").write_bytes(content)
    world.give()
    assert world.carry_out() == ["one"]
    assert world.carry_out() == []
    [problem] = world.problems
    assert str(world.spool.path / "0.json") in problem
    assert "0.json.refused" in problem
    assert (world.spool.path / "0.json.refused").read_bytes() == content


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_plain_file_is_not_opened(world: World, kind: str, tmp_path: Path) -> None:
    place = world.spool.path / "0.json"
    if kind == "link":
        (tmp_path / "else.json").write_bytes(msgspec.json.encode(ack("linked")))
        place.symlink_to(tmp_path / "else.json")
    elif kind == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)
    assert world.carry_out() == []
    assert len(world.problems) == 1
    assert world.spool.waiting() == []


def test_files_that_are_not_finished_or_not_meant_are_left_alone(world: World) -> None:
    for name in (".0.json", "notes.txt", "0.json.refused"):
        (world.spool.path / name).write_bytes(b"?")
    assert not world.book.has_waiting()
    assert (world.carry_out(), world.problems) == ([], [])


def test_the_group_may_give_orders_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        spool = Spool(tmp_path / "store.db")
        spool.prepare()
        file = spool.put(b"{}", 1)
    finally:
        os.umask(before)
    assert spool.path.stat().st_mode & 0o777 == 0o770
    assert file.stat().st_mode & 0o777 == 0o644  # another user reads it; strangers cannot reach it


def test_a_spool_that_was_deleted_comes_back(world: World) -> None:
    world.spool.path.rmdir()
    assert world.carry_out() == []
    world.give()
    assert world.carry_out() == ["one"]


class TestKinds:
    """What each order does, over a baseline on which a verdict fell."""

    @pytest.fixture(autouse=True)
    def slow_now(self, world: World) -> None:
        windows = [Recent(start, beat(durations(12, 40)), tainted=True) for start in range(0, 40_000, 10_000)]
        slow = Learned(beat(durations(60, 20)), 6, windows)
        other = Learned(beat(durations(60, 5)), 6, windows[:1])
        run = Learned(runs({("cart:add",): 30}), 6, [])
        with world.store.transaction():
            world.records.baselines.put(Baseline(50_000, {BEAT: slow, ("s", "e"): other}, {BEAT[0]: run}))

    @staticmethod
    def learned(world: World) -> Learned[BeatStats]:
        return world.records.baselines.load().beats[BEAT]

    def test_a_silence_has_an_owner_a_reason_and_an_end(self, world: World) -> None:
        outcome = world.book.carry_out(
            Silence(id="s", at_ms=1000, by="ada", incident=KNOWN.id, for_ms=3_600_000, why="load test")
        )
        incident = world.incident()
        assert (incident.state, incident.by, incident.why) == ("silenced", "ada", "load test")
        assert (incident.until_ms, incident.silenced_at) == (3_601_000, KNOWN.severity)
        assert 'silenced by ada until 1970-01-01 01:00 UTC ("load test"): perf-1' in outcome.sentence

    def test_what_is_resolved_by_hand_is_not_judged_by_what_was_seen_before(self, world: World) -> None:
        outcome = world.book.carry_out(Resolve(id="r", at_ms=9, by="ada", incident=KNOWN.id, why="mended"))
        assert outcome.done
        assert (world.incident().state, world.incident().settled_ms) == ("resolved", KNOWN.last_seen_ms)
        learned = self.learned(world)
        assert learned.recent == []
        assert sum(learned.reference.bins.values()) == 60

    def test_what_is_accepted_is_the_new_normal_of_its_subject_alone(self, world: World) -> None:
        before = world.records.baselines.load()
        outcome = world.book.carry_out(Accept(id="a", at_ms=9, by="ada", incident=KNOWN.id, why="does more"))
        assert outcome.done
        assert (world.incident().state, world.incident().why) == ("resolved", "accepted: does more")
        after = world.records.baselines.load()
        assert after.beats[BEAT].recent == []
        assert after.beats[BEAT].reference.total_us == sum(
            each.stats.total_us for each in before.beats[BEAT].recent
        )
        assert (after.beats[BEAT].windows, after.beats[BEAT].since_ms) == (4, 0)
        assert (after.beats["s", "e"], after.runs) == (before.beats["s", "e"], before.runs)
        assert after.judged_until_ms == before.judged_until_ms == 50_000

    def test_what_is_expected_by_the_settings_cannot_be_accepted(self, world: World) -> None:
        with world.store.transaction():
            world.records.put([begun(replace(KNOWN, expected_from="settings"), 0)])
        outcome = world.book.carry_out(Accept(id="a", at_ms=9, by="ada", incident=KNOWN.id, why="fine"))
        assert not outcome.done
        assert "change expected_ms in the settings" in outcome.sentence
        assert world.incident().is_open

    def test_what_is_resolved_takes_no_more_orders(self, world: World) -> None:
        resolve = Resolve(id="r", at_ms=9, by="ada", incident=KNOWN.id)
        assert world.book.carry_out(resolve).done
        assert world.book.carry_out(replace(resolve, id="again")).sentence == "perf-1: is resolved already"
