"""What the daemon's log says of anomalies: enough to act on at 3 a.m., no line without need."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Final

from daemon.database import StoreError, StoreFullError, StoreReadOnlyError
from daemon.incident import Incident
from daemon.incident_life import Changes
from daemon.log_port import Quarantine
from daemon.logs import Level, tell
from daemon.orders import OrderOutcome
from daemon.recommendation import StoredRecommendation
from handlers.diagnosis.wording import happened
from handlers.model import (
    AnyAnomaly,
    BehavioralAnomaly,
    CoverageAnomaly,
    ErrorAnomaly,
    FixRecommendation,
    Mark,
    PerformanceAnomaly,
    SelfAnomaly,
    type_of,
)
from handlers.stage import BeatReport

_TROUBLE: Final[Mapping[type, str]] = {
    PerformanceAnomaly: "slowness of",
    BehavioralAnomaly: "deviation of",
    CoverageAnomaly: "missing test of",
    ErrorAnomaly: "error in",
    SelfAnomaly: "own trouble with",
}
_TROUBLE_OF_KIND: Final[Mapping[str, str]] = {"silent": "silence of", "throughput": "rarity of"}

_PAUSED: Final = frozenset({StoreError.__name__, StoreFullError.__name__, StoreReadOnlyError.__name__})
"""Failures that are tried again and again: the pause is told, once."""


def tell_definition(mark: Mark) -> None:
    """Tells that the definition of a sequence is another one, and how the beats were and are."""
    change = " becomes ".join(each or "nothing" for each in (mark.before, mark.after))
    tell("INFO", "definition-changed", f"{happened(mark)}: {change}", sequence=mark.about)


def tell_changes(changes: Changes, recommendations: Iterable[FixRecommendation]) -> None:
    """Tells what opened with its cause and the first thing to do, what got graver, and what is resolved.

    All of it is at least a warning, so that `journalctl -p warning` alone tells the story of an incident.
    """
    first: dict[str, FixRecommendation] = {}
    for recommendation in recommendations:
        for anomaly_id in recommendation.anomaly_ids:
            first.setdefault(anomaly_id, recommendation)
    for incident in changes.opened:
        _tell_opened("found", incident, first)
    for incident in changes.reopened:
        _tell_opened("came back", incident, first)
    for incident in changes.graver:
        anomaly = incident.anomaly
        sentence = f"graver, {anomaly.severity} now: {anomaly.description}{_known_to(incident)}"
        _tell_anomaly(_level(anomaly), "anomaly-graver", sentence, anomaly)
    for incident in changes.unsilenced:
        anomaly = incident.anomaly
        sentence = f"{incident.why}: {anomaly.description}"
        _tell_anomaly(_level(anomaly), "anomaly-unsilenced", sentence, anomaly)
    for incident in changes.resolved:
        tell("WARNING", "anomaly-resolved", _ended(incident), id=incident.anomaly.id)


def tell_standing(incidents: Iterable[Incident]) -> None:
    """Tells after a start what was open before it."""
    for incident in incidents:
        if incident.is_open:
            anomaly = incident.anomaly
            sentence = f"still open: {anomaly.description}{_known_to(incident)}"
            _tell_anomaly("INFO", "anomaly-standing", sentence, anomaly)


def tell_order(outcome: OrderOutcome) -> None:
    """Tells what an operator did: it is part of the story of an incident."""
    refused = "" if outcome.done else f"the order {outcome.kind} of {outcome.by} was refused: "
    tell("WARNING", "order", f"{refused}{outcome.sentence}", by=outcome.by, kind=outcome.kind)


def tell_verified(done: StoredRecommendation) -> None:
    """Tells that what somebody did helped, as the detection saw it."""
    advice = done.recommendation
    tell("WARNING", "recommendation-verified", f"{advice.title}: {done.verified}", id=advice.id, by=done.by)


def tell_beat(report: BeatReport) -> None:
    """The stage's reports: a failed beat is an error, the others are for debugging."""
    paused = report.error.partition(":")[0] in _PAUSED
    level: Level = "ERROR" if report.status == "failed" and not paused else "DEBUG"
    sentence = f"{report.handler} failed: {report.error}" if report.error else report.handler
    tell(
        level,
        f"beat-{report.status}",
        sentence,
        topic=report.topic,
        beat=report.beat,
        request_id=report.request_id,
        duration_us=report.duration_us,
    )


def tell_quarantine(path: str, poison: Quarantine) -> None:
    """Tells that a line, or a whole file, is not read, why, and how to see it."""
    if not poison.end:
        tell(
            "ERROR",
            "quarantined",
            f"{path}: recognising its format {poison.why}. It is left alone until logs.format_of says which "
            f"format it has. Look at its head: head -c 65536 {shlex.quote(path)} | selfheald parse -",
            path=path,
            from_offset=0,
            to_offset=0,
        )
        return
    look = f"tail -c +{poison.offset + 1} {shlex.quote(path)} | head -c {poison.end - poison.offset}"
    tell(
        "ERROR",
        "quarantined",
        f"{path}: bytes {poison.offset} to {poison.end} are passed over: reading them {poison.why}. They are "
        f"counted as lost. Look at them: {look} (with | selfheald parse - behind it: does it still happen?)",
        path=path,
        from_offset=poison.offset,
        to_offset=poison.end,
    )


def _tell_opened(word: str, incident: Incident, first: Mapping[str, FixRecommendation]) -> None:
    anomaly = incident.anomaly
    _tell_anomaly(_level(anomaly), "anomaly-opened", f"{word}: {anomaly.description}", anomaly)
    if (advice := first.get(anomaly.id)) is not None:
        diagnosis = advice.assessed.diagnosis
        tell("WARNING", "anomaly-cause", f"{diagnosis.verdict} cause: {diagnosis.cause}", id=anomaly.id)
        tell("WARNING", "anomaly-fix", f"do first: {advice.title}", id=anomaly.id, where=advice.location)


def _known_to(incident: Incident) -> str:
    """Who knows of it, in brackets; empty while nobody does."""
    return f" ({incident.state} by {incident.by})" if incident.by else ""


def _ended(incident: Incident) -> str:
    anomaly = incident.anomaly
    about = anomaly.handler or anomaly.event or anomaly.sequence or "all that runs"
    trouble = _TROUBLE_OF_KIND.get(anomaly.kind) or _TROUBLE[type(anomaly)]
    alike = sum(member.type == type_of(anomaly) for member in anomaly.members)
    if alike > 1:
        about = f"{alike} handlers"
    minutes = (incident.last_seen_ms - incident.first_seen_ms) / 60_000
    return f"resolved: {trouble} {about} {incident.why}; it lasted {minutes:.1f} min"


def _level(anomaly: AnyAnomaly) -> Level:
    return "ERROR" if anomaly.severity == "critical" else "WARNING"


def _tell_anomaly(level: Level, event: str, sentence: str, anomaly: AnyAnomaly) -> None:
    tell(level, event, sentence, id=anomaly.id, severity=anomaly.severity, sequence=anomaly.sequence)
