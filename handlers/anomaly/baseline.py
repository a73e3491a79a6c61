"""What is known of the normal, per beat, sequence and error group, and how it is learned.

Each subject keeps a reference (all that was judged healthy) and its recent windows. The newest windows that
together hold enough samples are the current ones; they are judged against the reference, twice: a short span
notices a large fault soon, a span of `LONG_SPAN` times the samples shows a smaller one and keeps a verdict
from coming and going. A window joins the reference when newer ones have pushed it out of the long span and no
verdict ever fell on it. So a fault that either span shows is not learned as normal, and the state of a
subject has a bounded size however long the history is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

import msgspec

from handlers.metrics import add_beats, add_errors, add_runs
from handlers.model import BeatKey, BeatStats, ErrorKey, ErrorStats, RunStats, TelemetryMetrics, Window

MAX_RECENT: Final = 180
"""Windows that a subject keeps before the oldest must be learned or dropped."""
LONG_SPAN: Final = 4
"""Samples of the long span, in those of the short one. Simulated with a handler that becomes 2.2 times
slower, at 12 executions a window: with the short span alone the verdict stands in 23 % of the windows and
changes 29 times in 100, with both in 98 % and changes once or twice."""

S = TypeVar("S")
V = TypeVar("V")


class Recent(msgspec.Struct, Generic[S]):
    """One window of a subject that is not learned yet."""

    start_ms: int
    stats: S
    tainted: bool = False
    """A verdict fell on it: it is never learned."""


class Learned(msgspec.Struct, Generic[S]):
    """What is known of one subject."""

    reference: S
    windows: int = 0
    """How many windows the reference was learned from."""
    recent: list[Recent[S]] = []


class ErrorRate(msgspec.Struct):
    """Errors of one group among the executions of its beat."""

    errors: ErrorStats = msgspec.field(default_factory=ErrorStats)
    executions: int = 0


class Baseline(msgspec.Struct):
    """What is known of all subjects, and the end of the last window that was judged."""

    judged_until_ms: int = 0
    beats: dict[BeatKey, Learned[BeatStats]] = {}
    runs: dict[str, Learned[RunStats]] = {}
    errors: dict[ErrorKey, Learned[ErrorRate]] = {}


class Rules(msgspec.Struct, Generic[S], frozen=True):
    """How the statistics of one kind of subject are made, added and counted."""

    empty: Callable[[], S]
    add: Callable[[S, S], None]
    samples: Callable[[S], int]


def _add_rate(into: ErrorRate, other: ErrorRate) -> None:
    add_errors(into.errors, other.errors)
    into.executions += other.executions


# What has no duration cannot be judged; where nothing has one, the executions count, so that it is learned.
BEATS: Final = Rules(
    BeatStats, add_beats, lambda stats: sum(stats.bins.values()) or stats.completed - stats.failed
)
RUNS: Final = Rules(
    RunStats, add_runs, lambda stats: stats.completed + sum(stop.runs for stop in stats.stops.values())
)
ERRORS: Final = Rules(ErrorRate, _add_rate, lambda stats: max(stats.executions, stats.errors.count))


class Judgement(msgspec.Struct, Generic[V], frozen=True):
    """A verdict and the span of the windows on which it fell."""

    verdict: V
    first_ms: int
    last_ms: int


def judge_subject(
    learned: Learned[S],
    arrivals: Iterable[tuple[int, S]],
    rules: Rules[S],
    min_samples: int,
    judge: Callable[[S, S], V | None],
) -> tuple[Learned[S], Judgement[V] | None]:
    """Takes a subject's new windows one by one, as they would have come live, and judges after each.

    `arrivals` are (start_ms, statistics) in order of time. `judge` compares (current, reference). Returns
    the new state, sharing nothing that is changed with the old one, and the verdict that stands at the end.
    """
    reference = rules.empty()
    rules.add(reference, learned.reference)
    state = Learned(reference, learned.windows, [msgspec.structs.replace(old) for old in learned.recent])
    judgement: Judgement[V] | None = None
    judged = False
    for start_ms, stats in arrivals:
        state.recent.append(Recent(start_ms, stats))
        judgement = _judge(state, rules, min_samples, judge)
        judged = True
    if not judged and any(recent.tainted for recent in state.recent):
        judgement = _judge(state, rules, min_samples, judge)
    return state, judgement


def _judge(
    state: Learned[S], rules: Rules[S], min_samples: int, judge: Callable[[S, S], V | None]
) -> Judgement[V] | None:
    split, current, verdict = len(state.recent), rules.empty(), None
    for least in (min_samples, LONG_SPAN * min_samples):
        while split and rules.samples(current) < least:
            split -= 1
            rules.add(current, state.recent[split].stats)
        verdict = judge(current, _known(state, split, rules, min_samples))
        if verdict is not None or not split:
            break
    if verdict is None:
        _learn(state, max(split, len(state.recent) - MAX_RECENT), rules)
        return None
    for recent in state.recent[split:]:
        recent.tainted = True
    _learn(state, max(0, len(state.recent) - MAX_RECENT), rules)
    tainted = [recent.start_ms for recent in state.recent if recent.tainted]
    return Judgement(verdict, min(tainted), max(tainted))  # late windows stand behind newer ones


def healthy_samples(learned: Learned[S], rules: Rules[S]) -> int:
    """Samples on which no verdict fell, those included that wait to be learned."""
    waiting = (recent.stats for recent in learned.recent if not recent.tainted)
    return rules.samples(learned.reference) + sum(rules.samples(stats) for stats in waiting)


def _known(state: Learned[S], split: int, rules: Rules[S], min_samples: int) -> S:
    """The reference; while it holds too little, with the healthy windows that wait to be learned."""
    if rules.samples(state.reference) >= min_samples:
        return state.reference
    known = rules.empty()
    rules.add(known, state.reference)
    for recent in state.recent[:split]:
        if not recent.tainted:
            rules.add(known, recent.stats)
    return known


def _learn(state: Learned[S], count: int, rules: Rules[S]) -> None:
    """Moves the oldest `count` recent windows into the reference; tainted ones are dropped."""
    for recent in state.recent[:count]:
        if not recent.tainted:
            rules.add(state.reference, recent.stats)
            state.windows += 1
    del state.recent[:count]


def baseline_of(metrics: TelemetryMetrics) -> Baseline:
    """A baseline that takes everything as healthy: the first side of a comparison."""
    baseline = Baseline()
    for window in metrics.windows.values():
        for beat, beat_stats in window.beats.items():
            _take(baseline.beats.setdefault(beat, Learned(BeatStats())), beat_stats, BEATS)
        for run, run_stats in window.runs.items():
            _take(baseline.runs.setdefault(run, Learned(RunStats())), run_stats, RUNS)
        for error, error_stats in window.errors.items():
            rate = ErrorRate(error_stats, executions_of(window, error))
            _take(baseline.errors.setdefault(error, Learned(ErrorRate())), rate, ERRORS)
    for error, learned_errors in baseline.errors.items():
        beat_baseline = baseline.beats.get(error[:2])
        if beat_baseline is not None:
            learned_errors.reference.executions = beat_baseline.reference.completed
    return baseline


def _take(learned: Learned[S], stats: S, rules: Rules[S]) -> None:
    rules.add(learned.reference, stats)
    learned.windows += 1


def executions_of(window: Window, error: ErrorKey) -> int:
    """Executions of the beat to which an error group belongs."""
    beat = window.beats.get((error[0], error[1]))
    return beat.completed if beat is not None else 0
