"""What the learned model of sequences reaches on generated data.

    python -m tests.benchmarks.quality.measure_sequences [--seeds 3] [--first 0]

For each family: average precision, the best F1 that any threshold reaches, F1 at the product's own threshold,
and the share of normal sessions at or above it.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from statistics import mean

from handlers.anomaly.sequence_verdict import SequenceJudge
from handlers.model import SequenceModel
from handlers.sequence_model import learn
from tests.benchmarks.quality.processes import SIZES, Case, process_log
from tests.benchmarks.quality.sessions import machine_sessions, storage_sessions

Data = tuple[list[Case], list[Case]]
"""(training, test)."""
Scored = list[tuple[float, bool, int]]
"""(score, is anomalous, sessions)."""


def main() -> None:
    """Prints a line a family."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    print(f"{'family':<32} {'AP':>6} {'best F':>7} {'F1':>6} {'false':>7}")
    for name, data in families():
        figures = [figures_of(scored(data(seed))) for seed in seeds]
        print(
            name.ljust(32), " {:.3f}   {:.3f}  {:.3f}  {:.4f}".format(*map(mean, zip(*figures, strict=True)))
        )


def scored(data: Data) -> Scored:
    """Learns from the training and judges each distinct test session once."""
    model = SequenceModel()
    for path, runs in Counter(path for path, _ in data[0]).items():
        learn(model, path, runs)
    judge = SequenceJudge(model)
    return [(judge.judge(path).score, label, runs) for (path, label), runs in Counter(data[1]).items()]


def figures_of(results: Scored) -> tuple[float, float, float, float]:
    """(average precision, best F1, F1 at 1.0: 0 without anomalies; false alarms per normal session)."""
    positives = sum(runs for _, label, runs in results if label)
    negatives = sum(runs for _, label, runs in results if not label)
    false = sum(runs for score, label, runs in results if score >= 1.0 and not label)
    if not positives:
        return 0.0, 0.0, 0.0, false / negatives
    by_score: dict[float, list[int]] = {}
    for score, label, runs in results:
        by_score.setdefault(score, [0, 0])[label] += runs
    wrong = right = 0
    precision_sum = best = own = 0.0
    for score in sorted(by_score, reverse=True):
        wrong += by_score[score][0]
        right += by_score[score][1]
        precision_sum += by_score[score][1] * right / (right + wrong)
        f1 = 2 * right / (right + wrong + positives)
        best = max(best, f1)
        own = f1 if score >= 1.0 else own
    return precision_sum / positives, best, own, false / negatives


def families() -> Iterator[tuple[str, Callable[[int], Data]]]:
    """Named makers of data from a seed."""
    for share in (0.3, 0.0):
        for size in SIZES:
            yield f"{size}, {share:.0%}", partial(_itself, size, share, 0.0)
            yield f"{size}, {share:.0%}, loops, parallel", partial(_itself, size, share, 0.15)
    for polluted in (0.0, 0.05, 0.1):
        for size in SIZES:
            yield f"{size}, trained, {polluted:.0%}", partial(_trained, size, polluted)
    for polluted in (0.0, 0.03, 0.05, 0.1):
        for runs in (5_000, 50_000):
            yield f"storage, trained on {runs}, {polluted:.0%}", partial(_storage, runs, polluted)
        for runs in (200, 1_000):
            yield f"machine, trained on {runs}, {polluted:.0%}", partial(_machine, runs, polluted)
    for share in (0.0, 0.03, 0.1):
        yield f"storage itself, {share:.0%}", partial(_sessions, storage_sessions, 50_000, share)
        yield f"machine itself, {share:.0%}", partial(_sessions, machine_sessions, 2_000, share)


def _itself(size: str, share: float, looping: float, seed: int) -> Data:
    log, _ = process_log(seed, size, anomalous=share, loops=looping, parallel=looping)
    return log, log


def _trained(size: str, polluted: float, seed: int) -> Data:
    log, _ = process_log(seed, size, cases=8_000)
    rng = random.Random(seed)
    return [case for case in log[:4_000] if not case[1] or rng.random() < polluted / 0.3], log[4_000:]


def _storage(runs: int, polluted: float, seed: int) -> Data:
    return storage_sessions(seed, runs, polluted), storage_sessions(seed + 100, 50_000)


def _machine(runs: int, polluted: float, seed: int) -> Data:
    return machine_sessions(seed, runs, polluted), machine_sessions(seed + 100, 2_000)


def _sessions(maker: Callable[[int, int, float], list[Case]], runs: int, share: float, seed: int) -> Data:
    log = maker(seed, runs, share)
    return log, log


if __name__ == "__main__":
    main()
