"""Why runs hang, beats come late and sequences run that nothing knows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from handlers.anomaly.conformance import numbered
from handlers.diagnosis.late_cause import late_cause
from handlers.diagnosis.subject import declared_beat, place
from handlers.diagnosis.wording import count, percent, span, utc
from handlers.model import BehavioralAnomaly, BehavioralDiagnosis, Handler, Sequence, Verdict


class _Cause(msgspec.Struct, frozen=True):
    kind: str
    verdict: Verdict
    says: str
    against: str


RUN_CAUSES: Final = {
    "unfinished": _Cause(
        "handler-hangs",
        "likely",
        "{beats} is the last that these runs tell: its handler waits for what does not come, or nothing "
        "plays the beat after it",
        "no error was told in these runs and no restart cut them off",
    ),
    "too-late": _Cause(
        "held-up",
        "inconclusive",
        "{beats} is played late: what plays it is busy or waits, as in a queue, for a timer or a lock",
        "the time that its own handler takes is not part of the wait",
    ),
    "unknown-sequence": _Cause(
        "sequence-unknown",
        "inconclusive",
        "the sequence is new, or its definition is not among those that are configured",
        "none of its runs is known to be wrong",
    ),
}
"""By kind of anomaly."""


def run_diagnosis(
    anomaly: BehavioralAnomaly,
    sequence: Sequence | None,
    handlers: tuple[Handler, ...],
    load: float | None = None,
    added_ms: Mapping[str, float] = MappingProxyType({}),
) -> BehavioralDiagnosis:
    """The diagnosis of an anomaly of one of the kinds in `RUN_CAUSES`.

    `load`: how many times as often it ran after the beginning. `added_ms`: see `added_work_ms`.
    """
    cause = RUN_CAUSES[anomaly.kind]
    beats = numbered(anomaly.beats, anomaly.declared) if anomaly.beats else "its beginning"
    declared = declared_beat(handlers, sequence.id if sequence else anomaly.sequence, anomaly.event)
    queueing = late_cause(anomaly, beats, load, added_ms) if anomaly.kind == "too-late" else None
    return BehavioralDiagnosis(
        anomaly=anomaly,
        cause=queueing.sentence if queueing else cause.says.format(beats=beats),
        cause_kind="queueing" if queueing else cause.kind,
        verdict=queueing.verdict if queueing else cause.verdict,
        evidence=(
            _measured(anomaly),
            f"first seen {utc(anomaly.first_seen_ms)}",
            *(queueing.evidence if queueing else ()),
        ),
        ruled_out=queueing.ruled_out if queueing else (),
        evidence_against=() if queueing else (cause.against,),
        location=place(declared) or (sequence.file if sequence else ""),
        definition_file=sequence.file if sequence else "",
    )


def _measured(anomaly: BehavioralAnomaly) -> str:
    if anomaly.kind == "too-late":
        return f"median wait {span(anomaly.actual)}, {span(anomaly.expected)} or less in healthy runs"
    if anomaly.kind == "unknown-sequence":
        return f"{count(anomaly.samples, 'run')}, none in the baseline"
    runs = round(anomaly.actual * anomaly.samples)
    return (
        f"{runs:,} of {count(anomaly.samples, 'run')} ({percent(anomaly.actual)}) never ended; "
        f"{percent(anomaly.expected)} of {count(anomaly.baseline_samples, 'earlier run')}"
    )
