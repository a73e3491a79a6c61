"""What the runs of a sequence do that they should not, and what is known of the sequence to tell it."""

from __future__ import annotations

from typing import Literal

import msgspec

from config.settings import Detect
from handlers.anomaly.statistics import clumps, fisher_greater
from handlers.metrics import events_of
from handlers.model import Origin, RunStats

BehaviorKind = Literal[
    "missing", "extra", "repeated", "out-of-order", "unknown-sequence", "unfinished", "too-late"
]


class Expectation(msgspec.Struct, frozen=True):
    """What is known of a sequence besides its own past."""

    events: tuple[str, ...] | None = None
    """In declared order; None where nothing declares them."""
    strange: str = ""
    """Why a sequence without a past should not run, or "" where it may."""


class Wait(msgspec.Struct, frozen=True):
    """How long a beat is waited for, in milliseconds."""

    actual_ms: float
    expected_ms: float
    limit_ms: float
    interval_ms: tuple[float, float]


class Behavior(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which runs of a sequence go wrong."""

    kind: BehaviorKind
    says: str
    """What the runs did, and against what: the end of a sentence."""
    events: tuple[str, ...]
    """The beats concerned."""
    runs: int
    of: int
    base_runs: int = 0
    """Runs of the reference that did the same."""
    base_of: int = 0
    confidence: float
    origins: tuple[Origin, ...]
    expected: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    is_declared: bool = False
    """It breaks a declaration, not what was learned."""
    wait: Wait | None = None
    """Only for `too-late`, which is measured in milliseconds."""


def news_confidence(behavior: Behavior, limits: Detect, tests: int = 1) -> float | None:
    """Probability that the runs deviate more often than those of the reference did; None below the limit.

    `tests`: how many such questions are asked at once, any of which chance may answer (Bonferroni). What
    healthy runs did too is asked with each of its returns; what none of them ever did is new only once.
    """
    if behavior.runs < limits.behavioral_min_runs:
        return None
    chance = tests * fisher_greater(behavior.runs, behavior.of, behavior.base_runs, behavior.base_of)
    if behavior.base_runs:
        chance *= clumps(behavior.runs, behavior.of, behavior.base_of)
    return 1 - chance if chance <= 1 - limits.confidence else None


def usual_path(reference: RunStats) -> tuple[str, ...]:
    """The path that most runs took; of equals the last in order of text."""
    paths = reference.variants
    return events_of(max(paths, key=lambda path: (paths[path].runs, path), default=""))
