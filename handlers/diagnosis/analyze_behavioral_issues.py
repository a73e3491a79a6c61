"""Beat 5 of the diagnosis: self-healing:diagnosis:analyze:behavioral."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from handlers.anomaly.conformance import Deviation, DeviationKind, deviations, numbered
from handlers.diagnosis.added_work import added_work_ms
from handlers.diagnosis.behavioral_causes import path_cause
from handlers.diagnosis.changes import changes_of, with_changes
from handlers.diagnosis.known import Known
from handlers.diagnosis.run_causes import RUN_CAUSES, run_diagnosis
from handlers.diagnosis.subject import declared_beat, declared_place
from handlers.diagnosis.wording import count, percent, utc
from handlers.model import (
    BeatKey,
    BehavioralAnomaly,
    BehavioralDiagnosis,
    ErrorAnomaly,
    Handler,
    Sequence,
    TelemetryMetrics,
)

_SAYS: Final[dict[DeviationKind, tuple[str, str]]] = {
    "missing": ("does not run", "do not run"),
    "extra": ("runs but does not belong to it", "run but do not belong to it"),
    "repeated": ("runs too often", "run too often"),
    "out-of-order": ("runs in another place", "run in another place"),
}
"""For one beat and for several."""


class BehavioralDiagnoses(msgspec.Struct, frozen=True):
    diagnosis: tuple[BehavioralDiagnosis, ...]


def analyze_behavioral_issues(
    anomalies: tuple[BehavioralAnomaly, ...],
    sequences: tuple[Sequence, ...],
    *,
    handlers: tuple[Handler, ...] = (),
    errors: tuple[ErrorAnomaly, ...] = (),
    metrics: TelemetryMetrics | None = None,
    usual_ms: Mapping[BeatKey, float] | None = None,
    known: Known | None = None,
) -> BehavioralDiagnoses:
    """Says which beats differ, and which side changed: the program where its own past kept the expected
    order, the definition where the runs are as they were before it changed, else that is left open.

    `handlers` give the line and the declared number of each beat. `errors`: what the same detection found.
    `metrics`: the telemetry that it judged; `usual_ms`: the learned medians of beats; without them nothing is
    said of queueing. `known`: source, commits and past.
    """
    known = known or Known()
    usual_ms = usual_ms or {}
    return BehavioralDiagnoses(
        tuple(
            _of_runs(each, sequences, handlers, metrics, usual_ms, known)
            if each.kind in RUN_CAUSES
            else _diagnose(each, sequences, handlers, errors, known)
            for each in anomalies
        )
    )


def _of_runs(
    anomaly: BehavioralAnomaly,
    sequences: tuple[Sequence, ...],
    handlers: tuple[Handler, ...],
    metrics: TelemetryMetrics | None,
    usual_ms: Mapping[BeatKey, float],
    known: Known,
) -> BehavioralDiagnosis:
    changes = changes_of(anomaly, "", known)
    added_ms = added_work_ms(anomaly, metrics, usual_ms) if metrics else {}
    diagnosis = run_diagnosis(anomaly, _declared(anomaly, sequences), handlers, changes.load, added_ms)
    return with_changes(diagnosis, changes, known)


def _declared(anomaly: BehavioralAnomaly, sequences: tuple[Sequence, ...]) -> Sequence | None:
    return next((each for each in sequences if anomaly.sequence in (each.id, each.name)), None)


def _diagnose(
    anomaly: BehavioralAnomaly,
    sequences: tuple[Sequence, ...],
    handlers: tuple[Handler, ...],
    errors: tuple[ErrorAnomaly, ...],
    known: Known,
) -> BehavioralDiagnosis:
    changes = changes_of(anomaly, "", known)
    sequence = _declared(anomaly, sequences)
    sequence_id = sequence.id if sequence else anomaly.sequence
    swapped = _swapped(anomaly)
    found = deviations(anomaly.declared, anomaly.observed)
    beats = [declared_beat(handlers, sequence_id, event) for each in found for event in each.events]
    cause = path_cause(anomaly, changes, errors, known)
    clauses = (
        [f"{numbered(swapped, anomaly.declared)} are swapped"]
        if swapped
        else [_clause(each, anomaly) for each in found]
    )
    deviating = round(anomaly.actual * anomaly.samples)
    diagnosis = BehavioralDiagnosis(
        anomaly=anomaly,
        cause=f"{'; '.join(clauses)}: {cause.sentence}",
        cause_kind=cause.kind,
        verdict=cause.verdict,
        evidence=(
            f"{deviating:,} of {count(anomaly.samples, 'run')} ({percent(anomaly.actual)}) deviate",
            f"most frequent path: {' → '.join(anomaly.observed) or 'no beat at all'}",
            f"first seen {utc(anomaly.first_seen_ms)}",
            _baseline(anomaly),
            *cause.evidence,
        ),
        ruled_out=cause.ruled_out,
        evidence_against=_any_order(swapped, sequence_id, handlers),
        location=next((declared_place(beat) for beat in beats if beat), sequence.file if sequence else ""),
        definition_file=sequence.file if sequence else "",
    )
    return with_changes(diagnosis, changes, known)


def _baseline(anomaly: BehavioralAnomaly) -> str:
    source = "the definition" if anomaly.expected_from == "definition" else "earlier runs"
    if not anomaly.baseline_samples:
        return f"expected by {source}; there is no baseline of earlier runs"
    earlier = count(anomaly.baseline_samples, "earlier run")
    return f"expected by {source}; {percent(anomaly.expected)} of {earlier} deviated"


def _swapped(anomaly: BehavioralAnomaly) -> tuple[str, ...]:
    """The two beats that changed places where that is the whole difference, or none."""
    pairs = zip(anomaly.declared, anomaly.observed, strict=False)
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    same_length = len(anomaly.declared) == len(anomaly.observed)
    if same_length and len(differing) == 2 and differing[0] == differing[1][::-1]:
        return differing[0]
    return ()


def _clause(deviation: Deviation, anomaly: BehavioralAnomaly) -> str:
    one, several = _SAYS[deviation.kind]
    return f"{numbered(deviation.events, anomaly.declared)} {one if len(deviation.events) == 1 else several}"


def _any_order(swapped: tuple[str, ...], sequence_id: str, handlers: tuple[Handler, ...]) -> tuple[str, ...]:
    """Beats that the definition gives the same number may be meant to run in any order."""
    numbers = [beat.beat for event in swapped if (beat := declared_beat(handlers, sequence_id, event))]
    if len(numbers) == 2 and numbers[0] == numbers[1]:
        return (f"the definition gives both beats the number {numbers[0]}: any order may be meant",)
    return ()
