"""What operators do to incidents."""

from __future__ import annotations

from daemon.incident import Incident, moved
from daemon.orders import Line, Order, OrderRecords, OrderRefusedError


class Acknowledge(Order, frozen=True, kw_only=True, tag="ack"):
    """Somebody knows of it and works on it."""

    incident: Line
    note: Line = ""

    def carry_out(self, records: OrderRecords) -> str:
        incident = _open_one(records, self.incident)
        records.incidents.put([moved(incident, "acknowledged", self.at_ms, self.by, self.note)])
        return f"acknowledged by {self.by}: {_about(incident)}" + (self.note and f" ({self.note})")


def _open_one(records: OrderRecords, incident_id: str) -> Incident:
    incident = records.incidents.find(incident_id)
    if incident is None:
        raise OrderRefusedError(f"{incident_id}: there is no incident with this id")
    if not incident.is_open:
        raise OrderRefusedError(f"{incident_id}: is resolved already")
    return incident


def _about(incident: Incident) -> str:
    return f"{incident.anomaly.id}, {incident.anomaly.description}"
