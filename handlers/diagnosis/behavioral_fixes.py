"""What to do about a sequence that takes another path than expected."""

from __future__ import annotations

from typing import Final

from handlers.diagnosis.fix import Fix, first_step, undo_steps, undone, where
from handlers.diagnosis.run_fixes import RUN_FIXES, run_fix
from handlers.diagnosis.wording import count, percent, utc
from handlers.model import AssessedDiagnosis, BehavioralAnomaly, BehavioralDiagnosis

_TITLES: Final = {
    "missing": "Play {beats} in {sequence} again",
    "extra": "Keep {beats} out of {sequence}",
    "repeated": "Play {beats} in {sequence} only as often as expected",
}


def behavioral_fixes(
    assessed: AssessedDiagnosis, diagnosis: BehavioralDiagnosis, anomaly: BehavioralAnomaly
) -> tuple[Fix, ...]:
    """Restore the order; and the other side as a choice where nothing tells that the order is still meant."""
    if anomaly.kind in RUN_FIXES:
        return (run_fix(assessed, diagnosis, anomaly),)
    restore = _restore(assessed, diagnosis, anomaly)
    if anomaly.expected_from == "baseline":
        return restore, _declare(diagnosis, anomaly)
    if diagnosis.cause_kind == "definition-changed" and diagnosis.verdict == "confirmed":
        return _redeclare(diagnosis, anomaly), restore
    if diagnosis.cause_kind == "definition-changed" or diagnosis.evidence_against:
        return restore, _redeclare(diagnosis, anomaly)
    return (restore,)


def _path(events: tuple[str, ...]) -> str:
    return " → ".join(events) or "no beat"


def _restore(assessed: AssessedDiagnosis, diagnosis: BehavioralDiagnosis, anomaly: BehavioralAnomaly) -> Fix:
    impact = assessed.impact
    beats = ", ".join(anomaly.beats)
    return Fix(
        slug="restore",
        type="code",
        title=_TITLES.get(anomaly.kind, "Restore the order in {sequence}").format(
            beats=beats, sequence=anomaly.sequence
        ),
        action=f"Make the program play {_path(anomaly.declared)}; it differs at {beats}.{undone(diagnosis)}",
        location=where(diagnosis),
        steps=(
            first_step(diagnosis, f"List what changed in the program before {utc(anomaly.first_seen_ms)}."),
            f"Find where {beats} is played or subscribed, and restore it.",
            *undo_steps(diagnosis),
            "Play the sequence once and compare its beats with the order above.",
        ),
        effort="hours",
        benefit=f"{impact.affected:,} of {count(impact.executions, 'run')} ({percent(impact.share)}) "
        "in the judged span take the expected path again",
    )


def _redeclare(diagnosis: BehavioralDiagnosis, anomaly: BehavioralAnomaly) -> Fix:
    return Fix(
        slug="redeclare",
        type="sequence",
        title=f"Or bring the definition of {anomaly.sequence} up to date",
        action=f"Only if the new path is meant: declare {_path(anomaly.observed)}.",
        location=where(diagnosis),
        steps=(
            "Have the owner of the sequence confirm that the new path is meant.",
            f"Change the beats in {diagnosis.definition_file or 'the definition'} to the path above.",
            "Adapt the tests that check the order.",
        ),
        effort="minutes",
        benefit=_accepted(anomaly),
    )


def _declare(diagnosis: BehavioralDiagnosis, anomaly: BehavioralAnomaly) -> Fix:
    return Fix(
        slug="declare",
        type="documentation",
        title=f"Or declare {anomaly.sequence} as it runs now",
        action="Only if the new path is meant: the expected order was learned from earlier runs, "
        f"nothing declares it. Write a definition with {_path(anomaly.observed)}.",
        location=where(diagnosis),
        steps=(
            "Have the owner of the sequence confirm that the new path is meant.",
            f"Write a definition with the id {anomaly.sequence} and the beats above.",
            "List its file or folder under project.sequences in the settings.",
        ),
        effort="minutes",
        benefit=_accepted(anomaly),
    )


def _accepted(anomaly: BehavioralAnomaly) -> str:
    deviating = round(anomaly.actual * anomaly.samples)
    runs = count(anomaly.samples, "run")
    return f"no run changes; {deviating:,} of {runs} count as meant, and this alarm ends"
