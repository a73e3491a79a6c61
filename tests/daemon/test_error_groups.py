"""Groups of errors in the store: learned in the commit that counts them, and one once they are united."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Detect, Settings
from daemon.compare import compare
from daemon.cycle import judge, read_to_end
from daemon.database import StoreFullError
from daemon.engine import Engine
from daemon.once import END_OF_TIME_MS
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.model import ErrorAnomaly, ErrorKey
from handlers.stage import BeatReport
from tests.daemon.ingest_driver import BASE_MS, NAMES, settings_in
from tests.daemon.stored_windows import stored_windows

OLDEST = "no price of redshoe in shop was found"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "logs").mkdir()
    return settings_in(tmp_path, watched=tmp_path / "logs")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store.open(settings.store.path, max_bytes=settings.store.max_bytes) as opened:
        yield opened


def ignore(_report: BeatReport) -> None:
    pass


def lines(first: int, names: list[str], executions: int = 20, frame: str = "") -> str:
    """Windows of executions, the first of which fails, each with another word in its message."""
    text = ""
    for number, name in enumerate(names, first):
        for execution in range(executions):
            record: dict[str, object] = {
                "timestamp": BASE_MS + 10_000 * number + execution,
                "event": "cart:price",
                "handler": "Shop.price",
                "duration": 2.0,
            }
            if name and not execution:
                message = f"KeyError: no price of {name} in shop was found"
                record["error"] = {"message": message, "stack": f"{message}\n{frame}"} if frame else message
            text += json.dumps(record) + "\n"
    return text


def write(settings: Settings, text: str) -> None:
    with (settings.logs.directories[0] / "app.log").open("a") as file:
        file.write(text)


def groups(engine: Engine) -> dict[ErrorKey, int]:
    counts: dict[ErrorKey, int] = {}
    for window in stored_windows(engine.telemetry).windows.values():
        for key, errors in window.errors.items():
            counts[key] = counts.get(key, 0) + errors.count
    return counts


@pytest.mark.anyio
async def test_groups_that_are_found_to_be_one_later_are_one_in_the_windows_and_in_what_was_learned(
    settings: Settings, store: Store
) -> None:
    engine = Engine(settings, store, ignore)
    for first in range(0, 12, 2):
        write(settings, lines(first, NAMES[first : first + 2]))
        await read_to_end(engine)
        await judge(engine, END_OF_TIME_MS, tells=False)
        if first == 0:
            assert len(groups(engine)) == 2
    [(key, count)] = groups(engine).items()
    assert (key[3], count) == (OLDEST, 12)
    known = engine.anomalies.baselines.load().errors
    assert list(known) == [key]
    learned = known[key]
    waiting = sum(each.stats.errors.count for each in learned.recent)
    assert learned.reference.errors.count + waiting == 12
    assert learned.reference.executions + sum(each.stats.executions for each in learned.recent) <= 12 * 20
    found = {each.anomaly.id: each for each in engine.anomalies.incidents()}
    assert len(found) < 12
    (last,) = (each.anomaly for each in found.values() if each.anomaly.last_seen_ms == BASE_MS + 120_000)
    assert isinstance(last, ErrorAnomaly)
    assert last.template == "no price of <*> in shop was found"
    first_told = next(each for each in found.values() if each.anomaly.id == last.id)
    assert first_told.first_seen_ms == BASE_MS


@pytest.mark.anyio
async def test_after_a_restart_nothing_is_known_twice(settings: Settings, store: Store) -> None:
    engine = Engine(settings, store, ignore)
    for first in range(0, 12, 3):
        write(settings, lines(first, NAMES[first : first + 3]))
        await read_to_end(engine)
        await judge(engine, END_OF_TIME_MS, tells=False)
    before = engine.anomalies.baselines.load().errors
    again = Engine(settings, store, ignore)
    assert groups(again) == groups(engine)
    assert again.anomalies.baselines.load().errors == before
    write(settings, lines(12, [NAMES[0]]))
    await read_to_end(again)
    assert list(groups(again).values()) == [13]


@pytest.mark.anyio
async def test_a_commit_that_fails_teaches_nothing(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(settings, store, ignore)
    write(settings, lines(0, NAMES[:2]))
    await read_to_end(engine)
    before = engine.telemetry.templates.grouping.book()
    write(settings, lines(2, NAMES[2:]))
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise StoreFullError("the disk is full")

        patch.setattr(TelemetryRecords, "put_totals", full)
        with pytest.raises(StoreFullError):
            await engine.feed()
    assert engine.telemetry.templates.grouping.book() == before
    assert len(groups(engine)) == 2
    await read_to_end(engine)
    assert len(groups(engine)) == 1


@pytest.mark.anyio
async def test_an_error_of_both_sides_of_a_comparison_is_not_new_in_other_words(tmp_path: Path) -> None:
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    old.write_text(lines(0, NAMES[:8]))
    new.write_text(lines(0, NAMES[8:]))
    assert (await compare(old, new, Settings())).anomalies == ()
    new.write_text(lines(0, NAMES[8:]).replace("KeyError", "ValueError"))
    (found,) = (await compare(old, new, Settings())).anomalies
    assert isinstance(found, ErrorAnomaly)
    assert (found.kind, found.template) == ("new", "no price of <*> in shop was found")


@pytest.mark.anyio
async def test_a_deployment_does_not_split_a_group_and_another_place_does(tmp_path: Path) -> None:
    old, new = tmp_path / "old.log", tmp_path / "new.log"
    old.write_text(lines(0, NAMES[:8], frame="    at price (/srv/r41/shop.3fa9c1d2.mjs:10:1)"))
    new.write_text(lines(0, NAMES[:8], frame="    at price (/srv/r42/shop.b07d55aa.mjs:12:7)"))
    settings = Settings(detect=Detect(min_samples=5))
    assert (await compare(old, new, settings)).anomalies == ()
    new.write_text(lines(0, NAMES[:8], frame="    at refund (/srv/r42/shop.b07d55aa.mjs:12:7)"))
    (found,) = (await compare(old, new, settings)).anomalies
    assert isinstance(found, ErrorAnomaly)
    assert found.frame == "refund (/srv/r42/shop.b07d55aa.mjs:12:7)"
