"""The engine: what happens between a line in a file and a document in the store."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from config.settings import Detect, DetectOf, Settings
from daemon.cycle import judge, read_to_end
from daemon.database import StoreFullError
from daemon.engine import Engine
from daemon.once import END_OF_TIME_MS
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.anomaly.case import replayed
from handlers.model import TelemetryMetrics
from handlers.stage import BeatReport
from tests.daemon.stored_windows import stored_windows

DATA = Path(__file__).parents[1] / "data/conductor"


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


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store.open(settings.store.path, max_bytes=settings.store.max_bytes) as opened:
        yield opened


def write_log(settings: Settings, *names: str, name: str = "app.log") -> int:
    """Appends sample logs; the number of lines that they hold."""
    data = b"".join(gzip.decompress((DATA / each).read_bytes()) for each in names)
    with (settings.logs.directories[0] / name).open("ab") as file:
        file.write(data)
    return data.count(b"\n")


def executions(metrics: TelemetryMetrics) -> int:
    return sum(beat.completed for window in metrics.windows.values() for beat in window.beats.values())


def all_windows(engine: Engine) -> TelemetryMetrics:
    return stored_windows(engine.telemetry)


def ignore(_report: BeatReport) -> None:
    pass


@pytest.mark.anyio
async def test_a_commit_that_fails_stores_nothing_and_the_lines_are_read_again(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = write_log(settings, "healthy.log.gz")
    engine = Engine(settings, store, ignore)
    real = TelemetryRecords.put_totals
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise StoreFullError("the disk is full")

        patch.setattr(TelemetryRecords, "put_totals", full)
        with pytest.raises(StoreFullError):
            await engine.feed()
    assert TelemetryRecords.put_totals is real
    assert engine.telemetry.totals().lines == 0
    assert executions(all_windows(engine)) == 0
    await read_to_end(engine)
    assert engine.telemetry.totals().lines == lines
    assert executions(all_windows(engine)) == 1315


@pytest.mark.anyio
async def test_an_engine_that_starts_on_a_used_store_goes_on_in_the_middle_of_a_run(
    settings: Settings, store: Store
) -> None:
    data = gzip.decompress((DATA / "healthy.log.gz").read_bytes())
    log = settings.logs.directories[0] / "app.log"
    middle = data.index(b"\n", len(data) // 2) + 1
    log.write_bytes(data[:middle])
    await read_to_end(Engine(settings, store, ignore))
    with log.open("ab") as file:
        file.write(data[middle:])
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    windows = all_windows(engine)
    assert executions(windows) == 1315
    runs = [run for window in windows.windows.values() for run in window.runs.values()]
    assert sum(run.completed for run in runs) == 400
    assert sum(run.unfinished for run in runs) == 0


@pytest.mark.anyio
async def test_what_comes_for_a_judged_window_is_counted_and_judged_too(
    settings: Settings, store: Store
) -> None:
    write_log(settings, "healthy.log.gz")
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    await judge(engine, END_OF_TIME_MS)
    # The regressed phase begins in the ten seconds in which the healthy one ended.
    write_log(settings, "regressed.log.gz")
    await read_to_end(engine)
    assert engine.telemetry.totals().late > 0
    assert executions(all_windows(engine)) == 1315 + 1266
    await judge(engine, END_OF_TIME_MS)
    baseline = engine.anomalies.baselines.load()
    judged = 0
    for learned in baseline.beats.values():
        judged += learned.reference.completed + sum(each.stats.completed for each in learned.recent)
    assert judged == 1315 + 1266
    assert engine.telemetry.late_windows(END_OF_TIME_MS)[0] == {}


@pytest.mark.anyio
async def test_judging_in_two_steps_gives_the_verdicts_of_one(settings: Settings, tmp_path: Path) -> None:
    write_log(settings, "healthy.log.gz", "regressed.log.gz")
    verdicts = []
    for steps in ((END_OF_TIME_MS,), (1795363890000, 1795363900000, END_OF_TIME_MS)):
        with Store.open(tmp_path / f"{len(steps)}.db", max_bytes=1 << 28) as store:
            engine = Engine(settings, store, ignore)
            await read_to_end(engine)
            for until_ms in steps:
                await judge(engine, until_ms)
            verdicts.append(
                sorted(
                    (each.anomaly.id, each.anomaly.actual, each.anomaly.samples, each.first_seen_ms)
                    for each in engine.anomalies.incidents()
                )
            )
    assert verdicts[0] == verdicts[1]
    assert len(verdicts[0]) == 5


@pytest.mark.anyio
async def test_another_window_length_drops_the_old_windows_and_keeps_what_was_learned(
    settings: Settings, store: Store
) -> None:
    write_log(settings, "healthy.log.gz")
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    await judge(engine, END_OF_TIME_MS)
    ingest = settings.ingest.model_copy(update={"window_s": 60})
    changed = Engine(settings.model_copy(update={"ingest": ingest}), store, ignore)
    assert all_windows(changed).windows == {}
    assert changed.anomalies.baselines.load().beats != {}


@pytest.mark.anyio
async def test_a_file_of_an_unknown_format_is_told_and_read_once_it_is_known(
    settings: Settings, store: Store
) -> None:
    log = settings.logs.directories[0] / "app.jsonl"
    log.write_text("booting\n")
    engine = Engine(settings, store, ignore)
    assert any("no log format recognises it" in problem for problem in await read_to_end(engine))
    line = {"timestamp": "2026-11-22T10:00:00Z", "event": "cart:add", "handler": "add", "duration": 3}
    with log.open("a") as file:
        file.write(json.dumps(line) + "\n")
    assert await read_to_end(engine) == []
    totals = engine.telemetry.totals()
    assert (totals.lines, totals.events, totals.unreadable) == (2, 1, 1)


@pytest.mark.anyio
async def test_the_anomalies_of_a_fault_that_ends_are_resolved_and_keep_their_recommendations(
    settings: Settings, store: Store
) -> None:
    log = settings.logs.directories[0] / "app.jsonl"
    short_hold = settings.detect.model_copy(update={"hold_s": 20})
    engine = Engine(settings.model_copy(update={"detect": short_hold}), store, ignore)
    for second in range(300):
        slow = 100 <= second < 200
        line = {
            "timestamp": 1_795_363_000 + second,
            "event": "cart:add",
            "handler": "Cart.add",
            "duration": (60 if slow else 20) + second % 5,
        }
        with log.open("a") as file:
            file.write(json.dumps(line) + "\n")
        if second in {99, 199, 299}:
            await read_to_end(engine)
            await judge(engine, END_OF_TIME_MS)
            states = [each.state for each in engine.anomalies.incidents()]
            assert states == {99: [], 199: ["open"], 299: ["resolved"]}[second]
    assert engine.anomalies.recommendations() == []
    assert engine.anomalies.all_recommendations() != []


@pytest.mark.anyio
async def test_old_windows_and_long_resolved_anomalies_are_forgotten(
    settings: Settings, store: Store
) -> None:
    write_log(settings, "healthy.log.gz")
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    await judge(engine, END_OF_TIME_MS)
    kept = settings.retention.model_copy(update={"windows_h": 0.001})
    await engine.adopt(settings.model_copy(update={"retention": kept}))
    assert await engine.forget_old() > 0
    assert all_windows(engine).windows == {}


def last_words() -> bytes:
    """A log whose program died of an error: nothing follows its stack trace."""
    data = gzip.decompress((DATA / "regressed.log.gz").read_bytes())
    at = data.index(b"Handler execution failed")
    for _ in range(3):
        at = data.index(b"\n", at) + 1
    return data[:at]


def errors(engine: Engine) -> int:
    return sum(
        error.count for window in all_windows(engine).windows.values() for error in window.errors.values()
    )


@pytest.mark.anyio
async def test_an_error_that_is_the_last_thing_in_a_log_is_counted_once_when_the_log_stays_silent(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = settings.logs.directories[0] / "app.log"
    log.write_bytes(last_words())
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    assert errors(engine) == 0
    events = engine.telemetry.totals().events
    monkeypatch.setattr("daemon.log_reader.STACK_QUIET_S", 0.0)
    await engine.feed()
    assert errors(engine) == 1
    assert engine.telemetry.totals().events == events + 1
    await engine.feed()
    with log.open("ab") as file:
        file.write(b"2026-11-22T16:11:20.731Z \xf0\x9f\x95\x90 [EVENTBUS] more\n")
    await read_to_end(Engine(settings, store, ignore))
    assert errors(engine) == 1


def frames(engine: Engine) -> list[str]:
    return [
        error.frame for window in all_windows(engine).windows.values() for error in window.errors.values()
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("other", [False, True], ids=["after a restart", "behind a full batch"])
async def test_a_stack_that_waits_to_be_read_is_not_taken_for_ended(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    directory = settings.logs.directories[0]
    words = last_words()
    error_line = words.rindex(b"\n", 0, words.index(b"Handler execution failed"))
    stack = words.index(b"\n", error_line + 1) + 1
    (directory / "z.log").write_bytes(words[:stack])
    ingest = settings.ingest.model_copy(update={"batch_bytes": 65_536})
    settings = settings.model_copy(update={"ingest": ingest})
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    if other:
        monkeypatch.setattr("daemon.log_reader.STACK_QUIET_S", 0.0)
        write_log(settings, "healthy.log.gz", name="a.log")
        (directory / "z.log").write_bytes(words)
        await engine.feed()
    else:
        engine.tail.close()
        engine = Engine(settings, store, ignore)
        await engine.feed()  # the program has not written on yet
        (directory / "z.log").write_bytes(words)
    assert errors(engine) == 0
    await read_to_end(engine, at_end=True)
    assert errors(engine) == 1
    (frame,) = frames(engine)
    assert frame


@pytest.mark.anyio
async def test_an_error_whose_log_is_rotated_away_is_proved_by_the_file_that_holds_it(
    settings: Settings, store: Store
) -> None:
    folder = settings.logs.directories[0]
    log, data = folder / "app.log", last_words()
    log.write_bytes(data)
    engine = Engine(settings, store, ignore)
    await read_to_end(engine)
    log.rename(folder / "app.log.1")
    log.write_bytes(b"2026-11-22T16:11:20.731Z \xf0\x9f\x95\x90 [EVENTBUS] more\n")
    await read_to_end(engine)
    [origin] = [
        origin
        for window in all_windows(engine).windows.values()
        for error in window.errors.values()
        for origin in error.examples
    ]
    [source] = [each for each in engine.telemetry.sources() if each.checkpoint.source == origin.source]
    assert source.checkpoint.path == str(folder / "app.log.1")
    assert b"Handler execution failed" in data[origin.offset :].splitlines()[0]


async def play_phase(
    engine: Engine, settings: Settings, first: int, last: int, *, slow: bool = False
) -> None:
    """One execution a second, read and judged."""
    with (settings.logs.directories[0] / "app.jsonl").open("a") as file:
        for second in range(first, last):
            duration = (60 if slow else 20) + second % 5
            at = 1_795_363_000 + second
            file.write(f'{{"timestamp":{at},"event":"e","handler":"h","duration":{duration}}}\n')
    await read_to_end(engine)
    await judge(engine, END_OF_TIME_MS)


async def two_phases(engine: Engine, settings: Settings) -> None:
    """A handler that is slow for a while, then healthy for less than the hold time."""
    await play_phase(engine, settings, 0, 100)
    await play_phase(engine, settings, 100, 200, slow=True)
    await play_phase(engine, settings, 200, 300)


@pytest.mark.anyio
async def test_an_anomaly_that_is_gone_for_less_than_the_hold_time_stays_open(
    settings: Settings, store: Store
) -> None:
    engine = Engine(settings, store, ignore)
    await two_phases(engine, settings)
    assert [each.state for each in engine.anomalies.incidents()] == ["open"]


@pytest.mark.anyio
async def test_what_is_open_can_be_judged_again(settings: Settings, store: Store) -> None:
    engine = Engine(settings, store, ignore)
    await two_phases(engine, settings)
    [incident] = engine.anomalies.incidents()
    stored = engine.anomalies.find_case(incident.anomaly.id)
    assert stored is not None
    assert replayed(stored.case) == stored.case.anomaly


@pytest.mark.anyio
async def test_what_is_none_any_more_under_new_limits_is_resolved_without_a_hold_time(
    settings: Settings, store: Store
) -> None:
    engine = Engine(settings, store, ignore)
    await two_phases(engine, settings)
    detect = settings.detect.model_copy(update={"over_expected": 5.0})
    await engine.adopt(settings.model_copy(update={"detect": detect}))
    await judge(engine, END_OF_TIME_MS)
    assert [each.state for each in engine.anomalies.incidents()] == ["resolved"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "limits",  # it is 1.8 over
    [
        pytest.param({"detect": Detect(over_expected=2.0)}, id="of all"),
        pytest.param({"detect_of": {"*": DetectOf(over_expected=2.0)}}, id="of some"),
    ],
)
async def test_what_is_only_just_below_new_limits_is_resolved_too_and_stays_so(
    limits: dict[str, object], settings: Settings, store: Store
) -> None:
    engine = Engine(settings, store, ignore)
    await play_phase(engine, settings, 0, 100)
    await play_phase(engine, settings, 100, 200, slow=True)
    assert [each.state for each in engine.anomalies.incidents()] == ["open"]
    await engine.adopt(settings.model_copy(update=limits))
    for first in (200, 300):
        await play_phase(engine, settings, first, first + 100, slow=True)
        assert [each.state for each in engine.anomalies.incidents()] == ["resolved"]


@pytest.mark.anyio
async def test_settings_that_change_in_the_middle_of_a_batch_wait_for_its_end(
    settings: Settings, store: Store
) -> None:
    lines = write_log(settings, "healthy.log.gz", "regressed.log.gz")
    small = settings.ingest.model_copy(update={"batch_bytes": 65_536})
    engine = Engine(settings.model_copy(update={"ingest": small}), store, ignore)

    async def keep_adopting() -> None:
        for every_s in range(2, 12):
            logs = engine.settings.logs.model_copy(update={"rescan_s": float(every_s)})
            await engine.adopt(engine.settings.model_copy(update={"logs": logs}))
            await anyio.sleep(0.005)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep_adopting)
        await read_to_end(engine)
    await read_to_end(engine)
    assert engine.telemetry.totals().lines == lines
    assert executions(all_windows(engine)) == 1315 + 1266


@pytest.mark.anyio
async def test_sequences_that_share_a_request_id_are_runs_of_their_own(
    settings: Settings, store: Store
) -> None:
    log = settings.logs.directories[0] / "app.jsonl"
    with log.open("w") as file:
        for index in range(20):
            for sequence, event in (("A", "a:one"), ("B", "b:one"), ("B", "b:two"), ("A", "a:two")):
                line = {
                    "timestamp": 1_795_363_000 + index,
                    "sequence": sequence,
                    "event": event,
                    "requestId": f"trace-{index}",
                    "duration": 5,
                }
                file.write(json.dumps(line) + "\n")
    engine = Engine(settings, store, ignore)
    await read_to_end(engine, at_end=True)
    paths = {
        (sequence, path)
        for window in all_windows(engine).windows.values()
        for sequence, run in window.runs.items()
        for path in run.variants
    }
    assert paths == {("A", "a:one\ta:two"), ("B", "b:one\tb:two")}


@pytest.mark.anyio
async def test_events_ahead_of_the_clock_are_told_and_counted(settings: Settings, store: Store) -> None:
    log = settings.logs.directories[0] / "app.jsonl"
    log.write_text('{"timestamp":"2999-01-01T00:00:00Z","event":"e","handler":"h","duration":5}\n' * 3)
    engine = Engine(settings, store, ignore)
    assert any("later than this machine's clock" in problem for problem in await read_to_end(engine))
    assert engine.telemetry.totals().ahead == 3
    assert executions(all_windows(engine)) == 0
