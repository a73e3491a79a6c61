"""How far behind the reader is: bytes, and an upper bound of the age of the oldest unread one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import time_machine

from config.settings import Settings
from daemon.cli.ledger import ledger_of
from daemon.cycle import read_to_end
from daemon.engine import Engine
from daemon.lag import Lag, Unread, lag_of, lag_of_all
from daemon.status_line import StatusLine
from daemon.store import Store
from handlers.stage import BeatReport

START = 1_795_363_200.0


@pytest.mark.parametrize(
    ("unread", "watermark_ms", "expected"),
    [
        pytest.param(Unread("s", 0, 0), 0, Lag(0, 0.0), id="nothing unread is no lag"),
        pytest.param(Unread("s", 5, 7_000), 0, Lag(5, 3.0), id="since all was read"),
        pytest.param(Unread("s", 5, 7_000), 9_000, Lag(5, 1.0), id="since the last event, if that is later"),
        pytest.param(Unread("s", 5, 9_000), 7_000, Lag(5, 1.0), id="since all was read, if that is later"),
        pytest.param(Unread("s", 5, 0), 0, Lag(5, None), id="unknown where neither is known"),
        pytest.param(Unread("s", 5, 0), 12_000, Lag(5, 0.0), id="an event of the future makes it 0"),
    ],
)
def test_the_lag_of_a_file(unread: Unread, watermark_ms: int, expected: Lag) -> None:
    assert lag_of(unread, watermark_ms, 10_000) == expected


def test_the_lag_of_all_is_the_sum_and_the_oldest() -> None:
    assert lag_of_all([Lag(5, 3.0), Lag(7, 9.0), Lag(0, 0.0), Lag(1, None)]) == Lag(13, 9.0)
    assert lag_of_all([Lag(1, None)]) == Lag(1, None)
    assert lag_of_all([]) == Lag(0, 0.0)


def ignore(_report: BeatReport) -> None:
    pass


def line(second: float) -> bytes:
    return json.dumps({"timestamp": START + second, "event": "e", "handler": "h", "duration": 5}).encode()


@pytest.mark.anyio
async def test_a_burst_into_a_quiet_log_is_as_old_as_the_last_look_not_as_the_last_event(
    tmp_path: Path,
) -> None:
    settings = Settings()
    logs = settings.logs.model_copy(update={"directories": (tmp_path / "logs",)})
    ingest = settings.ingest.model_copy(update={"batch_bytes": 65_536})
    settings = settings.model_copy(update={"logs": logs, "ingest": ingest})
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "app.jsonl"
    with (
        time_machine.travel(START + 10, tick=False) as clock,
        Store.open(tmp_path / "store.db", max_bytes=1 << 28) as store,
    ):
        engine = Engine(settings, store, ignore)
        log.write_bytes(line(1) + b"\n")
        await read_to_end(engine)
        assert "lag 0 B" in StatusLine().text(await engine.status(), caught_up=True)
        clock.move_to(START + 3600)  # an hour without a line, but not without a look
        await engine.feed()
        clock.move_to(START + 3605)
        with log.open("ab") as file:
            file.write((line(2) + b"\n") * 10_000)
        await engine.feed()
        unread = log.stat().st_size - engine.telemetry.sources()[0].checkpoint.offset
        assert unread > 65_536
        status = StatusLine().text(await engine.status(), caught_up=False)
        assert status.startswith("catching up: ")
        assert f"lag {unread:,} B (5.0 s)" in status
        [ledger] = ledger_of(
            engine.telemetry.sources(), engine.telemetry.watermarks_ms(), round((START + 3607) * 1000)
        )
        assert (ledger.unread_bytes, ledger.lag_s) == (unread, 7.0)
        await read_to_end(engine)
        assert "lag 0 B" in StatusLine().text(await engine.status(), caught_up=True)
