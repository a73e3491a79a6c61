"""Anomalies as text: in a list, and with everything that is known of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from daemon.cli.text.figures import count_anomalies, moment, samples, subject, tally
from daemon.cli.text.page import SEVERITY_STYLES, Page
from daemon.cli.text.recommendation import say_recommendation, say_steps
from daemon.evidence import EvidenceLine
from daemon.incident import Incident
from handlers.diagnosis.wording import count, quantity
from handlers.model import AnyAnomaly, FixRecommendation, SelfAnomaly, type_of

_MEMBERS_SHOWN: Final = 10


def say_list(page: Page, incidents: Sequence[Incident]) -> None:
    """Two lines or so for each, in the order given."""
    for number, incident in enumerate(incidents):
        if number:
            page.blank()
        ended = not incident.is_open
        when = (
            f"resolved {moment(incident.resolved_ms)}" if ended else f"since {moment(incident.first_seen_ms)}"
        )
        say_title(page, incident.anomaly, when)
        page.say(incident.anomaly.description, indent=2)
        if incident.by:
            page.say((state_and_why(incident), "dim"), indent=2)


def say_title(page: Page, anomaly: AnyAnomaly, note: str) -> None:
    """The line by which an anomaly is found again."""
    page.say(
        (f"{anomaly.severity:<8}", SEVERITY_STYLES[anomaly.severity]),
        f"  {anomaly.id}",
        (f"  {note}", "dim"),
    )


def say_tally(page: Page, incidents: Sequence[Incident]) -> None:
    """How many are open."""
    severities = [incident.anomaly.severity for incident in incidents if incident.is_open]
    counted = f": {tally(severities)}" if severities else ""
    page.say(count_anomalies(len(severities), "open ") + counted)


def say_everything(
    page: Page,
    incident: Incident,
    recommendations: Sequence[FixRecommendation],
    lines: Sequence[EvidenceLine],
) -> None:
    """One anomaly with claim, figures, diagnosis, recommendations and proof."""
    say_claim(page, incident)
    if recommendations:
        say_diagnosis(page, recommendations[0])
        page.head("What to do")
        for number, recommendation in enumerate(recommendations, 1):
            if number > 1:
                page.blank()
            say_recommendation(page, number, recommendation)
            say_steps(page, recommendation)
    elif incident.state == "resolved":
        page.head("Diagnosis")
        page.say("Kept only while an anomaly is open.", indent=2)
    if len(incident.history) > 1:
        _say_history(page, incident)
    if not isinstance(incident.anomaly, SelfAnomaly):
        page.head("Lines that prove it" if lines else "No line is known that proves it")
    for line in lines:
        say_line(page, line)


def say_line(page: Page, line: EvidenceLine) -> None:
    """Where a line stands, and what it says."""
    page.say((f"{line.path}, byte {line.offset}, {moment(line.at_ms)}", "dim"), indent=2)
    if line.missing:
        page.say((f"not shown: {line.missing}", "yellow"), indent=4)
    else:
        page.say(line.text.strip() + (" …" if line.cut else ""), indent=4)


def say_claim(page: Page, incident: Incident) -> None:
    """What is wrong, with all figures of it."""
    anomaly = incident.anomaly
    unit = anomaly.unit
    say_title(page, anomaly, f"{type_of(anomaly)} ({anomaly.kind}), {incident.state}")
    page.say(anomaly.description, indent=2)
    page.blank()
    page.field("about", subject(anomaly))
    if unit == "tests":
        page.field("actual", f"{quantity(anomaly.actual, unit)} tests")
        page.field("expected", f"at least {quantity(anomaly.expected, unit)}")
    elif unit:
        low, high = (quantity(bound, unit) for bound in anomaly.interval)
        page.field("actual", f"{quantity(anomaly.actual, unit)}, between {low} and {high}")
        page.field("expected", quantity(anomaly.expected, unit))
        page.field("limit", quantity(anomaly.limit, unit))
        if anomaly.expected < anomaly.limit > anomaly.actual and incident.is_open:
            page.field("", "below it, but by too little to be over (detect.close_share)")
    if not isinstance(anomaly, SelfAnomaly):
        page.field("samples", samples(anomaly))
    page.field("severity", anomaly.severity + (anomaly.severity_reason and f": {anomaly.severity_reason}"))
    page.field("first seen", moment(incident.first_seen_ms))
    page.field("last seen", f"{moment(incident.last_seen_ms)}, in {count(incident.detections, 'detection')}")
    if incident.reopened:
        page.field("came back", count(incident.reopened, "time"))
    if incident.worst != anomaly.severity:
        page.field("worst", incident.worst)
    if incident.state == "resolved":
        page.field("resolved", moment(incident.resolved_ms))
    if incident.state != "open":
        page.field("state", state_and_why(incident))
    page.fields("affected", anomaly.affected)
    page.fields("members", members_of(anomaly))


def _say_history(page: Page, incident: Incident) -> None:
    page.head("History")
    for step in incident.history:
        by = f" by {step.by}" if step.by else ""
        why = f": {step.why}" if step.why else ""
        page.say(f"{moment(step.at_ms)}  {step.state}{by}{why}", indent=2)


def state_and_why(incident: Incident) -> str:
    """The state, by whom, until when and why."""
    by = f" by {incident.by}" if incident.by else ""
    until = ""
    if incident.state == "silenced":
        until = f" until {moment(incident.until_ms)}"
        if incident.silenced_at != "critical":
            until += f", unless it gets graver than {incident.silenced_at}"
    return f"{incident.state}{by}{until}" + (f": {incident.why}" if incident.why else "")


def members_of(anomaly: AnyAnomaly) -> list[str]:
    """The first of what a group holds, each with its figure and id."""
    shown = [f"{member.name}, {member.figure} ({member.id})" for member in anomaly.members[:_MEMBERS_SHOWN]]
    more = len(anomaly.members) - len(shown)
    return [*shown, f"and {more} more (--format json has all)"] if more else shown


def say_diagnosis(page: Page, recommendation: FixRecommendation) -> None:
    """Why it is, how sure that is, and whom it hurts."""
    diagnosis, impact = recommendation.assessed.diagnosis, recommendation.assessed.impact
    page.head(f"Cause ({diagnosis.verdict})")
    page.say(diagnosis.cause, indent=2)
    page.fields("where", [diagnosis.location] if diagnosis.location else [])
    page.fields("for it", diagnosis.evidence)
    page.fields("against it", diagnosis.evidence_against)
    page.fields("ruled out", diagnosis.ruled_out)
    page.head("Impact")
    page.say(impact.sentence, indent=2)


def say_diagnoses(page: Page, found: Sequence[tuple[Incident, Sequence[FixRecommendation]]]) -> None:
    """Each incident with its diagnosis and what to do, first ones first."""
    for place, (incident, recommendations) in enumerate(found):
        if place:
            page.blank()
        say_title(page, incident.anomaly, incident.state)
        page.say(incident.anomaly.description, indent=2)
        say_diagnosis(page, recommendations[0])
        page.head("What to do")
        for number, recommendation in enumerate(recommendations, 1):
            say_recommendation(page, number, recommendation)
    if not found:
        page.say("Nothing is open.")
