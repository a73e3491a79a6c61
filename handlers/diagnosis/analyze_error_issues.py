"""Beat 7 of the diagnosis: self-healing:diagnosis:analyze:error."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from handlers.diagnosis.error_class import ErrorClass, error_class
from handlers.diagnosis.frame_location import frame_location
from handlers.diagnosis.subject import find_handler, place
from handlers.diagnosis.wording import count, percent, utc
from handlers.model import ErrorAnomaly, ErrorDiagnosis, Handler

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
_PROPERTY: Final = re.compile(r"(?:reading|setting|attribute|property) '(?P<name>[\w$.]+)'")


class ErrorDiagnoses(msgspec.Struct, frozen=True):
    diagnosis: tuple[ErrorDiagnosis, ...]


def analyze_error_issues(
    anomalies: tuple[ErrorAnomaly, ...], handlers: tuple[Handler, ...]
) -> ErrorDiagnoses:
    """Names the class of failure, the frame at fault and whether every execution fails or only some.

    A message tells how the code failed, never why the value or peer was as it was: "likely" at most.
    """
    return ErrorDiagnoses(tuple(_diagnose(anomaly, find_handler(handlers, anomaly)) for anomaly in anomalies))


def _diagnose(anomaly: ErrorAnomaly, handler: Handler | None) -> ErrorDiagnosis:
    failure = error_class(anomaly.error_type, anomaly.template)
    scope, ruled_out = _scope(anomaly)
    member = _PROPERTY.search(anomaly.template) if failure == "null" else None
    used = f" when its {member['name']!r} is used" if member else ""
    message = f"{anomaly.error_type}: {anomaly.template}" if anomaly.error_type else anomaly.template
    return ErrorDiagnosis(
        anomaly=anomaly,
        cause=f"{_CAUSES[failure]}{used}; {scope}",
        cause_kind="null-access" if failure == "null" else failure,
        verdict="inconclusive" if failure == "other" else "likely",
        evidence=(
            f"{count(anomaly.count, 'error')}: {message}",
            f"first seen {utc(anomaly.first_seen_ms)}, last seen {utc(anomaly.last_seen_ms)}",
            *((f"thrown at {anomaly.frame.strip()}",) if anomaly.frame else ()),
            *_history(anomaly),
        ),
        evidence_against=() if anomaly.frame else ("the log has no stack frame of the project for it",),
        ruled_out=ruled_out,
        location=frame_location(anomaly.frame) or place(handler),
        error_class=failure,
        test_file=handler.test_file if handler else "",
    )


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
