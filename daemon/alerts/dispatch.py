"""Sends what waits in the outbox, each alert until its receiver has taken it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import anyio.to_thread

from config.alert_route import AlertRoute
from daemon.alerts.message import Message, digest_message, incident_message
from daemon.alerts.outbox import Waiting
from daemon.alerts.routing import digest_due, retry_s, waits_until
from daemon.alerts.send import NotSentError, send
from daemon.engine import Engine
from daemon.logs import tell
from handlers.model import FixRecommendation

GIVE_UP_MS: Final = 3 * 86_400_000
"""An alert that nobody took for so long is dropped, and told."""
_DAY_MS: Final = 86_400_000


async def dispatch(engine: Engine, now_ms: int) -> None:
    """One round: makes the digests that are due, and tries what waits. Raises StoreError."""
    routes, zone = engine.settings.alerts, ZoneInfo(engine.settings.ingest.timezone)
    outbox = engine.anomalies.outbox
    for name, route in routes.items():
        last_ms = await engine.in_store(lambda name=name: outbox.last_digest_ms(name))  # type: ignore[misc]
        if digest_due(route, last_ms, now_ms, zone):
            incidents = await engine.in_store(engine.anomalies.incidents)
            digest = digest_message(incidents, last_ms or now_ms - _DAY_MS, now_ms)
            await engine.in_store(
                lambda name=name, digest=digest: outbox.add_digest(name, digest, now_ms)  # type: ignore[misc]
            )
    if await engine.in_store(outbox.is_empty):
        return
    waiting = await engine.in_store(outbox.waiting)
    advice = await engine.in_store(engine.anomalies.all_recommendations)
    blocked: set[str] = set()
    for alert in waiting:
        # In order: a route that failed hears nothing of what came later before it has heard this.
        if alert.route in blocked:
            continue
        if not await _try(engine, alert, routes, advice, now_ms, zone):
            blocked.add(alert.route)


async def _try(
    engine: Engine,
    alert: Waiting,
    routes: Mapping[str, AlertRoute],
    advice: list[FixRecommendation],
    now_ms: int,
    zone: ZoneInfo,
) -> bool:
    """Whether it left the outbox."""
    outbox, route, message = engine.anomalies.outbox, routes.get(alert.route), _message(alert, advice)
    if route is None or message is None:
        tell("WARNING", "alert-dropped", f"alerts.{alert.route} is no route any more; an alert is dropped")
        await engine.in_store(lambda: outbox.sent([alert]))
        return True
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    if alert.next_ms > now_ms or (alert.kind != "digest" and waits_until(route, message.severity, now) > now):
        return False
    try:
        await anyio.to_thread.run_sync(send, route, message, abandon_on_cancel=True)
    except NotSentError as error:
        await _failed(engine, alert, str(error), now_ms)
        return False
    await engine.in_store(lambda: outbox.sent([alert]))
    if alert.attempts:
        tell("WARNING", "alert-sent", f"alerts.{alert.route}: took the alert after {alert.attempts} failures")
    return True


async def _failed(engine: Engine, alert: Waiting, problem: str, now_ms: int) -> None:
    outbox = engine.anomalies.outbox
    if now_ms - alert.since_ms > GIVE_UP_MS:
        tell("ERROR", "alert-dropped", f"alerts.{alert.route}: given up after 3 days: {problem}")
        await engine.in_store(lambda: outbox.sent([alert]))
        return
    pause_s = retry_s(alert.attempts + 1)
    if problem != alert.problem:
        tell(
            "ERROR",
            "alert-not-sent",
            f"alerts.{alert.route}: {problem}; it is tried again, less and less often, for 3 days",
        )
    await engine.in_store(lambda: outbox.failed(alert, problem, now_ms + pause_s * 1000))


def _message(alert: Waiting, advice: list[FixRecommendation]) -> Message | None:
    if alert.incident is None:
        return alert.message
    about = alert.incident.anomaly.id
    return incident_message(
        alert.kind, alert.incident, [each for each in advice if about in each.anomaly_ids]
    )
