"""What is known of the normal, per beat, sequence and error group, and how it is learned.

Each subject keeps a reference (all that was judged healthy) and its recent windows. The newest windows that
together hold enough samples are the current ones; they are judged against the reference, twice: a short span
notices a large fault soon, a span of `LONG_SPAN` times the samples shows a smaller one and keeps a verdict
from coming and going. A window joins the reference when newer ones have pushed it out of the long span and no
verdict ever fell on it. So a fault that either span shows is not learned as normal, and the state of a
subject has a bounded size however long the history is.

Where durations usually depend on the time of day or of week (`season`), current windows are compared with the
reference as it would be at their time, and learned as they would be at any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

import msgspec

from handlers.anomaly.error_rate import ErrorRate, add_rates, healthy_rates
from handlers.anomaly.long_term import PerformanceMemory
from handlers.anomaly.season import HOUR_MS, Season
from handlers.metrics import add_beats, add_runs
from handlers.model import BeatKey, BeatStats, ErrorKey, RunStats, TelemetryMetrics
from handlers.sketch import median_bin, shifted_bins

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
    stands: bool = False
    """Whether the last judgement found something wrong."""
    since_ms: int = 0
    """Start of the first window in the reference; 0 while there is none."""
    pinned: str = ""
    """The name under which an operator froze the reference; "" if it is learned on."""
    season: Season = msgspec.field(default_factory=Season)
    declared: tuple[str, ...] | None = None
    """Of a sequence, the definition by which it was judged, () for none; None where that is not known."""


class Baseline(msgspec.Struct):
    """What is known of all subjects, and the end of the last window that was judged."""

    judged_until_ms: int = 0
    beats: dict[BeatKey, Learned[BeatStats]] = {}
    runs: dict[str, Learned[RunStats]] = {}
    errors: dict[ErrorKey, Learned[ErrorRate]] = {}
    performance: PerformanceMemory = msgspec.field(default_factory=PerformanceMemory)


class Durations(msgspec.Struct, Generic[S], frozen=True):
    """How to come at the durations in statistics, and how to make them longer by so many bins."""

    bins: Callable[[S], dict[int, int]]
    shifted: Callable[[S, int], S]


class Rules(msgspec.Struct, Generic[S], frozen=True):
    """How the statistics of one kind of subject are made, added and counted."""

    empty: Callable[[], S]
    add: Callable[[S, S], None]
    samples: Callable[[S], int]
    durations: Durations[S] | None = None
    """None where the time of day is not learned."""


def _shift_beats(stats: BeatStats, offset: int) -> BeatStats:
    return msgspec.structs.replace(stats, bins=shifted_bins(stats.bins, offset)) if offset else stats


# What has no duration cannot be judged; where nothing has one, the executions count, so that it is learned.
BEATS: Final = Rules(
    BeatStats,
    add_beats,
    lambda stats: sum(stats.bins.values()) or stats.completed - stats.failed,
    Durations(lambda stats: stats.bins, _shift_beats),
)
RUNS: Final = Rules(
    RunStats, add_runs, lambda stats: stats.completed + sum(stop.runs for stop in stats.stops.values())
)
ERRORS: Final = Rules(
    ErrorRate, add_rates, lambda stats: max(stats.executions, stats.errors.count, stats.windows)
)


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
    still: Callable[[S, S], V | None] | None = None,
) -> tuple[Learned[S], Judgement[V] | None]:
    """Takes a subject's new windows one by one, as they would have come live, and judges after each.

    `arrivals` are (start_ms, statistics) in order of time. `judge` compares (current, reference); `still`
    does so in its place while a verdict stands. Returns the new state, sharing nothing that is changed with
    the old one, and the verdict that stands at the end. If nothing changed, the state is `learned` itself.
    """
    verdicts = (judge, still or judge)
    new = list(arrivals)
    if not new and not any(recent.tainted for recent in learned.recent):
        return learned, None
    reference = rules.empty()
    rules.add(reference, learned.reference)
    state = msgspec.structs.replace(
        learned,
        reference=reference,
        recent=[msgspec.structs.replace(old) for old in learned.recent],
        season=learned.season.copy(),
    )
    judgement: Judgement[V] | None = None
    for start_ms, stats in new:
        state.recent.append(Recent(start_ms, stats))
        judgement = _judge(state, rules, min_samples, verdicts)
    if not new:
        judgement = _judge(state, rules, min_samples, verdicts)
        state = learned if state == learned else state
    return state, judgement


def _judge(
    state: Learned[S],
    rules: Rules[S],
    min_samples: int,
    verdicts: tuple[Callable[[S, S], V | None], Callable[[S, S], V | None]],
) -> Judgement[V] | None:
    split, current, verdict = len(state.recent), rules.empty(), None
    judge = verdicts[state.stands]
    for least in (min_samples, LONG_SPAN * min_samples):
        while split and rules.samples(current) < least:
            split -= 1
            rules.add(current, state.recent[split].stats)
        verdict = judge(current, _known(state, split, rules, min_samples))
        if verdict is not None or not split:
            break
    state.stands = verdict is not None
    if verdict is None:
        _learn(state, max(split, len(state.recent) - MAX_RECENT), rules)
        return None
    for recent in state.recent[split:]:
        recent.tainted = True
    _learn(state, max(0, len(state.recent) - MAX_RECENT), rules)
    tainted = [recent.start_ms for recent in state.recent if recent.tainted]
    return Judgement(verdict, min(tainted), max(tainted))  # late windows stand behind newer ones


def healthy(learned: Learned[S], rules: Rules[S]) -> S:
    """All on which no verdict fell, the windows included that wait to be learned."""
    known = rules.empty()
    for stats in (
        learned.reference,
        *(recent.stats for recent in learned.recent if not recent.tainted),
    ):
        rules.add(known, stats)
    return known


def healthy_windows(learned: Learned[S]) -> int:
    """How many windows that are."""
    return learned.windows + sum(not recent.tainted for recent in learned.recent)


def healthy_samples(learned: Learned[S], rules: Rules[S]) -> int:
    """How many samples that are."""
    return rules.samples(healthy(learned, rules))


def _known(state: Learned[S], split: int, rules: Rules[S], min_samples: int) -> S:
    """The reference as it would be at the time of the windows from `split` on.

    While it holds too little, it stands together with the healthy windows that wait to be learned.
    """
    known = state.reference
    if rules.samples(known) < min_samples:
        known = rules.empty()
        rules.add(known, state.reference)
        for recent in state.recent[:split]:
            if not recent.tainted:
                rules.add(known, recent.stats)
    if rules.durations is None or not state.season.days:
        return known
    return rules.durations.shifted(known, _offset(state, state.recent[split:], known, rules.durations))


def _offset(state: Learned[S], windows: list[Recent[S]], known: S, durations: Durations[S]) -> int:
    """By how many bins the windows are usually longer than what is known: the mean of all executions."""
    bins = durations.bins(known)
    if not bins:
        return 0
    by_hour: dict[int, int] = {}
    for window in windows:
        hour = window.start_ms // HOUR_MS
        by_hour[hour] = by_hour.get(hour, 0) + sum(durations.bins(window.stats).values())
    normal, samples = median_bin(bins), sum(by_hour.values())
    total = sum(count * state.season.offset(hour, normal) for hour, count in by_hour.items())
    return (2 * total + samples) // (2 * samples) if samples else 0


def _learn(state: Learned[S], count: int, rules: Rules[S]) -> None:
    """Moves the oldest `count` recent windows into the reference; tainted ones are dropped."""
    for recent in [] if state.pinned else state.recent[:count]:
        if not recent.tainted:
            state.since_ms = min(state.since_ms or recent.start_ms, recent.start_ms)
            rules.add(state.reference, _as_usual(state, recent, rules))
            state.windows += 1
        if rules.durations is not None:
            state.season.take(recent.start_ms, rules.durations.bins(recent.stats), faulty=recent.tainted)
    del state.recent[:count]


def _as_usual(state: Learned[S], recent: Recent[S], rules: Rules[S]) -> S:
    """What the window would be at a time at which the subject takes as long as its reference."""
    if rules.durations is None or not state.season.days:
        return recent.stats
    offset = _offset(state, [recent], state.reference, rules.durations)
    return rules.durations.shifted(recent.stats, -offset)


def baseline_of(metrics: TelemetryMetrics) -> Baseline:
    """A baseline that takes everything as healthy: the first side of a comparison."""
    baseline = Baseline()
    for window in metrics.windows.values():
        for beat, beat_stats in window.beats.items():
            _take(baseline.beats.setdefault(beat, Learned(BeatStats())), beat_stats, BEATS)
        for run, run_stats in window.runs.items():
            _take(baseline.runs.setdefault(run, Learned(RunStats())), run_stats, RUNS)
    for error, rate in healthy_rates(metrics).items():
        baseline.errors[error] = Learned(rate, rate.windows)
    return baseline


def _take(learned: Learned[S], stats: S, rules: Rules[S]) -> None:
    rules.add(learned.reference, stats)
    learned.windows += 1


def changed(before: Baseline, after: Baseline) -> Baseline:
    """What of `after` is another object than in `before`: it was judged and is to be stored."""
    return Baseline(
        after.judged_until_ms,
        {key: each for key, each in after.beats.items() if each is not before.beats.get(key)},
        {key: each for key, each in after.runs.items() if each is not before.runs.get(key)},
        {key: each for key, each in after.errors.items() if each is not before.errors.get(key)},
        PerformanceMemory(
            {
                key: each
                for key, each in after.performance.beats.items()
                if each is not before.performance.beats.get(key)
            },
            after.performance.activity,
        ),
    )
