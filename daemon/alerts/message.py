"""What a receiver is told: a title for a phone's lock screen, and a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from daemon.incident import Incident
from handlers.diagnosis.wording import count, utc
from handlers.model import SEVERITIES, FixRecommendation, Severity

AlertKind = Literal["open", "came-back", "escalate", "resolve", "digest", "test"]

_WORDS = {"open": "found", "came-back": "came back", "escalate": "graver", "resolve": "resolved"}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """As JSON it is the body of a webhook and the standard input of a command."""

    kind: AlertKind
    incident: str
    """Its id; "" for a digest."""
    severity: Severity
    title: str
    text: str
    at_ms: int
    """Event time of what it is about."""


def incident_message(
    kind: AlertKind, incident: Incident, recommendations: Sequence[FixRecommendation]
) -> Message:
    """One change of one incident, with cause and first step where they are known."""
    anomaly = incident.anomaly
    about = anomaly.handler or anomaly.event or anomaly.sequence
    lines = [f"{anomaly.description}."]
    if kind == "resolve":
        lines.append(f"It {incident.why or 'is over'}.")
    elif recommendations:
        diagnosis = recommendations[0].assessed.diagnosis
        lines += [f"Cause ({diagnosis.verdict}): {diagnosis.cause}", f"Do first: {recommendations[0].title}"]
    lines += [f"Since {utc(incident.first_seen_ms)}.", f"selfheald show {anomaly.id}"]
    return Message(
        kind=kind,
        incident=anomaly.id,
        severity=anomaly.severity,
        title=f"[{anomaly.severity}] {_WORDS[kind]}: {anomaly.kind} {about}",
        text="\n".join(lines),
        at_ms=incident.last_seen_ms,
    )


def digest_message(incidents: Iterable[Incident], since_ms: int, at_ms: int) -> Message:
    """What is open, gravest first, and how much ended since `since_ms`."""
    known = list(incidents)
    standing = sorted(
        (each for each in known if each.is_open),
        key=lambda each: (-SEVERITIES.index(each.anomaly.severity), each.anomaly.id),
    )
    ended = sum(not each.is_open and (each.resolved_ms or 0) >= since_ms for each in known)
    lines = [
        f"{each.anomaly.severity} {each.anomaly.id} ({each.state}): {each.anomaly.description}"
        for each in standing
    ]
    return Message(
        kind="digest",
        incident="",
        severity=standing[0].anomaly.severity if standing else "low",
        title=f"{count(len(standing), 'incident')} open, {ended} resolved since {utc(since_ms)}",
        text="\n".join(lines) or "Nothing is open.",
        at_ms=at_ms,
    )


def trial_message(route: str, at_ms: int) -> Message:
    return Message(
        kind="test",
        incident="",
        severity="low",
        title=f"selfheald: a test of the route {route}",
        text="If you can read this, alerts reach you.",
        at_ms=at_ms,
    )
