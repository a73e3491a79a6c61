"""Beat 7 of the diagnosis: self-healing:diagnosis:analyze:error."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec.structs import replace

from handlers.diagnosis.changes import LOAD_FACTOR, changes_of, with_changes
from handlers.diagnosis.common_attributes import CommonAttribute, common_attributes
from handlers.diagnosis.error_class import ErrorClass, error_class
from handlers.diagnosis.failing_beats import failing_beats
from handlers.diagnosis.frame_location import frame_location, in_checkout
from handlers.diagnosis.known import Known
from handlers.diagnosis.subject import find_handler, place
from handlers.diagnosis.untested_line import untested_line
from handlers.diagnosis.upstream import upstream_error
from handlers.diagnosis.wording import count, percent, utc
from handlers.model import ErrorAnomaly, ErrorDiagnosis, Handler, TelemetryMetrics

_CAUSES: Final[dict[ErrorClass, str]] = {
    "null": "a value that the code uses is missing (null, undefined or None)",
    "type": "a value has another type than the code can handle",
    "limit": "a value is beyond a limit of the code or the runtime",
    "connection": "a service or peer that the code calls is not reachable or drops the connection",
    "timeout": "something that the code waits for takes longer than its time limit",
    "permission": "the process or user may not do what the code asks for",
    "not-found": "something that the code names does not exist: a file, key, name or element",
    "parse": "the code reads text that does not have the expected form",
    "other": "the message fits no known class of failure",
}
_MAX_COMMON: Final = 3
_PROPERTY: Final = re.compile(r"(?:reading|setting|attribute|property) '(?P<name>[\w$.]+)'")


class ErrorDiagnoses(msgspec.Struct, frozen=True):
    diagnosis: tuple[ErrorDiagnosis, ...]


def analyze_error_issues(
    anomalies: tuple[ErrorAnomaly, ...],
    handlers: tuple[Handler, ...],
    *,
    metrics: TelemetryMetrics | None = None,
    known: Known | None = None,
) -> ErrorDiagnoses:
    """Names the class of failure, the frame at fault and whether every execution fails or only some.

    A message tells how the code failed, never why the value or peer was as it was: "likely" at most.
    Only a commit that changed the very line that throws makes it more. `metrics`: the telemetry that was
    judged; it tells what the failing executions have in common. `known`: source, commits and past.
    """
    known = known or Known()
    cohorts = ((),) * len(anomalies) if metrics is None else failing_beats(anomalies, metrics)
    return ErrorDiagnoses(
        tuple(
            _with_changes(
                anomaly,
                _diagnose(anomaly, find_handler(handlers, anomaly), common_attributes(compared), known),
                upstream_error(anomaly, anomalies, known.codebase),
                known,
            )
            for anomaly, compared in zip(anomalies, cohorts, strict=True)
        )
    )


def _diagnose(
    anomaly: ErrorAnomaly, handler: Handler | None, common: tuple[CommonAttribute, ...], known: Known
) -> ErrorDiagnosis:
    failure = error_class(anomaly.error_type, anomaly.template)
    scope, ruled_out = _scope(anomaly)
    member = _PROPERTY.search(anomaly.template) if failure == "null" else None
    used = f" when its {member['name']!r} is used" if member else ""
    message = f"{anomaly.error_type}: {anomaly.template}" if anomaly.error_type else anomaly.template
    location = in_checkout(frame_location(anomaly.frame), known.by_file) or place(handler)
    untested = untested_line(location, known.codebase.functions) if anomaly.frame else ""
    return ErrorDiagnosis(
        anomaly=anomaly,
        cause=f"{_CAUSES[failure]}{used}; {scope}",
        cause_kind="null-access" if failure == "null" else failure,
        verdict="inconclusive" if failure == "other" else "likely",
        evidence=(
            f"{count(anomaly.count, 'error')}: {message}",
            f"first seen {utc(anomaly.first_seen_ms)}, last seen {utc(anomaly.last_seen_ms)}",
            *((f"thrown at {anomaly.frame.strip()}",) if anomaly.frame else ()),
            *((untested,) if untested else ()),
            *_history(anomaly),
            *(f"in common: {each.reason}" for each in common[:_MAX_COMMON]),
        ),
        evidence_against=() if anomaly.frame else ("the log has no stack frame of the project for it",),
        ruled_out=ruled_out,
        location=location,
        error_class=failure,
        test_file=handler.test_file if handler else "",
    )


def _with_changes(
    anomaly: ErrorAnomaly, diagnosis: ErrorDiagnosis, upstream: str, known: Known
) -> ErrorDiagnosis:
    """What precedes it, when it began and which commit brought it: the first bad one."""
    changes = changes_of(anomaly, diagnosis.location, known)
    file, _, line = diagnosis.location.rpartition(":")
    culprit = changes.culprit
    throws_there = (
        culprit is not None
        and culprit.place.rpartition(":")[0] == file
        and line.isdecimal()
        and int(line) in changes.commits.brought
    )
    thrown_at = diagnosis.location if anomaly.frame else ""
    found = with_changes(diagnosis, changes, known, is_proved=throws_there)
    evidence = found.evidence
    if throws_there:
        evidence += (f"the line that throws, {thrown_at}, is the doing of this commit",)
    if changes.load is not None and changes.load >= LOAD_FACTOR:
        evidence += (f"it runs {changes.load:.2f} times as often since: load may decide too",)
    if upstream:
        found = replace(found, evidence_against=(*found.evidence_against, upstream))
    # The frame is nearer to the fault than any changed line.
    return replace(found, evidence=evidence, location=thrown_at or found.location)


def _scope(anomaly: ErrorAnomaly) -> tuple[str, tuple[str, ...]]:
    """Whether every execution fails or only some, and what that rules out."""
    if not anomaly.event or not anomaly.executions:
        return "how many executions succeed the log does not tell", ()
    executions = count(anomaly.executions, "execution")
    if anomaly.count >= anomaly.executions:
        return f"no execution is known to succeed ({count(anomaly.count, 'error')} in {executions})", ()
    share = percent(anomaly.count / anomaly.executions)
    succeeded = count(anomaly.executions - anomaly.count, "execution")
    return (
        f"{anomaly.count:,} of {executions} fail ({share}), so input, state or timing decides",
        (f"code that always fails: {succeeded} succeeded",),
    )


def _history(anomaly: ErrorAnomaly) -> tuple[str, ...]:
    if anomaly.kind == "came-back":
        return ("it was told before, and had gone since",)
    if not anomaly.baseline_samples:
        return ("there is no baseline of earlier executions",)
    if anomaly.unit == "errors/minute":
        return (f"it occurred before too: {anomaly.expected:.3g} times a minute",)
    earlier = count(anomaly.baseline_samples, "execution")
    if anomaly.expected == 0:
        return (f"new: it never occurred in {earlier} before",)
    return (f"it occurred before too: {percent(anomaly.expected)} of {earlier}",)
