"""Verdicts depend on what the logs say and on the settings, on nothing else."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from config.settings import Settings
from daemon.cycle import judge, read_to_end
from daemon.engine import Engine
from daemon.once import END_OF_TIME_MS
from daemon.store import Store
from handlers.model import AnyAnomaly, Window
from tests.daemon.process import BOUND_S, PYTHONPATH
from tests.daemon.test_detection_cycles import commit
from tests.daemon.test_engine import ignore
from tests.handlers.anomaly.builders import WINDOW_MS, beat, runs
from tests.properties.made_up_logs import PLANS, START_S, WINDOW_S, Line, Plan, lines_of, write

ALL_FAULTS = Plan(7, 3, 4, 30, 12, slow=True, failing=True, incomplete=True)


def settings_in(folder: Path, batch_bytes: int = 1 << 23) -> Settings:
    """Of a daemon in a folder of its own. So small a batch as here no operator can set."""
    defaults = Settings()
    (folder / "logs").mkdir(parents=True)
    return defaults.model_copy(
        update={
            "logs": defaults.logs.model_copy(update={"directories": (folder / "logs",)}),
            "store": defaults.store.model_copy(update={"path": folder / "store.db"}),
            "ingest": defaults.ingest.model_copy(update={"batch_bytes": batch_bytes}),
        }
    )


async def verdicts(engine: Engine) -> list[AnyAnomaly]:
    """What stands at the end, in order of ids. Which of equal lines prove it depends on where they stand.

    Whoever judges more often is also told what was over before the end.
    """
    detected = await engine.detect(END_OF_TIME_MS)
    return sorted((replace(each, origins=()) for each in detected.anomalies), key=lambda each: each.id)


def judged_at_once(folder: Path, plan: Plan, names: list[str]) -> list[AnyAnomaly]:
    settings = settings_in(folder)
    write(folder / "logs", names, lines_of(plan))
    with Store.open(settings.store.path, max_bytes=1 << 28) as store:

        async def live() -> list[AnyAnomaly]:
            engine = Engine(settings, store, ignore)
            await read_to_end(engine, at_end=True)
            await judge(engine, END_OF_TIME_MS, tells=False)
            return await verdicts(engine)

        return anyio.run(live)


def names_of(plan: Plan) -> list[str]:
    return [f"{number}.jsonl" for number in range(plan.files)]


def test_the_plan_with_all_faults_has_a_verdict_on_each(tmp_path: Path) -> None:
    found = judged_at_once(tmp_path / "a", ALL_FAULTS, names_of(ALL_FAULTS))
    assert {(type(each).__name__, each.event) for each in found} == {
        ("PerformanceAnomaly", "cart:pay"),
        ("ErrorAnomaly", "cart:open"),
        ("BehavioralAnomaly", "cart:add"),
    }


@hypothesis_settings(max_examples=15)
@given(plan=PLANS, order=st.randoms(use_true_random=False))
def test_the_order_of_files_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, order: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("order")
    names = names_of(plan)
    other = order.sample(names, len(names))
    assert judged_at_once(folder / "a", plan, names) == judged_at_once(folder / "b", plan, other)


@hypothesis_settings(max_examples=15)
@given(
    plan=PLANS,
    batch_bytes=st.integers(200, 5_000),
    cuts=st.lists(
        st.tuples(st.integers(1, 35), st.booleans(), st.booleans()), max_size=4, unique_by=lambda c: c[0]
    ),
    torn=st.integers(0, 80),
)
def test_block_borders_restarts_and_when_it_is_judged_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    plan: Plan,
    batch_bytes: int,
    cuts: list[tuple[int, bool, bool]],
    torn: int,
) -> None:
    """`cuts`: the daemon reads what was written until this window, judges it, and is started anew.

    `torn`: so many bytes of the next line are there by then, too.
    """
    folder = tmp_path_factory.mktemp("pieces")
    expected = judged_at_once(folder / "a", plan, names_of(plan))
    settings = settings_in(folder / "b", batch_bytes)
    files = lines_of(plan)
    with Store.open(settings.store.path, max_bytes=1 << 28) as store:

        async def live() -> list[AnyAnomaly]:
            engine = Engine(settings, store, ignore)
            for window, judges, restarts in sorted(cuts):
                until_s = START_S + window * WINDOW_S
                write_until(folder / "b" / "logs", files, until_s, torn)
                await read_to_end(engine)
                if judges:
                    # As in the daemon, whose clock is that of the logs.
                    await judge(
                        engine, round((until_s - settings.ingest.allowed_lateness_s) * 1000), tells=False
                    )
                if restarts:
                    engine.tail.close()
                    engine = Engine(settings, store, ignore)
            write_until(folder / "b" / "logs", files, float("inf"), 0)
            await read_to_end(engine, at_end=True)
            await judge(engine, END_OF_TIME_MS, tells=False)
            return await verdicts(engine)

        assert anyio.run(live) == expected


def write_until(folder: Path, files: list[list[Line]], until_s: float, torn: int) -> None:
    """Brings each file to what it holds at that time, and a bit of its next line."""
    for number, lines in enumerate(files):
        whole = [line for at_s, line in lines if at_s < until_s]
        text = "".join(f"{line}\n" for line in whole)
        rest = lines[len(whole)][1][:torn] if len(whole) < len(lines) else ""
        path = folder / f"{number}.jsonl"
        written = path.stat().st_size if path.exists() else 0
        with path.open("a") as file:
            file.write((text + rest)[written:])


class Healthy:
    """A healthy shop: log-normal durations, as many runs as chance brings, a few of them in another order.

    Without errors: one of a new kind is told, however rare.
    """

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._sigma = source.uniform(0.1, 0.8)
        self._rate = source.uniform(2, 8)
        self._another_order = source.choice([0.0, 0.2])

    def window(self, number: int, factor: float = 1.0) -> Window:
        source, made = self._source, Window(number * WINDOW_MS)
        executions = max(1, round(source.gauss(self._rate, self._rate**0.5)))
        for event, median_ms in (("open", 5), ("add", 20), ("pay", 80)):
            times = [factor * median_ms * source.lognormvariate(0, self._sigma) for _ in range(executions)]
            made.beats["shop", event] = beat(times, plugin="Shop", handler=event)
        other = sum(source.random() < self._another_order for _ in range(executions))
        paths = {("open", "add", "pay"): executions - other, ("open", "pay", "add"): other}
        made.runs["shop"] = runs({path: count for path, count in paths.items() if count})
        return made


@hypothesis_settings(max_examples=8, derandomize=True)
@given(seed=st.integers(0, 1 << 16), faulty=st.sampled_from([0, 0, 15]))
def test_healthy_data_never_opens_an_incident(
    tmp_path_factory: pytest.TempPathFactory, seed: int, faulty: int
) -> None:
    """Judged window by window, as a daemon does; after a healthy start or after a fault."""
    settings = settings_in(tmp_path_factory.mktemp("healthy"))
    shop = Healthy(random.Random(seed))
    with Store.open(settings.store.path, max_bytes=1 << 28) as store:

        async def live() -> None:
            engine = Engine(settings, store, ignore)
            for number in range(100):
                is_faulty = 40 <= number < 40 + faulty
                commit(engine, shop.window(number, factor=5.0 if is_faulty else 1.0))
                await judge(engine, END_OF_TIME_MS, tells=False)
                if not is_faulty:
                    assert engine.changes.opened == ()
                    assert engine.changes.reopened == ()

        anyio.run(live)


def test_the_seed_of_hashes_changes_not_one_bit(tmp_path: Path) -> None:
    (tmp_path / ".logs").mkdir()
    write(tmp_path / ".logs", names_of(ALL_FAULTS), lines_of(ALL_FAULTS))
    first, *others = [run_once(tmp_path, seed) for seed in ("0", "1", "4242")]
    assert len(first["anomalies"]) == 3
    assert [first] * len(others) == others


def run_once(folder: Path, seed: str) -> Any:
    ran = subprocess.run(
        [sys.executable, "-m", "daemon", "run", "--once", "--store", f"{seed}.db", "--format", "json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
        timeout=BOUND_S,
    )
    report = json.loads(ran.stdout)
    return {key: report[key] for key in ("anomalies", "recommendations")}
