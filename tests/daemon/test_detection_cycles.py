"""A detection costs what is new, and how windows are cut into detections changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config.settings import DetectOf, Settings
from daemon.baseline_records import BASELINES, BaselineRecords
from daemon.cycle import judge
from daemon.database import StoreFullError
from daemon.engine import Engine
from daemon.once import END_OF_TIME_MS
from daemon.store import Store
from handlers.anomaly.baseline import Baseline
from handlers.model import AnyAnomaly, BeatKey, TelemetryMetrics, Window
from handlers.telemetry.ports import TelemetryCommit
from tests.daemon.test_engine import ignore, settings
from tests.handlers.anomaly.builders import BEAT, ERROR, beat, durations, errors, runs

__all__ = ["settings"]
WINDOW_MS = 10_000
OTHER: BeatKey = ("cart-symphony", "cart:remove")
HEALTHY_MS, FAULTY_MS = 20.0, 60.0
USUAL, SHORTER = ("cart:add", "cart:remove"), ("cart:add",)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store.open(settings.store.path, max_bytes=settings.store.max_bytes) as opened:
        yield opened


def window(number: int, median_ms: float = HEALTHY_MS, executions: int = 4, other: bool = True) -> Window:
    path = USUAL if median_ms == HEALTHY_MS else SHORTER
    made = Window(number * WINDOW_MS, errors={ERROR: errors(1)})
    made.beats[BEAT] = beat(durations(executions, median_ms))
    made.runs["cart-symphony"] = runs({path: executions})
    if other:
        made.beats[OTHER] = beat(durations(executions, HEALTHY_MS))
    return made


def commit(engine: Engine, *windows: Window) -> None:
    metrics = TelemetryMetrics(WINDOW_MS, {each.start_ms: each for each in windows})
    engine.telemetry.commit(TelemetryCommit(metrics, (), {}), (), (), 0)


def learned(store: Store) -> dict[int, bytes]:
    """The documents of the baselines, byte for byte."""
    with store.snapshot():
        return {each.doc_id: msgspec.json.encode(dict(each)) for each in store.table(BASELINES).all()}


def lived(
    settings: Settings, path: Path, windows: list[Window], cuts: list[tuple[int, bool]]
) -> tuple[dict[int, bytes], tuple[AnyAnomaly, ...]]:
    """What is learned and what stands after the windows were judged in pieces, some after a restart."""
    with Store.open(path, max_bytes=1 << 28) as store:

        async def live() -> tuple[AnyAnomaly, ...]:
            engine = Engine(settings, store, ignore)
            done = 0
            for cut, restart in [*cuts, (len(windows), False)]:
                if windows[done:cut]:
                    commit(engine, *windows[done:cut])
                    done = cut
                if restart:
                    engine = Engine(settings, store, ignore)
                if await engine.has_news(END_OF_TIME_MS):
                    await judge(engine, END_OF_TIME_MS, tells=False)
            return (await engine.detect(END_OF_TIME_MS)).anomalies

        anomalies = anyio.run(live)
        return learned(store), anomalies


PIECES = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from([HEALTHY_MS, FAULTY_MS]), st.sampled_from([1, 4, 15])),
    min_size=1,
    max_size=5,
)


@hypothesis_settings(max_examples=25)
@given(PIECES, st.data())
def test_the_same_windows_give_the_same_whatever_the_detections_and_restarts(
    settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[tuple[int, float, int]],
    data: st.DataObject,
) -> None:
    windows: list[Window] = []
    for count, median_ms, executions in pieces:
        windows += [
            window(len(windows) + at, median_ms, executions, other=at % 3 == 0) for at in range(count)
        ]
    cuts = data.draw(st.lists(st.tuples(st.integers(0, len(windows)), st.booleans()), max_size=8).map(sorted))
    folder = tmp_path_factory.mktemp("cycles")
    assert lived(settings, folder / "a.db", windows, cuts) == lived(settings, folder / "b.db", windows, [])


@pytest.mark.anyio
async def test_only_subjects_with_new_windows_are_written(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(settings, store, ignore)
    commit(engine, *map(window, range(20)))
    await judge(engine, END_OF_TIME_MS)
    written: list[Baseline] = []
    put = BaselineRecords.put

    def noted(records: BaselineRecords, baseline: Baseline) -> None:
        written.append(baseline)
        put(records, baseline)

    monkeypatch.setattr(BaselineRecords, "put", noted)
    commit(engine, Window(20 * WINDOW_MS, beats={OTHER: beat(durations(4, HEALTHY_MS))}))
    await judge(engine, END_OF_TIME_MS)
    [baseline] = written
    assert (set(baseline.beats), set(baseline.runs)) == ({OTHER}, set())
    assert baseline.judged_until_ms == 21 * WINDOW_MS


@pytest.mark.anyio
async def test_the_baseline_is_loaded_once_and_again_only_after_a_commit_that_failed(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = 0
    load = BaselineRecords.load

    def counted(records: BaselineRecords) -> Baseline:
        nonlocal loads
        loads += 1
        return load(records)

    monkeypatch.setattr(BaselineRecords, "load", counted)
    engine = Engine(settings, store, ignore)
    for number in range(5):
        commit(engine, window(number))
        await judge(engine, END_OF_TIME_MS)
    assert loads == 1
    commit(engine, window(5))
    before = learned(store)
    with monkeypatch.context() as patch:

        def full(*_: Any) -> None:
            raise StoreFullError("the disk is full")

        patch.setattr(BaselineRecords, "put", full)
        with pytest.raises(StoreFullError):
            await judge(engine, END_OF_TIME_MS)
    assert learned(store) == before
    assert await engine.has_news(END_OF_TIME_MS)
    await judge(engine, END_OF_TIME_MS)
    assert loads == 2
    assert engine.telemetry.totals().judged_until_ms == 6 * WINDOW_MS


async def _nothing(_engine: Engine) -> None:
    pass


async def _new_window(engine: Engine) -> None:
    commit(engine, window(20))


async def _late_window(engine: Engine) -> None:
    metrics = TelemetryMetrics(WINDOW_MS, {0: window(0)})
    engine.telemetry.commit(TelemetryCommit(metrics, (), {}), (), (), 20 * WINDOW_MS)


async def _other_limits_of_some(engine: Engine) -> None:
    detect_of = {"cart:*": DetectOf(over_expected=3.0)}
    await engine.adopt(engine.settings.model_copy(update={"detect_of": detect_of}))


async def _other_limits(engine: Engine) -> None:
    detect = engine.settings.detect.model_copy(update={"over_expected": 3.0})
    await engine.adopt(engine.settings.model_copy(update={"detect": detect}))


async def _other_interval(engine: Engine) -> None:
    detect = engine.settings.detect.model_copy(update={"interval_s": 3.0, "reload_gate": "off"})
    await engine.adopt(engine.settings.model_copy(update={"detect": detect}))


async def _other_figure(engine: Engine) -> None:
    await engine.adopt(engine.settings.model_copy(update={"expected_ms": {"*": 5.0}}))


async def _definitions(engine: Engine) -> None:
    folder = engine.settings.store.path.parent / "definitions"
    folder.mkdir()
    (folder / "cart.yaml").write_text("id: [broken")
    project = engine.settings.project.model_copy(update={"sequences": (folder,)})
    await engine.adopt(engine.settings.model_copy(update={"project": project}))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("happens", "is_news"),
    [
        pytest.param(_nothing, False, id="nothing"),
        pytest.param(_new_window, True, id="a new window"),
        pytest.param(_late_window, True, id="lines for a window that was judged"),
        pytest.param(_other_limits, True, id="other limits"),
        pytest.param(_other_limits_of_some, True, id="other limits of some"),
        pytest.param(_other_interval, False, id="what no verdict depends on"),
        pytest.param(_other_figure, True, id="another figure of the operator"),
        pytest.param(_definitions, True, id="another definition of a sequence"),
    ],
)
async def test_an_idle_cycle_does_nothing_and_any_news_ends_that(
    settings: Settings, store: Store, happens: Callable[[Engine], Any], is_news: bool
) -> None:
    engine = Engine(settings, store, ignore)
    assert await engine.has_news(END_OF_TIME_MS)
    commit(engine, *map(window, range(20)))
    await judge(engine, END_OF_TIME_MS)
    await happens(engine)
    assert await engine.has_news(END_OF_TIME_MS) == is_news
