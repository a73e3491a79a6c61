"""What a detection cycle costs, after one day of history and after ninety.

    python -m tests.benchmarks.cycle [--handlers 200] [--days 1 90] [--cycles 20]

Fills a store as a daemon would leave it: windows of the last day (each handler once a minute), hours and days
before it, a baseline that has seen it all. Then every handler runs in each of some new windows, and each is
judged on its own: least CPU time of such a cycle, of one in which a single handler ran, and of an idle one.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import anyio
from tinydb.table import Document

from config.settings import Settings
from daemon.cycle import judge
from daemon.engine import Engine
from daemon.store import Store
from daemon.tables import RowTable
from daemon.telemetry_records import to_document
from handlers.anomaly.baseline import BEATS, ERRORS, RUNS, Baseline, ErrorRate, Learned, Rules, judge_subject
from handlers.metrics import OTHER_VARIANT
from handlers.model import (
    BeatStats,
    ErrorStats,
    Origin,
    RunStats,
    TelemetryMetrics,
    VariantStats,
    Window,
)
from handlers.sketch import add_sorted
from handlers.stage import BeatReport
from handlers.telemetry.ports import TelemetryCommit
from tests.benchmarks.follow import rss_mb

WINDOW_MS: Final = 10_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
NOW_MS: Final = 1_795_305_600_000
A_SEQUENCE: Final = 5
"""Handlers of one sequence."""


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--handlers", type=int, default=200)
    parser.add_argument("--days", type=int, nargs="+", default=[1, 90])
    parser.add_argument("--cycles", type=int, default=20)
    arguments = parser.parse_args()
    first_ms = 0.0
    for days in arguments.days:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "store.db"
            defaults = Settings()
            store_settings = defaults.store.model_copy(update={"path": path, "max_bytes": 1 << 32})
            settings = defaults.model_copy(update={"store": store_settings})
            with Store.open(path, max_bytes=1 << 32) as store:
                engine = Engine(settings, store, ignore)
                fill(engine, store, arguments.handlers, days)
                figures = anyio.run(measure, engine, arguments.handlers, arguments.cycles)
                full_ms, one_ms, idle_ms = figures
                first_ms = first_ms or full_ms
                print(
                    f"{days:3} days, {arguments.handlers} handlers, store {store.size_bytes / 1e6:.0f} MB: "
                    f"all ran {full_ms:.1f} ms ({full_ms / first_ms:.2f} of the first line), "
                    f"one ran {one_ms:.1f} ms, idle {idle_ms:.2f} ms CPU a cycle; "
                    f"RSS {rss_mb(os.getpid()):.0f} MB",
                    flush=True,
                )


def ignore(_report: BeatReport) -> None:
    pass


async def measure(engine: Engine, handlers: int, cycles: int) -> tuple[float, float, float]:
    """Least CPU milliseconds of a cycle in which all handlers ran, one did, none did.

    What else the machine does only adds to it.
    """
    source = random.Random(2)
    at_ms = NOW_MS

    async def cycle(count: int) -> float:
        nonlocal at_ms
        if count:
            commit(engine, at_ms, window_of(source, at_ms, count))
            at_ms += WINDOW_MS

        async def judged() -> None:
            if await engine.has_news(at_ms):
                await judge(engine, at_ms, tells=False)

        return await cpu_ms(judged)

    await cycle(handlers)  # the first one loads the baseline
    return (
        min([await cycle(handlers) for _ in range(cycles)]),
        min([await cycle(1) for _ in range(cycles)]),
        min([await cycle(0) for _ in range(cycles)]),
    )


async def cpu_ms(work: Callable[[], Coroutine[Any, Any, None]]) -> float:
    began = time.process_time()
    await work()
    return 1000 * (time.process_time() - began)


def commit(engine: Engine, start_ms: int, window: Window) -> None:
    metrics = TelemetryMetrics(WINDOW_MS, {start_ms: window})
    judged_ms = engine.telemetry.totals().judged_until_ms
    engine.telemetry.commit(TelemetryCommit(metrics, (), {}), (), (), judged_ms)


def sequence_of(handler: int) -> str:
    return f"sequence-{handler // A_SEQUENCE}"


def beat_of(source: random.Random, at_ms: int, handler: int, executions: int = 5) -> BeatStats:
    durations = sorted(round(20_000 * source.lognormvariate(0, 0.3)) for _ in range(executions))
    stats = BeatStats("Shop", f"handler{handler}", executions, executions, 0, sum(durations), durations[-1])
    add_sorted(stats.bins, durations)
    stats.slowest = tuple((each, Origin(at_ms, 1, each)) for each in reversed(durations[-3:]))
    return stats


def run_of(at_ms: int, runs: int = 5) -> RunStats:
    path = "\t".join(f"event-{number}" for number in range(A_SEQUENCE))
    return RunStats(runs, variants={path: VariantStats(runs, (Origin(at_ms, 1, 1),))}, bins={250: runs})


def window_of(source: random.Random, at_ms: int, handlers: int) -> Window:
    window = Window(at_ms)
    for handler in range(handlers):
        window.beats[sequence_of(handler), f"event-{handler}"] = beat_of(source, at_ms, handler)
        if handler % A_SEQUENCE == 0:
            window.runs[sequence_of(handler)] = run_of(at_ms)
            window.errors[sequence_of(handler), f"event-{handler}", "TypeError", "no <field>"] = ErrorStats(
                "Shop", f"handler{handler}", "cart.ts:12", 1, (Origin(at_ms, 1, 1),)
            )
    return window


def fill(engine: Engine, store: Store, handlers: int, days: int) -> None:
    """Leaves the store as after so many days: tiers, subjects, baseline."""
    source = random.Random(1)
    commit(engine, NOW_MS - WINDOW_MS, window_of(source, NOW_MS, handlers))
    documents: dict[int, dict[str, Any]] = {}
    for number in range(1, handlers + 2 * (handlers // A_SEQUENCE) + 1):
        kind, _ = engine.telemetry.subjects.name(number)
        stats = {
            "beat": beat_of(source, NOW_MS, number),
            "run": run_of(NOW_MS),
            "error": ErrorStats("Shop", "handler", "cart.ts:12", 1, (Origin(NOW_MS, 1, 1),)),
        }[kind]
        documents[number] = dict(to_document(stats, number))
    put_steps(store, "windows", documents, WINDOW_MS, NOW_MS - DAY_MS, NOW_MS, every=6)
    put_steps(store, "hours", documents, HOUR_MS, NOW_MS - min(days, 31) * DAY_MS, NOW_MS - DAY_MS)
    put_steps(store, "days", documents, DAY_MS, NOW_MS - days * DAY_MS, NOW_MS - 31 * DAY_MS)
    with store.transaction():
        engine.anomalies.baselines.put(baseline_of_days(handlers, days))


def put_steps(
    store: Store,
    name: str,
    documents: dict[int, dict[str, Any]],
    step_ms: int,
    since: int,
    until: int,
    every: int = 1,
) -> None:
    table: RowTable = store.table(name)
    for step in range(since // step_ms, until // step_ms, every):
        table.put(Document(each, step << 16 | number) for number, each in documents.items())


def baseline_of_days(handlers: int, days: int) -> Baseline:
    """One handler's, run's and error's days are learned window by window; the others have seen the same."""
    source = random.Random(3)
    starts = [NOW_MS - days * DAY_MS + at for at in range(0, days * DAY_MS - HOUR_MS, HOUR_MS // 2)]
    starts += range(NOW_MS - 50 * WINDOW_MS, NOW_MS, WINDOW_MS)
    beat = learn(BeatStats(), BEATS, [(at, beat_of(source, at, 0, 8)) for at in starts])
    run = learn(RunStats(), RUNS, [(at, run_of(at)) for at in starts])
    rates = [(at, ErrorRate(ErrorStats("Shop", "h", "cart.ts:12", 1), 5)) for at in starts]
    rate = learn(ErrorRate(), ERRORS, rates)
    baseline = Baseline(NOW_MS)
    for handler in range(handlers):
        sequence = sequence_of(handler)
        baseline.beats[sequence, f"event-{handler}"] = beat
        if handler % A_SEQUENCE == 0:
            baseline.runs[sequence] = run
            baseline.errors[sequence, f"event-{handler}", "TypeError", "no <field>"] = rate
    assert OTHER_VARIANT not in run.reference.variants
    return baseline


def learn(empty: Any, rules: Rules[Any], arrivals: list[tuple[int, Any]]) -> Learned[Any]:
    learned, _ = judge_subject(Learned(empty), arrivals, rules, 10, lambda current, reference: None)
    return learned


if __name__ == "__main__":
    main()
