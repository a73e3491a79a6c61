"""An order of an operator is carried out once, whatever happens, and what is no order harms nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.anomaly_records import AnomalyRecords
from daemon.database import StoreFullError
from daemon.incident import Incident, begun
from daemon.incident_orders import Acknowledge
from daemon.order_kinds import decode_order
from daemon.orders import KEPT, OrderBook, OrderRecords, outcome_of
from daemon.spool import MAX_ORDER_BYTES, Spool
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from tests.handlers.anomaly.builders import anomaly

KNOWN = anomaly()


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
        self.book = OrderBook(store, OrderRecords(telemetry, self.records), decode_order, self.spool)
        self.problems: list[str] = []

    def incident(self) -> Incident:
        found = self.records.find(KNOWN.id)
        assert found is not None
        return found

    def give(self, **fields: Any) -> None:
        order = ack(**fields)
        self.spool.put(msgspec.json.encode(order), order.at_ms)

    def carry_out(self) -> list[str]:
        """Ids of the orders that were carried out."""
        return [each.order_id for each in self.book.carry_out_all(self.problems.append)]

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
    assert world.carry_out() == []
    assert world.acknowledged() == 1
    assert world.spool.waiting() == []


def test_an_outcome_is_not_forgotten_while_the_file_of_its_order_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spool, "remove", lambda *_: None)
    world.give(order_id="stuck", at_ms=1)
    for number in range(KEPT + 20):
        world.give(order_id=f"order {number}", at_ms=2 + number)
    assert len(world.carry_out()) == KEPT + 21
    assert world.carry_out() == []


def test_old_outcomes_are_forgotten(world: World) -> None:
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
