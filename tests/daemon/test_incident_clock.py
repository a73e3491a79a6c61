"""What happens to an incident by the clock alone happens although no new line comes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import time_machine

from config.settings import Settings
from daemon.cycle import judge, read_to_end
from daemon.engine import Engine
from daemon.incident import Incident
from daemon.incident_orders import Silence
from daemon.orders import OrderRecords
from daemon.store import Store
from tests.daemon.process import DaemonProcess
from tests.daemon.test_engine import ignore, settings, store

__all__ = ["settings", "store"]
START_S = 1_795_348_800
"""2026-11-22T12:00:00Z."""
HOUR_S = 3600


def append(folder: Path, from_s: float, count: int, duration_ms: int) -> float:
    """One execution a second; returns the second after the last."""
    lines = [
        json.dumps(
            {"timestamp": from_s + at, "event": "cart:add", "sequence": "cart", "duration": duration_ms}
        )
        for at in range(count)
    ]
    with (folder / "app.jsonl").open("a") as file:
        file.write("\n".join(lines) + "\n")
    return from_s + count


async def slow(settings: Settings, store: Store) -> tuple[Engine, Incident]:
    """A daemon that found a slow handler in a log that ended with it."""
    folder = settings.logs.directories[0]
    append(folder, append(folder, START_S, 300, 20), 100, 60)
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    await judged(engine)
    [incident] = engine.anomalies.incidents()
    assert incident.state == "open"
    return engine, incident


async def judged(engine: Engine) -> bool:
    """A cycle of the daemon; whether it judged anything."""
    until_ms = time.time_ns() // 1_000_000
    if not await engine.has_news(until_ms):
        return False
    await judge(engine, until_ms, tells=False)
    return True


def silence(engine: Engine, incident: Incident, for_s: int) -> None:
    order = Silence(
        id="1",
        at_ms=time.time_ns() // 1_000_000,
        by="ada",
        incident=incident.anomaly.id,
        for_ms=for_s * 1000,
        why="load test",
    )
    order.carry_out(OrderRecords(engine.telemetry, engine.anomalies, engine.anomalies.baselines))


@pytest.mark.anyio
async def test_a_silence_ends_when_its_time_is_over_and_is_told_once(
    settings: Settings, store: Store
) -> None:
    with time_machine.travel(START_S + HOUR_S, tick=False) as clock:
        engine, incident = await slow(settings, store)
        silence(engine, incident, HOUR_S)
        engine = Engine(settings, store, ignore)
        assert await judged(engine)
        assert not await judged(engine)
        clock.shift(HOUR_S - 1)
        assert not await judged(engine)
        clock.shift(1)
        assert await judged(engine)
        [unsilenced] = engine.changes.unsilenced
        assert (unsilenced.anomaly.id, unsilenced.state) == (incident.anomaly.id, "open")
        assert not await judged(engine)


@pytest.mark.anyio
async def test_the_silence_of_what_is_gone_and_held_ends_without_a_word(
    settings: Settings, store: Store
) -> None:
    with time_machine.travel(START_S + HOUR_S, tick=False) as clock:
        engine, incident = await slow(settings, store)
        silence(engine, incident, HOUR_S)
        append(settings.logs.directories[0], START_S + 400, 200, 20)  # healthy, for less than detect.hold_s
        engine = Engine(settings, store, ignore)
        await read_to_end(engine)
        assert await judged(engine)
        assert [each.state for each in engine.anomalies.incidents()] == ["silenced"]
        clock.shift(HOUR_S)
        assert await judged(engine)
        assert engine.changes.told == ()
        assert [each.state for each in engine.anomalies.incidents()] == ["open"]
        assert not await judged(engine)


@pytest.mark.anyio
async def test_what_was_not_seen_again_for_a_day_is_closed_and_new_evidence_brings_it_back(
    settings: Settings, store: Store
) -> None:
    week_later_s = START_S + 7 * 24 * HOUR_S
    with time_machine.travel(week_later_s, tick=False) as clock:
        engine, incident = await slow(settings, store)  # an old log: a week in event time is no reason
        assert not await judged(engine)
        clock.shift(24 * HOUR_S)
        assert not await judged(engine)
        clock.shift(1)
        assert await judged(engine)
        [resolved] = engine.changes.resolved
        assert resolved.why == "is no longer seen: what it is about did not run again"
        assert not await judged(engine)
        append(settings.logs.directories[0], START_S + 400, 50, 60)
        await read_to_end(engine)
        assert await judged(engine)
        assert [each.anomaly.id for each in engine.changes.reopened] == [incident.anomaly.id]


@pytest.mark.anyio
async def test_after_a_long_stop_what_goes_on_is_not_closed_before_all_lines_are_judged(
    settings: Settings, store: Store
) -> None:
    with time_machine.travel(START_S + HOUR_S, tick=False) as clock:
        _, incident = await slow(settings, store)
        # Meanwhile it ran on, slow at the end only: more windows than are judged at once.
        folder = settings.logs.directories[0]
        clock.shift(2 * 24 * HOUR_S)
        other = [
            json.dumps(
                {"timestamp": START_S + 400 + 10 * at, "event": "other", "sequence": "o", "duration": 9}
            )
            for at in range(500)
        ]
        (folder / "other.jsonl").write_text("\n".join(other) + "\n")
        append(folder, START_S + 400 + 5000, 50, 60)
        engine = Engine(settings, store, ignore)
        await read_to_end(engine)
        resolved: list[Incident] = []
        more = True
        while more:
            await engine.detect(time.time_ns() // 1_000_000)
            resolved += engine.changes.resolved
            more = engine.more_windows
        assert resolved == []
        assert engine.anomalies.find(incident.anomaly.id).is_open  # type: ignore[union-attr]


def test_an_old_broken_log_gives_an_incident_that_the_daemon_closes_when_nothing_more_is_seen(
    tmp_path: Path,
) -> None:
    with DaemonProcess(tmp_path) as service:
        service.logs.mkdir()
        # Three seconds in place of a day.
        service.config.write_text("detect: {interval_s: 0.2}\nretention: {windows_h: 0.0008}\n")
        start_s = float(int(time.time()) - 3 * 24 * HOUR_S)
        append(service.logs, append(service.logs, start_s, 300, 20), 100, 60)
        service.start()
        service.until("it is found", lambda: "found: cart:add takes" in service.said())
        service.until("it is closed", lambda: "is no longer seen" in service.said())
        assert [each.state for each in service.anomalies()] == ["resolved"]
        assert "came back" not in service.said()
