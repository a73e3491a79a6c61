"""Limits by the path of the log file: of all that such a file tells of, and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import DetectOf, Settings
from daemon.backtest import backtest
from daemon.compare import compare
from daemon.cycle import judge, read_to_end
from daemon.engine import Engine
from daemon.once import END_OF_TIME_MS
from daemon.store import Store
from handlers.anomaly.case import replayed
from tests.daemon.cli.conftest import Cli, cli, folder
from tests.daemon.test_backtest import no_codebase
from tests.daemon.test_engine import ignore, settings, store

__all__ = ["cli", "folder", "settings", "store"]
BEGIN = datetime(2026, 11, 22, 16, tzinfo=UTC)
MILD: Mapping[str, Any] = {"detect_of_source": {"legacy/*": DetectOf(over_expected=4.0, error_min_count=99)}}
BOTH = {("new", "pay"), ("new", "ship"), ("slow", "pay"), ("slow", "ship")}
SHOP_ALONE = {("new", "ship"), ("slow", "ship")}


def lines(name: str, *, faulty: bool) -> Iterator[str]:
    """Ten minutes of one handler; a faulty one takes three times as long and fails at times."""
    for number in range(300):
        at = BEGIN + timedelta(minutes=10 * faulty, seconds=2 * number)
        beat = {"timestamp": at.isoformat(), "event": f"{name}:go", "sequence": name}
        if faulty and number % 10 == 0:
            yield json.dumps({**beat, "error": "ValueError: no room"})
        else:
            yield json.dumps({**beat, "duration": (20 + number % 7) * (3 if faulty else 1)})


def write(logs: Path, *, faulty: bool) -> None:
    for path, name in (("legacy/app.log", "pay"), ("shop.log", "ship")):
        (logs / path).parent.mkdir(parents=True, exist_ok=True)
        with (logs / path).open("a") as file:
            file.writelines(f"{line}\n" for line in lines(name, faulty=faulty))


async def lived(settings: Settings, store: Store) -> Engine:
    """A daemon that judged the healthy part, was restarted, and judged the faulty one."""
    for faulty in (False, True):
        write(settings.logs.directories[0], faulty=faulty)
        engine = Engine(settings, store, ignore)
        await read_to_end(engine, at_end=True)
        await judge(engine, END_OF_TIME_MS, tells=False)
    return engine


def told(engine: Engine) -> set[tuple[str, str]]:
    return {(each.anomaly.kind, each.anomaly.sequence) for each in engine.anomalies.incidents()}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param({}, BOTH, id="without"),
        pytest.param(MILD, SHOP_ALONE, id="by source"),
        pytest.param(
            {"detect_of": {"pay:*": DetectOf(over_expected=0.6, error_min_count=1)}, **MILD},
            BOTH,
            id="a subject goes before its source",
        ),
    ],
)
async def test_they_hold_for_what_the_file_tells_of(
    settings: Settings, store: Store, limits: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert told(await lived(settings.model_copy(update=limits), store)) == expected


@pytest.mark.anyio
async def test_a_verdict_under_them_is_made_again_from_its_case(settings: Settings, store: Store) -> None:
    limits = {"detect_of_source": {"legacy/*": DetectOf(min_samples=20), "*.log": DetectOf(confidence=0.95)}}
    engine = await lived(settings.model_copy(update=limits), store)
    for incident in engine.anomalies.incidents():
        stored = engine.anomalies.find_case(incident.anomaly.id)
        assert stored is not None
        assert replayed(stored.case) == incident.anomaly
        paths = {Path(path).name for path in stored.case.told_by}
        assert paths == {"app.log" if incident.anomaly.sequence == "pay" else "shop.log"}


@pytest.mark.anyio
async def test_a_backtest_and_a_comparison_judge_by_them(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    await lived(settings, store)
    milder = settings.model_copy(update=dict(MILD))
    found = await backtest(settings, milder, no_codebase, budget_s=600)
    assert {(each.anomaly.kind, each.anomaly.sequence) for each in found.vanish} == BOTH - SHOP_ALONE
    write(tmp_path / "old", faulty=False)
    write(tmp_path / "new", faulty=True)
    compared = await compare(tmp_path / "old", tmp_path / "new", milder)
    assert {(each.kind, each.sequence) for each in compared.anomalies} == SHOP_ALONE


@pytest.mark.anyio
async def test_an_explanation_names_the_glob(
    settings: Settings, store: Store, cli: Cli, folder: Path
) -> None:
    engine = await lived(settings, store)
    slow = next(each for each in engine.anomalies.incidents() if each.anomaly.sequence == "pay")
    text = 'detect_of_source:\n  "legacy/*": {min_samples: 12}\n'
    (folder / "selfheald.yaml").write_text(text)
    result = cli("explain", slow.anomaly.id, "--store", settings.store.path, "--format", "json")
    used = {each["key"]: each for each in result.json()["explanation"]["settings"]}
    assert used["detect.min_samples"]["now"] == 12
    assert used["detect.min_samples"]["origin"] == "selfheald.yaml:1, detect_of_source legacy/*"


@pytest.mark.anyio
async def test_of_dated_logs_only_the_newest_are_remembered(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that follows a log a day for years holds no more than after some weeks."""
    monkeypatch.setattr("daemon.ledger.GONE_KEPT", 2)
    engine, logs = Engine(settings, store, ignore), settings.logs.directories[0]
    for day in range(8):
        path = logs / f"app-2026-11-{day + 1:02}.log"
        open_run = json.dumps({"timestamp": BEGIN.isoformat(), "kind": "run-started", "requestId": "r"})
        path.write_text("".join(f"{line}\n" for line in (*lines(f"h{day}", faulty=False), open_run)))
        await read_to_end(engine)
        path.unlink()
        await read_to_end(engine)
    assert 0 < len(store.table("open_runs")) <= 3
    remembered = {logs / f"app-2026-11-{day:02}.log" for day in (6, 7, 8)}  # the last one has just gone
    assert {*map(Path, engine.telemetry.tellers.told_by())} <= remembered
    assert {*map(Path, engine.telemetry.streams())} <= remembered
    assert {*map(Path, engine.reader.read_at)} <= remembered
    assert engine.telemetry.totals().lines == 8 * 301
    again = Engine(settings, store, ignore)
    (logs / "app-2026-12-01.log").write_text("".join(f"{line}\n" for line in lines("h0", faulty=True)))
    await read_to_end(again)
    assert again.telemetry.totals().lines == 8 * 301 + 300
    assert len({*again.telemetry.streams()}) == len(again.telemetry.watermarks_ms())


