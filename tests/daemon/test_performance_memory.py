"""What is known of rates, tails and drifts is stored with the windows that it was learned from."""

from __future__ import annotations

from pathlib import Path

import pytest
import time_machine

from config.settings import Settings
from daemon.clock import now_ms
from daemon.cycle import judge, read_to_end
from daemon.engine import Engine
from daemon.once import END_OF_TIME_MS
from daemon.store import Store
from handlers.anomaly.activity import unit_key
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.settle import take_as_normal
from handlers.model import PerformanceAnomaly
from handlers.stage import BeatReport

START_S = 1_795_363_880
STOPS_S = 2_400
LOG_S = 3_300
NOW_S = 1_795_435_200


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    defaults = Settings()
    (tmp_path / "logs").mkdir()
    return defaults.model_copy(
        update={
            "logs": defaults.logs.model_copy(update={"directories": (tmp_path / "logs",)}),
            "store": defaults.store.model_copy(update={"path": tmp_path / "store.db"}),
        }
    )


def write_log(settings: Settings, from_s: int, until_s: int) -> None:
    """Four sequences every six seconds; "seq-0" stops."""
    lines = [
        f'{{"timestamp": {START_S + second}, "event": "e{number}", "sequence": "seq-{number}", '
        f'"requestId": "r-{second}-{number}", "duration": 20}}\n'
        for second in range(from_s, until_s, 6)
        for number in range(4)
        if number or second < STOPS_S
    ]
    with (settings.logs.directories[0] / "app.jsonl").open("a") as file:
        file.writelines(lines)


def ignore(_report: BeatReport) -> None:
    pass


async def judged(settings: Settings, until_ms: int) -> tuple[list[str], Baseline]:
    """A daemon that reads and judges what there is, and ends: the kinds that stand, and what it stored."""
    with Store.open(settings.store.path, max_bytes=settings.store.max_bytes) as store:
        engine = Engine(settings, store, ignore)
        await read_to_end(engine)
        await judge(engine, until_ms, tells=False)
        standing = [each.anomaly for each in engine.anomalies.incidents() if each.is_open]
        kinds = [each.kind for each in standing if isinstance(each, PerformanceAnomaly)]
        return kinds, engine.anomalies.baselines.load()


@pytest.mark.anyio
async def test_a_silence_that_spans_a_restart_is_told_as_in_one_piece(settings: Settings) -> None:
    write_log(settings, 0, STOPS_S + 60)
    assert (await judged(settings, (START_S + STOPS_S) * 1000))[0] == []
    write_log(settings, STOPS_S + 60, LOG_S)
    kinds, in_two = await judged(settings, END_OF_TIME_MS)
    assert kinds == ["silent"]
    settings.store.path.unlink()
    kinds, at_once = await judged(settings, END_OF_TIME_MS)
    assert kinds == ["silent"]
    assert in_two.performance == at_once.performance


@pytest.mark.anyio
async def test_what_is_accepted_is_learned_anew(settings: Settings) -> None:
    write_log(settings, 0, LOG_S)
    with Store.open(settings.store.path, max_bytes=settings.store.max_bytes) as store:
        engine = Engine(settings, store, ignore)
        await read_to_end(engine)
        await judge(engine, END_OF_TIME_MS, tells=False)
        (silent,) = (each.anomaly for each in engine.anomalies.incidents() if each.anomaly.kind == "silent")
        known = engine.anomalies.baselines.load()
        assert unit_key("seq-0", "") in known.performance.activity.units
        engine.anomalies.baselines.put(take_as_normal(known, silent))
        after = engine.anomalies.baselines.load().performance
        assert set(after.activity.units) == {unit_key(f"seq-{number}", "") for number in (1, 2, 3)}
        assert after.beats.keys() == known.performance.beats.keys()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("age_s", "live"), [pytest.param(5, True, id="now"), pytest.param(86_400, False, id="yesterday")]
)
async def test_only_logs_that_are_followed_live_can_all_be_silent(
    settings: Settings, age_s: int, live: bool
) -> None:
    line = f'{{"timestamp": {NOW_S - age_s}, "event": "e", "sequence": "s", "duration": 20}}\n'
    (settings.logs.directories[0] / "app.jsonl").write_text(line)
    now = time_machine.travel(NOW_S, tick=False)
    with now, Store.open(settings.store.path, max_bytes=settings.store.max_bytes) as store:
        engine = Engine(settings, store, ignore)
        await read_to_end(engine)
        await judge(engine, now_ms(), tells=False)
        assert bool((await engine.judge.load_telemetry("")).observed_until_ms) is live
