"""What a diagnosis that is made anew looks at."""

from __future__ import annotations

import pytest

from config.settings import Settings
from daemon.cycle import judge
from daemon.engine import Engine
from daemon.once import END_OF_TIME_MS
from daemon.rediagnose import read_stored
from daemon.store import Store
from tests.daemon.test_detection_cycles import WINDOW_MS, commit, window
from tests.daemon.test_engine import ignore, settings, store

__all__ = ["settings", "store"]


@pytest.mark.anyio
async def test_it_looks_at_the_windows_judged_last_however_few_come_at_once(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(settings, store, ignore)
    commit(engine, *map(window, range(100)))
    await judge(engine, END_OF_TIME_MS)
    monkeypatch.setattr("daemon.telemetry_records.MAX_DOCUMENTS", 7)
    monkeypatch.setattr("handlers.diagnosis.latest_windows.MAX_STATISTICS", 12)
    with store.snapshot():
        stored = read_stored(settings, store, engine.telemetry, engine.anomalies, frozenset())
    assert max(stored.metrics.windows) == 99 * WINDOW_MS
