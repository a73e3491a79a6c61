"""The engine and time: zones and formats of single files, lateness, and what waits for lines in vain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from daemon.cycle import judge, read_to_end
from daemon.engine import Engine
from daemon.store import Store
from handlers.model import ErrorStats
from tests.daemon.test_engine import all_windows, errors, executions, ignore, settings, store
from tests.handlers.formats.test_more_formats import request, span

__all__ = ["settings", "store"]
pytestmark = pytest.mark.anyio
AT_MS = 1_795_348_800_000
"""2026-11-22T12:00:00Z."""


def changed(settings: Settings, section: str, **values: Any) -> Settings:
    return settings.model_copy(update={section: getattr(settings, section).model_copy(update=values)})


def folder_of(settings: Settings) -> Path:
    return settings.logs.directories[0]


def line(time: object, event: str = "e") -> str:
    return json.dumps({"timestamp": time, "event": event, "handler": "h", "duration": 5}) + "\n"


def append(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(text)


def starts_ms(engine: Engine) -> list[int]:
    return sorted(all_windows(engine).windows)


async def test_a_file_has_the_zone_of_its_glob_and_a_reload_changes_that_of_new_lines(
    settings: Settings, store: Store
) -> None:
    berlin = changed(settings, "ingest", timezone_of={"legacy/*": "Europe/Berlin"})
    append(folder_of(settings) / "app.log", line("2026-11-22 12:00:00", "utc"))
    log = folder_of(settings) / "legacy/app.log"
    append(log, line("2026-11-22 12:00:00", "berlin"))
    engine = Engine(berlin, store, ignore)
    await read_to_end(engine)
    windows = all_windows(engine).windows
    assert {start: [event for _, event in window.beats] for start, window in windows.items()} == {
        AT_MS: ["utc"],
        AT_MS - 3_600_000: ["berlin"],
    }
    await engine.adopt(changed(settings, "ingest", timezone_of={"legacy/*": "Asia/Tokyo"}))
    append(log, line("2026-11-22 12:00:00", "tokyo"))
    await read_to_end(engine)
    assert starts_ms(engine) == [AT_MS - 9 * 3_600_000, AT_MS - 3_600_000, AT_MS]


async def test_a_rotated_file_keeps_the_zone_of_the_file_that_it_was(
    settings: Settings, store: Store
) -> None:
    zoned = changed(settings, "ingest", timezone_of={"app.log": "Europe/Berlin"})
    log = folder_of(settings) / "app.log"
    append(log, line("2026-11-22 12:00:00"))
    engine = Engine(zoned, store, ignore)
    await read_to_end(engine)
    append(log, line("2026-11-22 12:00:01"))
    log.rename(folder_of(settings) / "app.log.1")
    append(log, line("2026-11-22 12:00:02"))
    await read_to_end(engine)
    assert starts_ms(engine) == [AT_MS - 3_600_000]
    assert executions(all_windows(engine)) == 3


async def test_the_format_of_a_single_file_can_be_named_and_changed_while_it_is_read(
    settings: Settings, store: Store
) -> None:
    log = folder_of(settings) / "odd.log"
    text = "ts=2026-11-22T12:00:00Z event=e handler=h duration=5\n"
    append(log, line("2026-11-22T12:00:00Z") + text)
    append(folder_of(settings) / "app.log", line("2026-11-22T12:00:00Z"))
    engine = Engine(changed(settings, "logs", format_of={"odd.*": "logfmt"}), store, ignore)
    await read_to_end(engine)
    formats = {Path(each.checkpoint.path).name: each.format for each in engine.telemetry.sources()}
    assert formats == {"odd.log": "logfmt", "app.log": "jsonl"}
    assert executions(all_windows(engine)) == 2
    await engine.adopt(changed(settings, "logs", format_of={"odd.*": "jsonl"}))
    append(log, line("2026-11-22T12:00:00Z"))
    await read_to_end(engine)
    assert executions(all_windows(engine)) == 3


async def test_a_late_event_counts_in_its_own_window_until_that_is_judged_and_is_told_after_it(
    settings: Settings, store: Store
) -> None:
    log = folder_of(settings) / "app.log"
    engine = Engine(settings, store, ignore)
    window_ms = settings.ingest.window_s * 1000
    append(log, line((AT_MS + window_ms - 1) / 1000) + line((AT_MS + window_ms + 1_500) / 1000))
    await read_to_end(engine)
    lateness_ms = round(settings.ingest.allowed_lateness_s * 1000)
    # What the daemon judges when the event time of the newest line is now.
    await judge(engine, AT_MS + window_ms + 1_500 - lateness_ms)
    append(log, line((AT_MS + 10) / 1000))
    assert await read_to_end(engine) == []
    assert engine.telemetry.totals().late == 0
    assert {start: executions_in(engine, start) for start in starts_ms(engine)} == {
        AT_MS: 2,
        AT_MS + window_ms: 1,
    }
    await judge(engine, AT_MS + window_ms + lateness_ms)
    append(log, line((AT_MS + 20) / 1000))
    [problem] = await read_to_end(engine)
    assert "more than ingest.allowed_lateness_s after their window had ended" in problem
    assert engine.telemetry.totals().late == 1
    assert executions_in(engine, AT_MS) == 3
    append(log, line((AT_MS + window_ms + 1_600) / 1000))
    assert await read_to_end(engine) == []


def executions_in(engine: Engine, start_ms: int) -> int:
    return sum(beat.completed for beat in all_windows(engine).windows[start_ms].beats.values())


async def test_a_late_error_without_a_beat_is_counted_too(settings: Settings, store: Store) -> None:
    log = folder_of(settings) / "app.log"
    record = "2026-11-22 12:00:0{} ERROR app: E: m\n2026-11-22 12:00:0{} INFO app: on\n"
    append(log, record.format(1, 1))
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    await judge(engine, AT_MS + 60_000)
    append(log, record.format(2, 2))
    assert len(await read_to_end(engine)) == 1
    assert engine.telemetry.totals().late == 1


def only_error(engine: Engine) -> tuple[str, str, ErrorStats]:
    [(key, stats)] = [
        pair for window in all_windows(engine).windows.values() for pair in window.errors.items()
    ]
    return key[2], key[3], stats


TRACEBACK = (
    "2026-11-22 12:00:01,000 ERROR app: could not add\n"
    "Traceback (most recent call last):\n"
    '  File "/srv/app/cart.py", line 10, in add\n'
    "    items[5]\n"
)


@pytest.mark.parametrize(
    ("text", "kind", "template"),
    [
        pytest.param(TRACEBACK + "KeyError: 'x'\n", "KeyError", "'x'", id="whole"),
        pytest.param(TRACEBACK, "Error", "could not add", id="torn: its exception never came"),
    ],
)
async def test_a_python_traceback_that_silence_ends_has_its_type(
    text: str, kind: str, template: str, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(folder_of(settings) / "app.log", text)
    append(folder_of(settings) / "beats.log", line(AT_MS / 1000))
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    assert errors(engine) == 0
    await judge(engine, AT_MS + 60_000)
    monkeypatch.setattr("daemon.log_reader.STACK_QUIET_S", -1.0)
    assert await read_to_end(engine) == []  # it is selfheald that waited: nobody is told to be late
    assert engine.telemetry.totals().late == 1
    error_type, error_template, stats = only_error(engine)
    assert (error_type, error_template, stats.count) == (kind, template, 1)
    assert stats.frame.startswith('File "/srv/app/cart.py", line 10')
    await read_to_end(engine)
    assert errors(engine) == 1


async def test_what_waited_for_lines_before_a_restart_is_told_by_a_run_that_reads_to_the_end(
    settings: Settings, store: Store
) -> None:
    append(folder_of(settings) / "app.log", TRACEBACK + "KeyError: 'x'\n")
    await read_to_end(Engine(settings, store, ignore))
    engine = Engine(settings, store, ignore)
    await read_to_end(engine, at_end=True)
    assert only_error(engine)[0] == "KeyError"


async def test_an_error_whose_format_is_declared_no_more_is_told_all_the_same(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(folder_of(settings) / "app.log", TRACEBACK + "KeyError: 'x'\n")
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    monkeypatch.setattr("daemon.log_reader.STACK_QUIET_S", -1.0)
    monkeypatch.setattr("daemon.log_reader.log_formats", lambda _: {})
    await read_to_end(engine)
    assert only_error(engine)[0] == "KeyError"


ORPHAN = request(span("t", "r", "pay", 0, 5)) + "\n"


async def test_spans_whose_root_never_comes_are_told_when_their_file_stays_silent(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(folder_of(settings) / "spans.json", ORPHAN)
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    await read_to_end(engine)
    assert executions(all_windows(engine)) == 0
    monkeypatch.setattr("daemon.log_reader.TRACE_QUIET_S", -1.0)
    await read_to_end(engine)
    assert executions(all_windows(engine)) == 1
    await read_to_end(engine)
    assert executions(all_windows(Engine(settings, store, ignore))) == 1


async def test_after_a_restart_spans_wait_for_their_root_again(settings: Settings, store: Store) -> None:
    log = folder_of(settings) / "spans.json"
    append(log, ORPHAN)
    await read_to_end(Engine(settings, store, ignore))
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    append(log, request(span("t", "", "checkout", 0, 9)) + "\n")
    await read_to_end(engine)
    assert {key for window in all_windows(engine).windows.values() for key in window.beats} == {
        ("checkout", "checkout"),
        ("checkout", "pay"),
    }


async def test_spans_that_wait_while_their_file_is_rotated_away_find_their_root(
    settings: Settings, store: Store
) -> None:
    log = folder_of(settings) / "spans.json"
    append(log, ORPHAN)
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    log.rename(folder_of(settings) / "spans.json.1")
    append(log, request(span("t", "", "checkout", 0, 9)) + "\n")
    await read_to_end(engine)
    assert executions(all_windows(engine)) == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("forced", ["auto", "jsonl"])
async def test_a_file_in_utf_16_is_told_and_nothing_of_it_is_read(
    encoding: str, forced: str, settings: Settings, store: Store
) -> None:
    (folder_of(settings) / "app.log").write_bytes(line("2026-11-22T12:00:00Z", "ä").encode(encoding))
    engine = Engine(changed(settings, "logs", format=forced), store, ignore)
    [problem] = await read_to_end(engine)
    assert "UTF-16 is not read; convert it" in problem
    assert engine.telemetry.totals().lines == 0


async def test_the_hour_that_comes_twice_is_told_apart_over_batches_and_restarts(
    settings: Settings, store: Store
) -> None:
    berlin = changed(settings, "ingest", timezone="Europe/Berlin")
    log = folder_of(settings) / "app.log"
    for text in ("2026-10-25 02:59:50", "2026-10-25 02:00:00", "2026-10-25 02:30:00"):
        append(log, line(text))
        await read_to_end(Engine(berlin, store, ignore))
    midnight_ms = 1_792_886_400_000
    passed_s = [(start - midnight_ms) // 1000 for start in starts_ms(Engine(berlin, store, ignore))]
    assert passed_s == [3590, 3600, 5400]
