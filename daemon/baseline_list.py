"""What is known of each subject, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from config.limits import matches
from handlers.anomaly.baseline import (
    BEATS,
    ERRORS,
    RUNS,
    Baseline,
    Learned,
    Rules,
    S,
    healthy,
    healthy_samples,
    healthy_windows,
)
from handlers.anomaly.subject_names import error_name, learned_beat_names, operators_figure
from handlers.model import BeatStats
from handlers.sketch import quantile_us


class SubjectBaseline(msgspec.Struct, frozen=True):
    """The baseline of one subject."""

    kind: Literal["handler", "sequence", "error"]
    name: str
    handler: str
    """ "Plugin.handler", where it is known."""
    state: Literal["learning", "learned", "pinned"]
    samples: int
    """Healthy executions or runs that it knows."""
    min_samples: int
    """So many are needed before anything is judged."""
    windows: int
    """Healthy windows that it knows."""
    faulty_windows: int
    """Recent windows that are not learned, since a verdict fell on them."""
    since_ms: int
    """Start of the first window of the reference; 0 if there is none."""
    pinned: str
    """The name under which it is pinned, or ""."""
    expected: float | None
    """Median duration in ms of a handler, errors an execution of an error group."""
    expected_from: Literal["settings", "baseline", ""]
    by_hour: bool
    """Whether it knows enough days to expect something else at other hours."""


def chosen(baseline: Baseline, glob: str) -> Baseline:
    """The subjects of which a name matches: "sequence/event", event or "Plugin.handler" of a handler, the id
    of a sequence, "type: message in sequence/event" of an error group."""
    return Baseline(
        baseline.judged_until_ms,
        {key: each for key, each in baseline.beats.items() if matches(learned_beat_names(key, each), glob)},
        {key: each for key, each in baseline.runs.items() if matches((key,), glob)},
        {key: each for key, each in baseline.errors.items() if matches((error_name(key),), glob)},
    )


def list_baselines(
    baseline: Baseline, min_samples: int, expected_ms: Mapping[str, float]
) -> list[SubjectBaseline]:
    """Handlers, sequences and error groups, each in order of their names."""
    handlers = []
    for beat, learned in baseline.beats.items():
        names = learned_beat_names(beat, learned)
        handler = _handler(learned)
        figure_ms = operators_figure(names, expected_ms)
        expected = figure_ms if figure_ms is not None else _median_ms(learned)
        source: Literal["settings", "baseline", ""] = "settings" if figure_ms is not None else "baseline"
        handlers.append(_told("handler", names[0], learned, BEATS, min_samples, expected, source, handler))
    sequences = [
        _told("sequence", run, learned, RUNS, min_samples, None) for run, learned in baseline.runs.items()
    ]
    errors = []
    for error, rate in baseline.errors.items():
        known = healthy(rate, ERRORS)
        count, of = known.errors.count, known.executions
        expected = count / max(of, count) if count else 0.0
        errors.append(_told("error", error_name(error), rate, ERRORS, min_samples, expected, "baseline"))
    return [each for group in (handlers, sequences, errors) for each in sorted(group, key=_order)]


def _handler(learned: Learned[BeatStats]) -> str:
    for stats in (*(recent.stats for recent in reversed(learned.recent)), learned.reference):
        if stats.handler:
            return f"{stats.plugin}.{stats.handler}" if stats.plugin else stats.handler
    return ""


def _order(each: SubjectBaseline) -> str:
    return each.name


def _median_ms(learned: Learned[BeatStats]) -> float | None:
    bins = healthy(learned, BEATS).bins
    return quantile_us(bins, 0.5) / 1000 if bins else None


def _told(
    kind: Literal["handler", "sequence", "error"],
    name: str,
    learned: Learned[S],
    rules: Rules[S],
    min_samples: int,
    expected: float | None,
    expected_from: Literal["settings", "baseline", ""] = "",
    handler: str = "",
) -> SubjectBaseline:
    samples = healthy_samples(learned, rules)
    state: Literal["learning", "learned"] = "learned" if samples >= min_samples else "learning"
    return SubjectBaseline(
        kind=kind,
        name=name,
        handler=handler,
        state="pinned" if learned.pinned else state,
        samples=samples,
        min_samples=min_samples,
        windows=healthy_windows(learned),
        faulty_windows=sum(recent.tainted for recent in learned.recent),
        since_ms=learned.since_ms,
        pinned=learned.pinned,
        expected=expected,
        expected_from=expected_from if expected is not None else "",
        by_hour=bool(learned.season.days),
    )
