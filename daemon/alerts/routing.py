"""Which receiver hears of what, and when: pure decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final

from config.alert_route import AlertRoute, clock_of
from daemon.alerts.message import AlertKind
from daemon.incident import Incident
from daemon.incident_life import Changes
from handlers.model import SEVERITIES, Severity

_EVENT_OF: Final = {"open": "open", "came-back": "open", "escalate": "escalate", "resolve": "resolve"}
FIRST_RETRY_S: Final = 30
LAST_RETRY_S: Final = 3600


def wanted(changes: Changes, routes: Mapping[str, AlertRoute]) -> Iterator[tuple[str, AlertKind, Incident]]:
    """(route, kind, incident) of all that is to be told. What somebody knows of is not told again."""
    steps: tuple[tuple[AlertKind, tuple[Incident, ...]], ...] = (
        ("open", changes.opened),
        ("came-back", changes.reopened),
        ("escalate", (*changes.graver, *changes.unsilenced)),
        ("resolve", changes.resolved),
    )
    for kind, incidents in steps:
        for incident in incidents:
            # An end is told to those who heard of the beginning: the worst that it was decides.
            severity = incident.worst if kind == "resolve" else incident.anomaly.severity
            for name, route in sorted(routes.items()):
                if _EVENT_OF[kind] in route.on and _at_least(severity, route.min_severity):
                    yield name, kind, incident


def waits_until(route: AlertRoute, severity: Severity, now: datetime) -> datetime:
    """When it may be told: now, or the end of the quiet hours. `now` is in the zone of the quiet hours."""
    if route.quiet is None or _at_least(severity, route.quiet_below):
        return now
    begin, _, end = route.quiet.partition("-")
    quiet_from, quiet_to = clock_of(begin), clock_of(end)
    clock = now.time()
    is_quiet = (
        quiet_from <= clock < quiet_to if quiet_from < quiet_to else clock >= quiet_from or clock < quiet_to
    )
    if not is_quiet:
        return now
    over = now.replace(hour=quiet_to.hour, minute=quiet_to.minute, second=0, microsecond=0)
    return over if over > now else over + timedelta(days=1)


def digest_due(route: AlertRoute, last_ms: int, now_ms: int, zone: tzinfo) -> bool:
    """Whether the time of the daily digest came since the last one."""
    if route.digest is None:
        return False
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    at = clock_of(route.digest)
    today = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    latest = today if today <= now else today - timedelta(days=1)
    return last_ms < latest.timestamp() * 1000


def retry_s(attempts: int) -> int:
    """Pause after so many attempts that failed."""
    return int(min(FIRST_RETRY_S * 2 ** min(attempts - 1, 20), LAST_RETRY_S))


def _at_least(severity: Severity, least: Severity) -> bool:
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)
