"""Incidents: anomalies with a life. Detection finds an anomaly anew each time; the incident is what lasts."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from handlers.model import SEVERITIES, AnyAnomaly, Severity

IncidentState = Literal["open", "acknowledged", "silenced", "resolved"]

STATES: Final[tuple[IncidentState, ...]] = ("open", "acknowledged", "silenced", "resolved")
MAX_HISTORY: Final = 50
"""Transitions that an incident remembers, the newest ones."""


class Transition(msgspec.Struct, frozen=True):
    """One step in the life of an incident."""

    at_ms: int
    """Event time where detection made it, the clock's where an operator did."""
    state: IncidentState
    by: str = ""
    """The operator; empty: selfheald itself."""
    why: str = ""


class Incident(msgspec.Struct, frozen=True):
    """An anomaly with its life."""

    anomaly: AnyAnomaly
    """As it was seen last."""
    state: IncidentState
    first_seen_ms: int
    """Event time at which it began, or began anew."""
    last_seen_ms: int
    detections: int
    """Detection cycles that saw it."""
    worst: Severity
    """The gravest that it was since it began."""
    reopened: int = 0
    """How often it came back after it was resolved."""
    by: str = ""
    """Who acknowledged, silenced or resolved it; empty: nobody, or selfheald itself."""
    why: str = ""
    until_ms: int | None = None
    """When the silence ends, by the clock."""
    silenced_at: Severity | None = None
    """The silence ends early when it becomes graver than this."""
    resolved_ms: int | None = None
    """When it was resolved; by detection: the end of the windows in which it was gone."""
    confirmed_ms: int = 0
    """When detection last saw it in new windows, by the clock; 0 if that is not known."""
    settled_ms: int = 0
    """What was seen until then does not bring it back."""
    history: tuple[Transition, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it still stands, even if somebody knows of it."""
        return self.state != "resolved"


def begun(anomaly: AnyAnomaly, at_ms: int, now_ms: int = 0) -> Incident:
    """The incident of an anomaly that was never seen before."""
    return Incident(
        anomaly,
        "open",
        anomaly.first_seen_ms,
        anomaly.last_seen_ms,
        detections=1,
        worst=anomaly.severity,
        confirmed_ms=now_ms,
        history=(Transition(at_ms, "open", why=anomaly.description),),
    )


def seen_again(incident: Incident, anomaly: AnyAnomaly, now_ms: int) -> Incident:
    """An open incident after another detection that saw it. Its state stays."""
    is_new = anomaly.last_seen_ms > incident.last_seen_ms
    return replace(
        incident,
        anomaly=anomaly,
        last_seen_ms=max(incident.last_seen_ms, anomaly.last_seen_ms),
        detections=incident.detections + 1,
        worst=max(incident.worst, anomaly.severity, key=SEVERITIES.index),
        confirmed_ms=now_ms if is_new else incident.confirmed_ms,
    )


def come_back(incident: Incident, anomaly: AnyAnomaly, at_ms: int, now_ms: int) -> Incident:
    """A resolved incident that is seen anew: open, or silenced while a silence that it had lasts."""
    silenced = is_silenced(incident, anomaly.severity, now_ms)
    again = replace(
        incident,
        anomaly=anomaly,
        first_seen_ms=anomaly.first_seen_ms,
        last_seen_ms=anomaly.last_seen_ms,
        detections=incident.detections + 1,
        worst=anomaly.severity,
        reopened=incident.reopened + 1,
        confirmed_ms=now_ms,
        resolved_ms=None,
    )
    if silenced:
        silence = next(each for each in reversed(incident.history) if each.state == "silenced")
        return replace(moved(again, "silenced", at_ms, silence.by, silence.why), until_ms=incident.until_ms)
    return moved(again, "open", at_ms, why="came back")


def is_silenced(incident: Incident, severity: Severity, now_ms: int) -> bool:
    """Whether a silence lasts that covers this severity."""
    if incident.until_ms is None or incident.silenced_at is None or now_ms >= incident.until_ms:
        return False
    return SEVERITIES.index(severity) <= SEVERITIES.index(incident.silenced_at)


def moved(incident: Incident, state: IncidentState, at_ms: int, by: str = "", why: str = "") -> Incident:
    """The incident in another state, which its history remembers."""
    history = (*incident.history, Transition(at_ms, state, by, why))
    return replace(incident, state=state, by=by, why=why, history=history[-MAX_HISTORY:])
