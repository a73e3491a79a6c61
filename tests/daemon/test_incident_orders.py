"""What an operator says of an incident holds for what is detected afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings
from daemon.cycle import judge, read_to_end
from daemon.engine import Engine
from daemon.incident import Incident
from daemon.incident_orders import Accept, Resolve, Silence
from daemon.once import END_OF_TIME_MS
from daemon.orders import Order
from daemon.spool import Spool
from daemon.store import Store
from handlers.stage import BeatReport

START = 1_795_363_000
NORMAL_MS, SLOW_MS = 20, 60


class World:
    """An engine over a log with one execution a second."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.engine = Engine(settings, store, ignore)
        self._log = settings.logs.directories[0] / "app.jsonl"
        self._spool = Spool(store.path)
        self._spool.prepare()
        self._second = 0

    async def run(self, seconds: int, duration_ms: int) -> None:
        with self._log.open("a") as file:
            for second in range(self._second, self._second + seconds):
                took = duration_ms + second % 5
                file.write(f'{{"timestamp":{START + second},"event":"e","handler":"h","duration":{took}}}\n')
        self._second += seconds
        await read_to_end(self.engine)
        await judge(self.engine, END_OF_TIME_MS)

    async def order(self, order: Order) -> None:
        self._spool.put(msgspec.json.encode(order), order.at_ms)
        await self.engine.carry_out_orders()
        assert self._spool.waiting() == []
        await judge(self.engine, END_OF_TIME_MS)  # without anything new

    def incident(self) -> Incident:
        [incident] = self.engine.anomalies.incidents()
        return incident


def ignore(_report: BeatReport) -> None:
    pass


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    settings = Settings()
    (tmp_path / "logs").mkdir()
    logs = settings.logs.model_copy(update={"directories": (tmp_path / "logs",)})
    settings = settings.model_copy(update={"logs": logs})
    with Store.open(tmp_path / "store.db", max_bytes=1 << 28) as store:
        yield World(settings, store)


async def slow_incident(world: World) -> str:
    await world.run(200, NORMAL_MS)
    await world.run(100, SLOW_MS)
    assert world.incident().state == "open"
    return world.incident().anomaly.id


@pytest.mark.anyio
async def test_what_is_resolved_and_mended_stays_resolved(world: World) -> None:
    found = await slow_incident(world)
    await world.order(Resolve(id="1", at_ms=1, by="ada", incident=found, why="rolled back"))
    assert world.incident().state == "resolved"
    await world.run(200, NORMAL_MS)
    assert (world.incident().state, world.incident().by) == ("resolved", "ada")


@pytest.mark.anyio
async def test_what_is_resolved_and_is_not_mended_comes_back(world: World) -> None:
    found = await slow_incident(world)
    await world.order(Resolve(id="1", at_ms=1, by="ada", incident=found))
    await world.run(100, SLOW_MS)
    assert (world.incident().state, world.incident().reopened) == ("open", 1)
    assert [each.state for each in world.incident().history] == ["open", "resolved", "open"]


@pytest.mark.anyio
async def test_what_is_accepted_is_what_is_expected(world: World) -> None:
    found = await slow_incident(world)
    await world.order(Accept(id="1", at_ms=1, by="ada", incident=found, why="it does more"))
    await world.run(300, SLOW_MS)
    assert (world.incident().state, world.incident().reopened) == ("resolved", 0)
    await world.run(100, 3 * SLOW_MS)
    assert world.incident().state == "open"
    assert world.incident().anomaly.expected == pytest.approx(SLOW_MS, rel=0.1)


@pytest.mark.anyio
async def test_what_is_silenced_goes_on_in_silence(world: World) -> None:
    found = await slow_incident(world)
    now_ms = 1 << 45
    await world.order(
        Silence(id="1", at_ms=now_ms, by="ada", incident=found, for_ms=3_600_000, why="load test")
    )
    await world.run(100, SLOW_MS)
    assert not world.engine.changes.told
    assert world.incident().state == "silenced"
    await world.run(100, 10 * SLOW_MS)
    [told] = world.engine.changes.told
    assert (told.state, told.why) == ("open", "became critical, which ends its silence")


@pytest.mark.anyio
async def test_orders_are_not_read_as_logs(tmp_path: Path) -> None:
    settings = Settings()
    logs = settings.logs.model_copy(update={"directories": (tmp_path,), "recursive": True})
    own = settings.store.model_copy(update={"path": tmp_path / "state" / "store.db"})
    settings = settings.model_copy(update={"logs": logs, "store": own})
    with Store.open(settings.store.path, max_bytes=1 << 28) as store:
        spool = Spool(store.path)
        spool.prepare()
        for name in ("1.json", "2.json.refused", ".3"):
            (spool.path / name).write_text('{"event": "e", "duration": 5}\n')
        engine = Engine(settings, store, ignore)
        assert await read_to_end(engine) == []
        assert engine.telemetry.sources() == []
