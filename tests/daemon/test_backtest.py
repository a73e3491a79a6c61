"""A backtest says which incidents other settings would have made of the stored history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import pytest
from msgspec.structs import replace

from config.load import Change, differences
from config.settings import DetectOf, Project, Settings
from daemon.backtest import Backtest, BacktestError, backtest
from daemon.backtest_words import said_of
from daemon.baseline_orders import Pin
from daemon.cycle import judge, read_to_end
from daemon.engine import Engine
from daemon.incident import begun
from daemon.once import END_OF_TIME_MS
from daemon.orders import OrderRecords
from daemon.reload_gate import pass_gate
from daemon.store import Store
from handlers.model import BeatKey, Codebase, Window
from tests.daemon.test_detection_cycles import commit
from tests.daemon.test_engine import ignore, settings, store, write_log
from tests.handlers.anomaly.builders import WINDOW_MS, anomaly, beat, durations

__all__ = ["settings", "store"]
pytestmark = pytest.mark.anyio
SLOW: BeatKey = ("cart-symphony", "cart:add")
SLOWER: BeatKey = ("cart-symphony", "cart:pay")
HOUR = 360
"""Windows."""


async def no_codebase(_project: Project) -> Codebase:
    return Codebase()


async def trial(old: Settings, new: Settings, budget_s: float = 600, **options: Any) -> Backtest:
    return await backtest(old, new, no_codebase, budget_s=budget_s, **options)


def detect(settings: Settings, **values: Any) -> Settings:
    return settings.model_copy(update={"detect": settings.detect.model_copy(update=values)})


def window(number: int, slow_ms: float = 20, slower_ms: float = 20) -> Window:
    made = Window(number * WINDOW_MS)
    made.beats[SLOW] = beat(durations(6, slow_ms))
    made.beats[SLOWER] = beat(durations(6, slower_ms), handler="pay")
    return made


async def lived(settings: Settings, store: Store, windows: Sequence[Window]) -> Engine:
    """A daemon that judged each window when it was complete."""
    engine = Engine(settings, store, ignore)
    for each in windows:
        commit(engine, each)
        await judge(engine, END_OF_TIME_MS, tells=False)
    return engine


HEALTHY = [window(number) for number in range(60)]
FAULT = [window(number, slow_ms=26, slower_ms=80) for number in range(60, 90)]
"""One is 1.3 times as slow, the other 4 times."""


async def test_the_replay_finds_what_the_daemon_found(settings: Settings, store: Store) -> None:
    write_log(settings, "healthy.log.gz", "regressed.log.gz")
    engine = Engine(settings, store, ignore)
    await read_to_end(engine, at_end=True)
    await judge(engine, END_OF_TIME_MS, tells=False)
    live = {each.anomaly.id: each.anomaly for each in engine.anomalies.incidents()}
    found = await trial(settings, settings)
    assert {key: each.anomaly for key, each in found.before.items()} == live
    assert len(live) == 5
    assert found.before == found.after
    assert not found.differs


@pytest.mark.parametrize(
    ("values", "appear", "vanish"),
    [
        pytest.param({"over_expected": 0.1}, [SLOW], [], id="a lower threshold"),
        pytest.param({"over_expected": 9.0}, [], [SLOWER], id="a higher threshold"),
        pytest.param({"performance": False}, [], [SLOWER], id="a kind that is switched off"),
        pytest.param({"run_noise": 0.051}, [], [], id="no difference"),
    ],
)
async def test_it_says_what_would_appear_and_vanish(
    settings: Settings, store: Store, values: dict[str, Any], appear: list[BeatKey], vanish: list[BeatKey]
) -> None:
    await lived(settings, store, [*HEALTHY, *FAULT])
    found = await trial(settings, detect(settings, **values))
    assert [(each.anomaly.sequence, each.anomaly.event) for each in found.appear] == appear
    assert [(each.anomaly.sequence, each.anomaly.event) for each in found.vanish] == vanish
    assert (found.from_ms, found.until_ms) == (0, 90 * WINDOW_MS)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"detect_of": {"*:add": DetectOf(over_expected=0.1)}}, id="detect_of"),
        pytest.param({"expected_ms": {"*:add": 10.0}}, id="expected_ms"),
    ],
)
async def test_settings_of_single_subjects_take_part(
    settings: Settings, store: Store, changed: dict[str, Any]
) -> None:
    await lived(settings, store, [*HEALTHY, *FAULT])
    found = await trial(settings, settings.model_copy(update=changed))
    assert [each.anomaly.event for each in found.appear] == ["cart:add"]
    assert found.vanish == []


async def test_what_becomes_milder_than_high_is_lost_as_what_vanishes(
    settings: Settings, store: Store
) -> None:
    await lived(settings, store, [*HEALTHY, *FAULT])
    found = await trial(settings, detect(settings, severity_of={"cart:pay": "low"}))
    [(old, new)] = found.regraded
    assert (old.worst, new.worst) == ("high", "low")
    assert found.lost == [old]
    found = await trial(settings, detect(settings, severity_of={"cart:pay": "critical"}))
    assert len(found.regraded) == 1
    assert found.lost == []


async def test_only_so_much_of_the_history_is_judged_as_was_asked_for(
    settings: Settings, store: Store
) -> None:
    await lived(settings, store, [*HEALTHY, *FAULT])
    found = await trial(settings, detect(settings, over_expected=9.0), newest_ms=20 * WINDOW_MS)
    assert (found.from_ms, found.until_ms) == (70 * WINDOW_MS, 90 * WINDOW_MS)
    assert found.before == {}  # what was wrong before it begins is its normal


async def test_a_pinned_baseline_is_what_the_history_is_judged_by(settings: Settings, store: Store) -> None:
    engine = await lived(settings, store, HEALTHY)
    records = OrderRecords(engine.telemetry, engine.anomalies, engine.anomalies.baselines)
    with store.transaction():
        Pin(id="1", at_ms=1, by="ada", glob="*", name="v1").carry_out(records)
    await lived(settings, store, FAULT)
    found = await trial(settings, settings, newest_ms=20 * WINDOW_MS)
    assert [each.anomaly.event for each in found.before.values()] == ["cart:pay"]


class Clock:
    """Goes on by so much each time that it is looked at."""

    def __init__(self, step_s: float) -> None:
        self.now_s = 0.0
        self._step_s = step_s

    def __call__(self) -> float:
        self.now_s += self._step_s
        return self.now_s


@pytest.mark.parametrize(
    ("step_s", "words"),
    [
        pytest.param(0.01, "in 1.0 h of stored history", id="time for all"),
        pytest.param(0.5, "of 1.0 h of stored history (there was no time for more)", id="time for some"),
    ],
)
async def test_what_does_not_fit_into_the_time_is_left_out_and_that_is_said(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, step_s: float, words: str
) -> None:
    engine = Engine(settings, store, ignore)
    commit(engine, *(window(number) for number in range(HOUR)))
    await judge(engine, END_OF_TIME_MS, tells=False)
    monkeypatch.setattr("daemon.backtest.monotonic", Clock(step_s))
    found = await trial(settings, settings, budget_s=20)
    assert words in said_of(found)
    assert found.from_ms >= found.wanted_from_ms == 0
    assert found.until_ms == HOUR * WINDOW_MS


async def test_no_time_at_all_is_told(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lived(settings, store, HEALTHY)
    monkeypatch.setattr("daemon.backtest.monotonic", Clock(10))
    with pytest.raises(BacktestError, match="there is no time for any of it within 5 s"):
        await trial(settings, settings, budget_s=5)


async def test_without_history_there_is_nothing_to_say(settings: Settings, store: Store) -> None:
    Engine(settings, store, ignore)
    found = await trial(settings, detect(settings, over_expected=0.1))
    assert (found.from_ms, found.until_ms, found.before, found.after) == (0, 0, {}, {})


def changes(old: Settings, new: Settings) -> tuple[Change, ...]:
    return differences(old, new)


class TestGate:
    async def test_it_tells_what_would_appear_and_vanish(
        self, settings: Settings, store: Store, told: list[str]
    ) -> None:
        await lived(settings, store, [*HEALTHY, *FAULT])
        new = detect(settings, over_expected=0.1)
        assert await pass_gate(settings, new, changes(settings, new), no_codebase) == ()
        [line] = told
        assert line.startswith(
            "WARNING detect.over_expected: 0.5 -> 0.1: 1 -> 2 incidents in 15.0 min of stored history; "
            "would appear: perf-"
        )
        assert line.endswith(" slow addItem (low)")

    async def test_a_change_without_a_difference_is_no_warning(
        self, settings: Settings, store: Store, told: list[str]
    ) -> None:
        await lived(settings, store, [*HEALTHY, *FAULT])
        new = detect(settings, over_expected=0.6)
        assert await pass_gate(settings, new, changes(settings, new), no_codebase) == ()
        assert told == [
            "INFO detect.over_expected: 0.5 -> 0.6: 1 -> 1 incident in 15.0 min of stored history"
        ]

    @pytest.mark.parametrize(
        ("values", "is_refused"),
        [
            pytest.param({"over_expected": 9.0}, True, id="a grave one vanishes"),
            pytest.param({"severity_of": {"*": "low"}}, True, id="a grave one becomes light"),
            pytest.param({"over_expected": 0.1}, False, id="one appears"),
        ],
    )
    async def test_required_it_refuses_what_loses_grave_ones_until_it_is_meant(
        self, settings: Settings, store: Store, told: list[str], values: dict[str, Any], is_refused: bool
    ) -> None:
        await lived(settings, store, [*HEALTHY, *FAULT])
        new = detect(settings, reload_gate="require", **values)
        refusal = await pass_gate(settings, new, changes(settings, new), no_codebase)
        assert bool(refusal) == is_refused
        if is_refused:
            assert "save it with detect.reload_gate: warn" in refusal[0]
            meant = detect(new, reload_gate="warn")
            assert await pass_gate(settings, meant, changes(settings, meant), no_codebase) == ()

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param(lambda each: detect(each, over_expected=9.0, reload_gate="off"), id="off"),
            pytest.param(lambda each: detect(each, interval_s=3.0), id="no verdict depends on it"),
            pytest.param(lambda each: detect(each, reload_gate="require"), id="the gate itself"),
        ],
    )
    async def test_nothing_is_judged_again_without_need(
        self,
        settings: Settings,
        store: Store,
        told: list[str],
        changed: Callable[[Settings], Settings],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.delattr("daemon.reload_gate.backtest")
        new = changed(settings)
        assert await pass_gate(settings, new, changes(settings, new), no_codebase) == ()
        assert told == []

    @pytest.mark.parametrize(("gate", "is_refused"), [("warn", False), ("require", True)])
    async def test_a_backtest_that_fails_is_told_and_only_a_required_one_refuses(
        self, settings: Settings, told: list[str], gate: str, is_refused: bool
    ) -> None:
        new = detect(settings, over_expected=9.0, reload_gate=gate)
        refusal = await pass_gate(settings, new, changes(settings, new), no_codebase)
        assert bool(refusal) == is_refused
        assert "there is no store" in "".join((*refusal, *told))

    async def test_the_reader_commits_while_it_works(self, settings: Settings, store: Store) -> None:
        engine = Engine(settings, store, ignore)
        commit(engine, *(window(number) for number in range(HOUR)))
        await judge(engine, END_OF_TIME_MS, tells=False)
        new = detect(settings, over_expected=0.1)
        commits_before, done = engine.telemetry.totals().commits, False

        async def read() -> None:
            while not done:
                await engine.in_store(lambda: commit(engine, window(HOUR + 1)))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await pass_gate(settings, new, changes(settings, new), no_codebase)
            done = True
        assert engine.telemetry.totals().commits > commits_before + 5


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Level and sentence of what the gate tells."""
    lines: list[str] = []
    monkeypatch.setattr(
        "daemon.reload_gate.tell", lambda level, _event, sentence: lines.append(f"{level} {sentence}")
    )
    return lines


async def test_a_sentence_names_the_gravest_first_and_not_all_of_many() -> None:
    empty = Backtest(0, 3_600_000, 0, 3_600_000, {}, {})
    many = {f"perf-{at}": anomaly(f"perf-{at}", severity="low") for at in range(7)}
    many["perf-9"] = anomaly("perf-9", severity="critical")
    found = replace(empty, before={key: begun(each, 0) for key, each in many.items()})
    assert said_of(found) == (
        "8 -> 0 incidents in 1.0 h of stored history; would vanish: perf-9 slow addItem (critical), "
        "perf-0 slow addItem (low), perf-1 slow addItem (low), perf-2 slow addItem (low), "
        "perf-3 slow addItem (low) and 3 more"
    )
