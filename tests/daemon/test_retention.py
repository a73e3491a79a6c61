"""What the retention settings do to what is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Settings
from daemon.clock import now_ms
from daemon.cycle import judge
from daemon.database import StoreFullError
from daemon.engine import Engine
from daemon.once import END_OF_TIME_MS
from daemon.store import Store
from handlers.model import BeatStats
from tests.daemon.test_detection_cycles import WINDOW_MS, commit, window
from tests.daemon.test_engine import all_windows, ignore, settings, store
from tests.handlers.anomaly.builders import BEAT

__all__ = ["settings", "store"]
pytestmark = pytest.mark.anyio


def executions(engine: Engine) -> int:
    history = engine.tiers.history(("beat", BEAT), 0, END_OF_TIME_MS, WINDOW_MS)
    return sum(each.completed for each in history.values() if isinstance(each, BeatStats))


async def test_windows_that_were_judged_age_into_hours(settings: Settings, store: Store) -> None:
    engine = Engine(settings, store, ignore)
    commit(engine, *map(window, range(30)))
    await judge(engine, 20 * WINDOW_MS)
    assert await engine.forget_old() > 0
    assert sorted(all_windows(engine).windows) == [number * WINDOW_MS for number in range(20, 30)]
    await judge(engine, END_OF_TIME_MS)
    await engine.forget_old()
    assert all_windows(engine).windows == {}
    assert executions(engine) == 0  # of 1970: days are kept for a year


async def test_young_windows_stay(settings: Settings, store: Store) -> None:
    engine = Engine(settings, store, ignore)
    first = now_ms() // WINDOW_MS - 100
    commit(engine, *map(window, range(first, first + 30)))
    await judge(engine, END_OF_TIME_MS)
    assert await engine.forget_old() == 0
    assert len(all_windows(engine).windows) == 30


@pytest.mark.parametrize("judged", [True, False], ids=["some were judged", "none could be judged"])
async def test_a_full_store_makes_room_by_rolling_up_the_oldest_windows_before_their_time(
    settings: Settings, tmp_path: Path, judged: bool
) -> None:
    with Store.open(tmp_path / "small.db", max_bytes=1 << 20) as small:
        engine = Engine(settings, small, ignore)
        first = written = now_ms() // WINDOW_MS - 8_000
        is_full = False
        while not is_full:
            try:
                commit(engine, *map(window, range(written, written + 20)))
            except StoreFullError:
                is_full = True
            else:
                written += 20
            if judged and written == first + 20:
                await judge(engine, END_OF_TIME_MS)
        assert await engine.forget_old() == 0
        while is_full:
            assert await engine.forget_old(make_room=True) > 0
            try:
                commit(engine, window(written, executions=1))
            except StoreFullError:
                continue
            is_full = False
        kept = len(all_windows(engine).windows)
        assert (written - first) // 2 < kept < written - first
        assert executions(engine) == 4 * (written - first) + 1
