"""The daemon watches itself: its troubles are incidents with the life of any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from config.settings import Log, Settings
from daemon.beat_times import OwnBeats
from daemon.cycle import judge, read_to_end
from daemon.engine import Engine
from daemon.incident import Incident
from daemon.incident_orders import Acknowledge, Resolve, Silence
from daemon.logs import configure_logging
from daemon.once import END_OF_TIME_MS
from daemon.orders import Order
from daemon.self_watch import HOLD_S, LOOK_EVERY_S, SelfWatch
from daemon.spool import Spool
from daemon.store import Store
from handlers.model import SelfAnomaly
from handlers.stage import BeatReport
from handlers.telemetry.sequence import TELEMETRY
from tests.daemon.test_engine import write_log

START_MS = 1_795_363_880_000


class Loops:
    """Those of the daemon, as far as they are looked at."""

    def __init__(self) -> None:
        self.caught_up = True
        self.deaths = 0
        self.dead: dict[str, tuple[str, ...]] = {}

    def troubles(self) -> dict[str, tuple[str, ...]]:
        return {"watcher": (), "reader": (), "scheduler": (), **self.dead}


class World:
    """A daemon with a clock that the test sets."""

    def __init__(self, settings: Settings, store: Store, patch: pytest.MonkeyPatch) -> None:
        self.settings, self.store = settings, store
        self.boot_s, self.clock_ms = 100.0, START_MS
        patch.setattr("daemon.self_watch.boot_s", lambda: self.boot_s)
        patch.setattr("daemon.self_watch.now_ms", lambda: self.clock_ms)
        self.loops, self.beats = Loops(), OwnBeats()
        self.rejected: tuple[str, ...] = ()
        self.start()

    def start(self) -> None:
        """Also anew."""
        self.engine = Engine(self.settings, self.store, self.hear)
        self.watch = SelfWatch(self.engine, self.loops, self.beats, lambda: self.rejected)

    def hear(self, report: BeatReport) -> None:
        self.beats.hear(report, is_steady=True)

    async def looks(self, seconds: float) -> None:
        for _ in range(round(seconds / LOOK_EVERY_S)):
            self.boot_s += LOOK_EVERY_S
            self.clock_ms += round(LOOK_EVERY_S * 1000)
            await self.watch.look()

    def incidents(self) -> list[Incident]:
        return self.engine.anomalies.incidents()

    def incident(self) -> Incident:
        [incident] = self.incidents()
        return incident

    async def order(self, order: Order) -> None:
        spool = Spool(self.store.path)
        spool.prepare()
        spool.put(msgspec.json.encode(order), order.at_ms)
        await self.engine.carry_out_orders()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    settings = Settings()
    (tmp_path / "logs").mkdir()
    logs = settings.logs.model_copy(update={"directories": (tmp_path / "logs",)})
    settings = settings.model_copy(update={"logs": logs})
    with Store.open(tmp_path / "store.db", max_bytes=1 << 28) as store:
        yield World(settings, store, monkeypatch)


@pytest.mark.anyio
async def test_a_trouble_is_told_with_cause_and_advice_held_and_resolved(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Log(), {})
    world.loops.dead = {"watcher": ("its thread died",)}
    await world.looks(LOOK_EVERY_S)
    assert isinstance(world.incident().anomaly, SelfAnomaly)
    assert world.incident().state == "open"
    said = capsys.readouterr().err
    assert "found: the watcher of selfheald does not work" in said
    assert "likely cause: its thread died" in said
    assert "do first: restart it" in said
    world.loops.dead = {}
    await world.looks(HOLD_S - LOOK_EVERY_S)
    assert world.incident().is_open
    await world.looks(3 * LOOK_EVERY_S)
    assert world.incident().state == "resolved"
    assert "resolved: own trouble with watcher is over" in capsys.readouterr().err
    world.loops.dead = {"watcher": ("its thread died",)}
    await world.looks(LOOK_EVERY_S)
    assert (world.incident().state, world.incident().reopened) == ("open", 1)


@pytest.mark.anyio
async def test_the_verdicts_on_the_logs_and_on_itself_leave_each_other_alone(world: World) -> None:
    write_log(world.settings, "healthy.log.gz", "regressed.log.gz")
    await read_to_end(world.engine, at_end=True)
    await judge(world.engine, END_OF_TIME_MS)
    of_the_logs = {each.anomaly.id for each in world.incidents()}
    assert len(of_the_logs) >= 5
    world.rejected = ("selfheald.yaml:3: no",)
    await world.looks(LOOK_EVERY_S)
    assert all(each.is_open for each in world.incidents())
    await judge(world.engine, END_OF_TIME_MS)
    own = [each for each in world.incidents() if each.anomaly.id not in of_the_logs]
    assert [each.anomaly.kind for each in own] == ["settings-rejected"]
    assert all(each.is_open for each in world.incidents())
    advised = {each.anomaly_id for each in world.engine.anomalies.recommendations()}
    assert advised == {each.anomaly.id for each in world.incidents()}


@pytest.mark.anyio
async def test_a_clock_that_is_set_is_a_trouble_and_its_time_does_not_keep_it_open(world: World) -> None:
    await world.looks(60)
    world.clock_ms -= 7_200_000
    await world.looks(LOOK_EVERY_S)
    assert world.incident().anomaly.kind == "clock-step"
    assert "backwards by 2.0 h" in world.incident().anomaly.description
    await world.looks(HOLD_S + LOOK_EVERY_S)
    assert world.incident().state == "resolved"


@pytest.mark.anyio
async def test_a_thread_that_was_started_again_between_two_looks_is_told(world: World) -> None:
    await world.looks(30)
    world.loops.deaths = 1
    await world.looks(LOOK_EVERY_S)
    assert world.incident().anomaly.handler == "watcher"
    await world.looks(HOLD_S + LOOK_EVERY_S)
    assert world.incident().state == "resolved"


@pytest.mark.anyio
async def test_a_restart_neither_ends_nor_repeats_a_trouble(world: World) -> None:
    world.rejected = ("selfheald.yaml:3: no",)
    await world.looks(60)
    world.start()
    await world.looks(60)
    assert (world.incident().state, world.incident().reopened) == ("open", 0)
    world.rejected = ()
    world.start()
    await world.looks(HOLD_S + LOOK_EVERY_S)
    assert world.incident().state == "resolved"


@pytest.mark.anyio
async def test_what_was_learned_of_own_beats_and_of_rhythms_outlasts_a_restart(world: World) -> None:
    write_log(world.settings, "healthy.log.gz")
    await read_to_end(world.engine, at_end=True)
    await world.looks(3600)
    world.start()
    memory = world.engine.own.load()
    assert {key[0] for key, _ in memory.beats} == {TELEMETRY.id}
    assert len(memory.beats) == len(TELEMETRY.beats)
    assert [Path(name).name for name in memory.rhythms] == ["app.log"]
    assert world.engine.anomalies.baselines.load().beats == {}


@pytest.mark.anyio
async def test_operators_acknowledge_silence_and_resolve_it_as_any_other(world: World) -> None:
    world.rejected = ("selfheald.yaml:3: no",)
    await world.looks(60)
    about = world.incident().anomaly.id
    await world.order(Acknowledge(id="1", at_ms=START_MS, by="ada", incident=about))
    await world.looks(60)
    assert world.incident().state == "acknowledged"
    await world.order(
        Silence(id="2", at_ms=START_MS, by="ada", incident=about, for_ms=86_400_000, why="known")
    )
    await world.looks(120)
    assert world.incident().state == "silenced"
    world.rejected = ()
    await world.order(Resolve(id="3", at_ms=START_MS, by="ada", incident=about, why="mended"))
    await world.looks(600)
    assert world.incident().state == "resolved"


@pytest.mark.anyio
async def test_a_healthy_daemon_that_reads_and_judges_and_rests_has_no_trouble(world: World) -> None:
    write_log(world.settings, "healthy.log.gz")
    for _ in range(12):
        write_log(world.settings, "regressed.log.gz")
        await read_to_end(world.engine, at_end=True)
        await judge(world.engine, END_OF_TIME_MS)
        await world.looks(120)
    await world.looks(7200)
    assert [each for each in world.incidents() if isinstance(each.anomaly, SelfAnomaly)] == []
