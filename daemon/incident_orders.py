"""What operators do to incidents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from daemon.incident import Incident, moved
from daemon.orders import Line, Order, OrderRecords, OrderRefusedError
from handlers.anomaly.settle import forget_evidence, take_as_normal
from handlers.model import (
    AnyAnomaly,
    BehavioralAnomaly,
    CoverageAnomaly,
    ErrorAnomaly,
    PerformanceAnomaly,
    SelfAnomaly,
)

MAX_SILENCE_MS: Final = 366 * 86_400_000
"""A silence for ever is none: the cause stays, and who asked for it leaves."""

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Acknowledge(Order, frozen=True, kw_only=True, tag="ack"):
    """Somebody knows of it and works on it."""

    incident: Line
    note: Line = ""

    def carry_out(self, records: OrderRecords) -> str:
        incident = _open_one(records, self.incident)
        after = moved(incident, "acknowledged", self.at_ms, self.by, self.note)
        records.incidents.put([replace(after, until_ms=None, silenced_at=None)])
        return f"acknowledged by {self.by}{_said(self.note)}: {_about(incident)}"


class Silence(Order, frozen=True, kw_only=True, tag="silence"):
    """Nobody wants to hear of it for a while, unless it gets graver."""

    incident: Line
    for_ms: Annotated[int, msgspec.Meta(gt=0, le=MAX_SILENCE_MS)]
    why: Reason

    def carry_out(self, records: OrderRecords) -> str:
        incident = _open_one(records, self.incident)
        until_ms = self.at_ms + self.for_ms
        after = moved(incident, "silenced", self.at_ms, self.by, self.why)
        records.incidents.put([replace(after, until_ms=until_ms, silenced_at=incident.anomaly.severity)])
        until = datetime.fromtimestamp(until_ms / 1000, UTC)
        return f"silenced by {self.by} until {until:%Y-%m-%d %H:%M} UTC{_said(self.why)}: {_about(incident)}"


class Resolve(Order, frozen=True, kw_only=True, tag="resolve"):
    """It is mended. What was seen so far is no longer held against it."""

    incident: Line
    why: Line = ""

    def carry_out(self, records: OrderRecords) -> str:
        incident = _open_one(records, self.incident)
        records.incidents.put([_closed(incident, self, self.why)])
        records.baselines.put(forget_evidence(records.baselines.load(), incident.anomaly))
        return f"resolved by {self.by}{_said(self.why)}: {_about(incident)}"


class Accept(Order, frozen=True, kw_only=True, tag="accept"):
    """It is normal: from now on it is what is expected."""

    incident: Line
    why: Reason

    def carry_out(self, records: OrderRecords) -> str:
        incident = _open_one(records, self.incident)
        if other := _not_learned(incident.anomaly):
            raise OrderRefusedError(f"{self.incident}: what is expected is not learned here; {other}")
        records.incidents.put([_closed(incident, self, f"accepted: {self.why}")])
        records.baselines.put(take_as_normal(records.baselines.load(), incident.anomaly))
        return f"accepted as normal by {self.by}{_said(self.why)}: {_about(incident)}"


def _open_one(records: OrderRecords, incident_id: str) -> Incident:
    incident = records.incidents.find(incident_id)
    if incident is None:
        raise OrderRefusedError(f"{incident_id}: there is no incident with this id")
    if not incident.is_open:
        raise OrderRefusedError(f"{incident_id}: is resolved already")
    return incident


def _closed(incident: Incident, order: Order, why: str) -> Incident:
    return replace(
        moved(incident, "resolved", order.at_ms, order.by, why),
        resolved_ms=order.at_ms,
        settled_ms=incident.last_seen_ms,
        until_ms=None,
        silenced_at=None,
    )


def _not_learned(anomaly: AnyAnomaly) -> str:
    """Where the expected figure comes from and can be changed; empty if it was learned."""
    match anomaly:
        case PerformanceAnomaly(expected_from="settings"):
            return "change expected_ms in the settings"
        case BehavioralAnomaly(expected_from="definition"):
            return "change the definition of the sequence"
        case CoverageAnomaly():
            return "write a test, or silence it"
        case SelfAnomaly():
            return "mend it, or silence it"
        case PerformanceAnomaly() | BehavioralAnomaly() | ErrorAnomaly():
            return ""


def _said(why: str) -> str:
    return f' ("{why}")' if why else ""


def _about(incident: Incident) -> str:
    return f"{incident.anomaly.id}, {incident.anomaly.description}"
