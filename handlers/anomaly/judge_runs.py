"""Judges the runs of one sequence: all that they can do wrong."""

from __future__ import annotations

from config.settings import Detect
from handlers.anomaly.behavior import Behavior, Expectation
from handlers.anomaly.declared_paths import declared_deviations
from handlers.anomaly.late_beats import late_beats
from handlers.anomaly.learned_paths import learned_deviations
from handlers.anomaly.unfinished_runs import unfinished_runs
from handlers.metrics import events_of, first_of
from handlers.model import RunStats


def judge_runs(
    current: RunStats, reference: RunStats, expectation: Expectation, limits: Detect
) -> tuple[Behavior, ...]:
    """What is wrong with the current runs, from nothing but the arguments; the gravest kind of path first.

    A beat that comes late beside beats that are missing or moved is no second alarm.
    """
    if expectation.strange and reference.completed < limits.behavioral_min_runs:
        return _unknown(current, expectation, limits)
    if expectation.events is not None:
        paths = declared_deviations(current, reference, expectation.events, limits)
    else:
        paths = learned_deviations(current, reference, limits)
    late = () if paths else late_beats(current, reference, limits)
    return (*paths, *unfinished_runs(current, reference, limits), *late)


def _unknown(current: RunStats, expectation: Expectation, limits: Detect) -> tuple[Behavior, ...]:
    runs = current.completed
    if runs < limits.behavioral_min_runs:
        return ()
    paths = sorted(current.variants.items(), key=lambda item: (-item[1].runs, item[0]))
    observed = events_of(paths[0][0]) if paths else ()
    return (
        Behavior(
            kind="unknown-sequence",
            says=f"ran, {expectation.strange}",
            events=observed,
            observed=observed,
            runs=runs,
            of=runs,
            confidence=limits.confidence,
            origins=first_of(origin for _, variant in paths for origin in variant.examples),
        ),
    )