@pytest.mark.anyio
async def test_a_log_may_be_forgotten_while_a_stack_trace_in_it_waits_for_more(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.ledger.GONE_KEPT", 1)
    monkeypatch.setattr("daemon.log_reader.STACK_QUIET_S", 1e9)
    logs = settings.logs.directories[0]
    engine = Engine(settings, store, ignore)
    failed = "2026-11-22T16:00:00.000Z 🧠 PluginManager: Handler execution failed for P.h: Error: no room\n"
    for name in ("a.log", "b.log", "c.log"):
        (logs / name).write_text(failed)
    await read_to_end(engine)
    for name in ("a.log", "b.log", "c.log"):
        (logs / name).unlink()
    for _ in range(4):
        await read_to_end(engine)
    assert len(engine.telemetry.streams()) == 1


@pytest.mark.anyio
async def test_logs_that_are_forgotten_tell_of_nothing_any_more(settings: Settings, store: Store) -> None:
    engine = await lived(settings, store)
    tellers = engine.telemetry.tellers
    assert {Path(path).name: names for path, names in tellers.told_by().items()} == {
        "app.log": {"pay", "pay/pay:go"},
        "shop.log": {"ship", "ship/ship:go"},
    }
    with store.transaction():
        tellers.keep([str(settings.logs.directories[0] / "shop.log")])
    tellers.reload()
    assert [Path(path).name for path in tellers.told_by()] == ["shop.log"]
