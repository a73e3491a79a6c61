"""What to do about runs that hang, beats that come late and sequences that nothing knows."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from handlers.diagnosis.fix import Fix, where
from handlers.diagnosis.wording import count, percent, span
from handlers.model import AssessedDiagnosis, BehavioralAnomaly, BehavioralDiagnosis, RecommendationType


class _Advice(msgspec.Struct, frozen=True):
    slug: str
    type: RecommendationType
    title: str
    action: str
    steps: tuple[str, ...]
    effort: Literal["minutes", "hours", "days"]


RUN_FIXES: Final = {
    "unfinished": _Advice(
        "end",
        "code",
        "Make every run of {sequence} end",
        "Find what {beat} waits for and give the wait a time limit that ends as an error.",
        (
            "Look at what the handler of {beat} waits for: a promise, a lock, a reply, a loop.",
            "Give the wait a time limit, and fail when it is over.",
            "Play the sequence with the awaited part switched off: the run must end.",
        ),
        "hours",
    ),
    "too-late": _Advice(
        "sooner",
        "code",
        "Play {beat} in {sequence} in time again",
        "Find what holds {beat} up after the beat before it: a queue, a timer, a lock, a busy loop.",
        (
            "Compare how {beat} is scheduled (timing, queue, priority) with the last version in time.",
            "Look at what else runs in the program while {beat} is waited for.",
        ),
        "hours",
    ),
    "queueing": _Advice(
        "queue",
        "config",
        "Shorten the queue before {beat} in {sequence}",
        "Find what {beat} queues for: give it more room, hold it for less long, or let in less.",
        (
            "Look at what plays {beat}: its workers, pool, lock or event loop, and how many wait for it.",
            "Raise what is exhausted (workers, connections, concurrency), or limit what is let in at once.",
            "Make what holds it before {beat} give it back before it does slow work.",
            "Check that the median wait is below {limit} at the same load.",
        ),
        "hours",
    ),
    "unknown-sequence": _Advice(
        "declare",
        "sequence",
        "Declare {sequence}, or keep it from running",
        "If it is meant, declare it; else find what plays it.",
        (
            "Have the owner of the program confirm that the sequence is meant.",
            "Put its definition under project.sequences in the settings.",
        ),
        "minutes",
    ),
}
"""By kind of anomaly, and for queueing by that cause."""


def run_fix(assessed: AssessedDiagnosis, diagnosis: BehavioralDiagnosis, anomaly: BehavioralAnomaly) -> Fix:
    """The advice for an anomaly of one of the kinds in `RUN_FIXES`."""
    kind = "queueing" if diagnosis.cause_kind == "queueing" else anomaly.kind
    advice, impact = RUN_FIXES[kind], assessed.impact
    beat = ", ".join(anomaly.beats) or "the first beat"
    runs = f"{impact.affected:,} of {count(impact.executions, 'run')} ({percent(impact.share)})"
    benefits = {
        "unfinished": f"{runs} end again",
        "too-late": f"{runs} wait {span(max(0.0, anomaly.actual - anomaly.expected))} less",
        "unknown-sequence": "its runs are judged as those of the other sequences are",
    }
    return Fix(
        slug=advice.slug,
        type=advice.type,
        title=advice.title.replace("{beat}", beat).replace("{sequence}", anomaly.sequence),
        action=advice.action.replace("{beat}", beat),
        location=where(diagnosis),
        steps=tuple(
            step.replace("{beat}", beat).replace("{limit}", span(anomaly.limit)) for step in advice.steps
        ),
        effort=advice.effort,
        benefit=benefits[anomaly.kind],
    )
