"""How often a verdict is right, and how often it is wrong: power and false alarms, by simulation.

    python -m tests.benchmarks.quality.power [--draws 300] [compare] [null] [live] [errors] [behavior]

Prints a table each. Durations are log-normal unless said otherwise. Both logs of a pair differ by a factor of
their run, exp(N(0, 0.05)), as two runs of one healthy program do. The verdicts are those of the product, with
the settings that it comes with.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from config.settings import Detect
from handlers.anomaly.baseline import BEATS, Learned, judge_subject
from handlers.anomaly.behavior import Expectation
from handlers.anomaly.error_rate import ErrorRate
from handlers.anomaly.error_verdict import error_verdict
from handlers.anomaly.judge_runs import judge_runs
from handlers.anomaly.latency import judge_latency, once
from handlers.metrics import Stop
from handlers.model import BeatStats, ErrorStats
from tests.handlers.anomaly.builders import beat, hanging, runs

LIMITS: Final = Detect()
HANDLERS: Final = 40
"""Judged at once in a comparison."""
RUN_NOISE: Final = 0.05
SAMPLES: Final = (10, 20, 30, 60, 150)
WINDOWS_A_MONTH: Final = 30 * 24 * 360
Draw = Callable[[random.Random], float]


def log_normal(chance: random.Random, sigma: float = 0.3, median_ms: float = 20.0) -> float:
    return median_ms * chance.lognormvariate(0, sigma)


def tailed(chance: random.Random, share: float, factor: float, sigma: float = 0.3) -> float:
    """A share of the executions takes so many times as long."""
    return log_normal(chance, sigma) * (factor if chance.random() < share else 1.0)


def heavy(chance: random.Random) -> float:
    """Pareto tail with index 2: the variance is infinite."""
    return 15 * chance.paretovariate(2)


def drawn(chance: random.Random, draw: Draw, samples: int) -> BeatStats:
    run = chance.lognormvariate(0, RUN_NOISE)
    return beat(run * draw(chance) for _ in range(samples))


def share_of(draws: int, told: Callable[[random.Random], object]) -> float:
    return sum(bool(told(random.Random(seed))) for seed in range(draws)) / draws


def told_once(chance: random.Random, before: Draw, now: Draw, samples: int, known: int) -> bool:
    reference, current = drawn(chance, before, known), drawn(chance, now, samples)
    return judge_latency(current, reference, None, LIMITS, once(HANDLERS)) is not None


def compare_tables(draws: int) -> None:
    for sigma in (0.2, 0.3, 0.4, 0.6):
        usual = partial(log_normal, sigma=sigma)
        rows = (
            (
                f"{factor:g} times",
                [
                    share_of(
                        draws,
                        partial(
                            told_once,
                            before=usual,
                            now=partial(log_normal, sigma=sigma, median_ms=20 * factor),
                            samples=samples,
                            known=samples,
                        ),
                    )
                    for samples in SAMPLES
                ],
            )
            for factor in (1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0)
        )
        table(f"compare: slower, sigma {sigma:g}, by executions on each side", SAMPLES, rows)
    rows = (
        (
            f"{share:.0%} {factor:g} times",
            [
                share_of(
                    draws,
                    partial(
                        told_once,
                        before=log_normal,
                        now=partial(tailed, share=share, factor=factor),
                        samples=samples,
                        known=samples,
                    ),
                )
                for samples in SAMPLES
            ],
        )
        for share in (0.05, 0.1, 0.2, 0.3)
        for factor in (3.0, 8.0)
    )
    table("compare: a part slower, sigma 0.3, by executions on each side", SAMPLES, rows)


NATURES: Final[dict[str, Draw]] = {
    "log-normal, sigma 0.2": partial(log_normal, sigma=0.2),
    "log-normal, sigma 0.3": log_normal,
    "log-normal, sigma 0.6": partial(log_normal, sigma=0.6),
    "Pareto, index 2": heavy,
    "half 5 times as long": partial(tailed, share=0.5, factor=5.0),
    "a third 5 times as long": partial(tailed, share=0.33, factor=5.0),
    "a twentieth 10 times as long": partial(tailed, share=0.05, factor=10.0),
}


def null_tables(draws: int) -> None:
    rows = (
        (
            name,
            [
                10_000
                * share_of(
                    draws,
                    partial(told_once, before=draw, now=draw, samples=samples, known=samples),
                )
                for samples in SAMPLES
            ],
        )
        for name, draw in NATURES.items()
    )
    table(f"compare: false alarms in 10,000 handlers ({draws} drawn), by executions", SAMPLES, rows, "{:.1f}")


def alarms_live(draw: Draw, executions: int, windows: int, seed: int) -> int:
    """How many alarms begin in so many windows, judged one by one."""
    chance, stood, alarms = random.Random(seed), False, 0
    judge = partial(judge_latency, fixed_ms=None, limits=LIMITS)
    state: Learned[BeatStats] = Learned(BeatStats())
    for number in range(windows):
        arrivals = [(number * 10_000, beat(draw(chance) for _ in range(executions)))]
        state, judgement = judge_subject(state, arrivals, BEATS, LIMITS.min_samples, judge)
        alarms += judgement is not None and not stood
        stood = judgement is not None
    return alarms


def live_table(draws: int) -> None:
    columns, windows = (1, 4, 12), 10 * draws
    rows = (
        (
            name,
            [alarms_live(draw, executions, windows, 1) * WINDOWS_A_MONTH / windows for executions in columns],
        )
        for name, draw in NATURES.items()
    )
    table(
        f"live: alarms a handler and month ({windows} windows), by executions a window",
        columns,
        rows,
        "{:.1f}",
    )


ERROR_RATES: Final = (
    (0, 0.0025),
    (0, 0.01),
    (0, 0.05),
    (0.01, 0.01),
    (0.01, 0.03),
    (0.01, 0.05),
    (0.05, 0.05),
    (0.05, 0.1),
    (0.05, 0.2),
)
"""Of both sides. A group that one side does not have is new, however rare it is: hence the alarms of 1 %."""


def errors_of(chance: random.Random, share: float, executions: int) -> ErrorRate:
    count = sum(chance.random() < share for _ in range(executions))
    first_ms = 0 if count else None
    return ErrorRate(ErrorStats(count=count), executions, 600_000, 60, first_ms=first_ms, last_ms=first_ms)


def error_table(draws: int) -> None:
    def told(chance: random.Random, before: float, now: float, executions: int) -> bool:
        current, reference = (errors_of(chance, share, executions) for share in (now, before))
        return error_verdict(current, reference, LIMITS) is not None

    columns = (20, 60, 150, 400, 1000)
    rows = (
        (
            f"{before:.1%} -> {now:.1%}",
            [share_of(draws, partial(told, before=before, now=now, executions=each)) for each in columns],
        )
        for before, now in (
            (0, 0.0025),
            (0, 0.01),
            (0, 0.05),
            (0.01, 0.01),
            (0.01, 0.03),
            (0.01, 0.05),
            (0.05, 0.05),
            (0.05, 0.1),
            (0.05, 0.2),
        )
    )
    table("compare: errors of one group, by executions on each side", columns, rows)


def behavior_table(draws: int) -> None:
    good, bad = ("a", "b", "c", "d"), ("a", "c", "d")

    def path(chance: random.Random, before: float, now: float, count: int) -> bool:
        sides = []
        for share in (now, before):
            wrong = sum(chance.random() < share for _ in range(count))
            sides.append(runs({p: n for p, n in ((good, count - wrong), (bad, wrong)) if n}))
        return bool(judge_runs(sides[0], sides[1], Expectation(), LIMITS))

    def hang(chance: random.Random, before: float, now: float, count: int) -> bool:
        sides = []
        for share in (now, before):
            stopped = sum(chance.random() < share for _ in range(count))
            sides.append(
                hanging(runs({good: count - stopped}), {Stop(2, "b", True): stopped} if stopped else {})
            )
        return bool(judge_runs(sides[0], sides[1], Expectation(), LIMITS))

    columns = (15, 40, 100, 400)
    for name, told in (("a beat left out", path), ("runs that hang", hang)):
        rows = (
            (
                f"{before:.0%} -> {now:.0%}",
                [share_of(draws, partial(told, before=before, now=now, count=each)) for each in columns],
            )
            for before, now in ((0, 0.05), (0, 0.2), (0, 1.0), (0.01, 0.01), (0.05, 0.05), (0.05, 0.2))
        )
        table(f"compare: {name}, nothing declared, by runs on each side", columns, rows)


def table(
    title: str, columns: Iterable[int], rows: Iterable[tuple[str, list[float]]], form: str = "{:.1%}"
) -> None:
    print(f"\n{title}\n{'':30}" + "".join(f"{each:>9}" for each in columns))
    for name, values in rows:
        print(f"{name:30}" + "".join(f"{form.format(each):>9}" for each in values), flush=True)


TABLES: Final[dict[str, Callable[[int], None]]] = {
    "compare": compare_tables,
    "null": null_tables,
    "live": live_table,
    "errors": error_table,
    "behavior": behavior_table,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Power and false alarms of the verdicts, by simulation.")
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="which; else all")
    parser.add_argument("--draws", type=int, default=300, help="comparisons for each figure")
    arguments = parser.parse_args()
    for name in arguments.tables or TABLES:
        TABLES[name](arguments.draws)


if __name__ == "__main__":
    main()
