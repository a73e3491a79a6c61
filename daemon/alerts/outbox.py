"""What is still to be told, in the store.

Tables: `outbox` (one document an alert and route), `digests` (id = number of the route's name: when its last
digest was made).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from config.alert_route import AlertRoute
from daemon.alerts.message import AlertKind, Message
from daemon.alerts.routing import wanted
from daemon.incident import Incident
from daemon.incident_life import Changes
from daemon.store import Store
from daemon.telemetry_records import from_document, to_document

MAX_WAITING: Final = 10_000
"""Alerts that wait at most; beyond them the oldest is dropped: a receiver is down for good."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One alert for one route that was not taken yet."""

    number: int
    route: str
    kind: AlertKind
    incident: Incident | None
    """As it was when it changed; None for a digest."""
    message: Message | None = None
    """For a digest; that of an incident is made when it is sent, when its cause is known."""
    since_ms: int
    """When it was put here, by the clock."""
    attempts: int = 0
    next_ms: int = 0
    """Not to be tried before."""
    problem: str = ""
    """Why the last attempt failed."""


class Outbox:
    """Every method is one transaction or part of the caller's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = store.table("outbox")
        self._digests = store.table("digests")

    def add_changes(self, changes: Changes, routes: Mapping[str, AlertRoute], now_ms: int) -> None:
        """Puts what the routes want to hear of. Part of the caller's transaction."""
        for route, kind, incident in wanted(changes, routes):
            self._put(Waiting(number=0, route=route, kind=kind, incident=incident, since_ms=now_ms))

    def add_digest(self, route: str, message: Message, now_ms: int) -> None:
        """Puts a digest and remembers that it was made."""
        with self._store.transaction():
            waiting = Waiting(
                number=0, route=route, kind="digest", incident=None, message=message, since_ms=now_ms
            )
            self._put(waiting)
            self._digests.put([to_document(_Digest(route, now_ms), _route_id(route))])

    def last_digest_ms(self, route: str) -> int:
        """When the last one was made; 0 if none was."""
        document = self._digests.get(doc_id=_route_id(route))
        return from_document(document, _Digest).at_ms if document is not None else 0

    def waiting(self) -> list[Waiting]:
        """The oldest first."""
        return [from_document(document, Waiting) for document in self._table.all()]

    def is_empty(self) -> bool:
        return self._table.last_id() is None

    def sent(self, alerts: Iterable[Waiting]) -> None:
        """They were taken, or there is nobody any more who wants them."""
        with self._store.transaction():
            for alert in alerts:
                self._table.remove_between(alert.number, alert.number)

    def failed(self, alert: Waiting, problem: str, next_ms: int) -> None:
        """It will be tried again at `next_ms`."""
        after = replace(alert, attempts=alert.attempts + 1, problem=problem, next_ms=next_ms)
        self._table.put([to_document(after, alert.number)])

    def _put(self, alert: Waiting) -> None:
        number = (self._table.last_id() or 0) + 1
        self._table.put([to_document(replace(alert, number=number), number)])
        self._table.remove_between(1, number - MAX_WAITING)


class _Digest(msgspec.Struct, frozen=True):
    route: str
    at_ms: int


def _route_id(route: str) -> int:
    return int.from_bytes(hashlib.sha256(route.encode()).digest()[:8]) >> 1
