"""Windows in which lines were lost are marked, and are no evidence for or against anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from daemon.compare import read_logs
from daemon.cycle import judge, read_to_end
from daemon.engine import Engine
from daemon.judge import WINDOWS_A_DETECTION
from daemon.once import END_OF_TIME_MS
from daemon.store import Store
from daemon.tiers import Horizons
from handlers.stage import BeatReport
from handlers.templates import Grouping

START = 1_795_363_000
GARBLED = b"\x01" + b"\0" * 40 + b"\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings()
    (tmp_path / "logs").mkdir()
    logs = {"directories": (tmp_path / "logs",), "max_line_bytes": 1024}
    return settings.model_copy(
        update={
            "logs": settings.logs.model_copy(update=logs),
            "detect": settings.detect.model_copy(update={"hold_s": 60}),
            "store": settings.store.model_copy(update={"path": tmp_path / "store.db"}),
        }
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store.open(settings.store.path, max_bytes=1 << 28) as opened:
        yield opened


def ignore(_report: BeatReport) -> None:
    pass


def line(second: int, duration: int = 20) -> bytes:
    fields = {"timestamp": START + second, "event": "e", "handler": "h", "duration": duration + second % 5}
    return json.dumps(fields).encode() + b"\n"


def log_of(settings: Settings) -> Path:
    return settings.logs.directories[0] / "app.jsonl"


def append(settings: Settings, *lines: bytes) -> None:
    with log_of(settings).open("ab") as file:
        file.write(b"".join(lines))


def marked(engine: Engine) -> list[int]:
    """Seconds after the start at which marked windows begin."""
    return [
        second // 1000 - START
        for first, until in engine.telemetry.lossy.marked()
        for second in range(first, until, 10_000)
    ]


def cut(settings: Settings) -> None:
    append(settings, line(14), b"x" * 2000 + b"\n", line(27))


def garbled(settings: Settings) -> None:
    append(settings, line(14), b"\x00\x01 torn" + GARBLED, line(27))


@pytest.mark.anyio
@pytest.mark.parametrize("lose", [cut, garbled])
async def test_a_line_that_is_lost_marks_the_windows_around_it(
    settings: Settings, store: Store, lose: Callable[[Settings], None]
) -> None:
    engine = Engine(settings, store, ignore)
    append(settings, line(1))
    lose(settings)
    append(settings, line(55))
    await read_to_end(engine)
    assert marked(engine) == [10, 20]
    windows = engine.telemetry.windows(0, END_OF_TIME_MS, 100).windows
    assert [window.lossy for window in windows.values()] == [False, True, True, False]


@pytest.mark.anyio
async def test_bytes_that_are_gone_before_they_were_read_mark_up_to_the_next_event_of_their_log(
    settings: Settings, store: Store
) -> None:
    engine = Engine(settings, store, ignore)
    append(settings, line(14))
    await read_to_end(engine)
    append(settings, line(16), line(17))
    engine.tail.scan()
    log_of(settings).write_bytes(line(38))  # truncated and written anew, as copytruncate does
    await read_to_end(engine)
    assert engine.telemetry.sources()[0].checkpoint.bytes_lost > 0
    assert marked(engine) == [10, 20, 30]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param("Müller angemeldet".encode("latin-1") + b"\n", id="a line in Latin-1"),
        pytest.param(line(15).replace(b'"h"', b'"caf\xe9"'), id="one undecodable byte in a line of ours"),
        pytest.param(b"\x1b[31mred\x1b[0m\n", id="a coloured line"),
        pytest.param(b'{"event": \n', id="a line of ours that is broken, but text"),
    ],
)
async def test_a_line_that_is_text_is_no_loss_whatever_is_in_it(
    settings: Settings, store: Store, harmless: bytes
) -> None:
    engine = Engine(settings, store, ignore)
    append(settings, line(14), harmless, line(27))
    await read_to_end(engine)
    assert marked(engine) == []


async def healthy_then(
    engine: Engine, settings: Settings, second: Callable[[int], bytes], seconds: int
) -> None:
    for first, until, make in ((0, 100, line), (100, 100 + seconds, second)):
        append(settings, *(make(number) for number in range(first, until)))
        await read_to_end(engine)
        await judge(engine, END_OF_TIME_MS)


def learned(engine: Engine) -> int:
    baseline = engine.anomalies.baselines.load()
    [beat] = baseline.beats.values()
    return beat.reference.completed + sum(recent.stats.completed for recent in beat.recent)


@pytest.mark.anyio
@pytest.mark.parametrize("lossy", [True, False], ids=["with loss", "without loss"])
async def test_on_windows_with_loss_no_anomaly_opens_and_nothing_is_learned(
    settings: Settings, store: Store, *, lossy: bool
) -> None:
    engine = Engine(settings, store, ignore)
    flaw = GARBLED if lossy else b""
    await healthy_then(engine, settings, lambda second: line(second, 80) + flaw, 100)
    assert len(engine.anomalies.incidents()) == (0 if lossy else 1)
    # The first loss reaches back to the last event before it, at second 100.
    assert learned(engine) == (100 if lossy else 200)
    assert engine.telemetry.totals().events == 200
    assert engine.telemetry.totals().judged_until_ms == (START + 200) * 1000


@pytest.mark.anyio
@pytest.mark.parametrize("lossy", [True, False], ids=["with loss", "without loss"])
async def test_on_windows_with_loss_no_anomaly_is_resolved(
    settings: Settings, store: Store, *, lossy: bool
) -> None:
    engine = Engine(settings, store, ignore)
    await healthy_then(engine, settings, lambda second: line(second, 80), 100)
    assert [each.state for each in engine.anomalies.incidents()] == ["open"]
    append(settings, *(line(second) + (GARBLED if lossy else b"") for second in range(200, 400)))
    await read_to_end(engine)
    await judge(engine, END_OF_TIME_MS)
    assert [each.state for each in engine.anomalies.incidents()] == ["open" if lossy else "resolved"]


@pytest.mark.anyio
async def test_time_with_loss_does_not_count_as_time_without_the_anomaly(
    settings: Settings, store: Store
) -> None:
    engine = Engine(settings, store, ignore)
    await healthy_then(engine, settings, lambda second: line(second, 80), 100)
    states = []
    for first, until, flaw in ((200, 240, b""), (240, 400, GARBLED), (400, 410, b""), (410, 450, b"")):
        append(settings, *(line(second) + flaw for second in range(first, until)))
        await read_to_end(engine)
        await judge(engine, END_OF_TIME_MS)
        states += [each.state for each in engine.anomalies.incidents()]
    assert states == ["open", "open", "open", "resolved"]


@pytest.mark.anyio
async def test_more_windows_with_loss_than_one_detection_takes_hold_nothing_up(
    settings: Settings, store: Store
) -> None:
    engine = Engine(settings, store, ignore)
    windows = WINDOWS_A_DETECTION + 40
    append(settings, *(line(10 * number) + GARBLED for number in range(windows)), line(10 * windows))
    append(settings, *(line(10 * (windows + 1) + number) for number in range(20)))
    await read_to_end(engine)
    await judge(engine, END_OF_TIME_MS)
    assert engine.telemetry.totals().judged_until_ms == (START + 10 * (windows + 3)) * 1000
    assert learned(engine) == 20


@pytest.mark.anyio
async def test_old_marks_go_with_their_windows(settings: Settings, store: Store) -> None:
    engine = Engine(settings, store, ignore)
    append(settings, line(14), GARBLED, line(27))
    await read_to_end(engine)
    horizon_ms = (START + 20) * 1000
    while engine.tiers.roll_up(Horizons(horizon_ms, 0, 0)):
        pass
    assert marked(engine) == [20]


@pytest.mark.anyio
async def test_a_comparison_leaves_them_out_and_says_so(settings: Settings) -> None:
    append(settings, line(1), line(14), GARBLED, line(27), line(55))
    side = await read_logs(log_of(settings), settings, Grouping())
    assert side.summary.executions == 2
    assert any("2 windows of 10 s are left out" in problem for problem in side.problems)
