"""A backtest as text."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from config.load import Change
from daemon.backtest import Backtest
from daemon.backtest_words import covered
from daemon.cli.text.anomaly import say_title
from daemon.cli.text.page import Page
from daemon.incident import Incident
from handlers.diagnosis.wording import count, utc


def say_backtest(page: Page, changes: Sequence[Change], found: Backtest | None) -> None:
    """What differs, and the incidents that appear, vanish or get another severity."""
    for change in changes:
        page.say(f"{change.key}: {change.old} -> {change.new}")
    if found is None:
        page.say("Nothing that takes part in verdicts differs from the settings in force.")
        return
    if found.from_ms == found.until_ms:
        page.say("Nothing is stored yet that could be judged.")
        return
    page.say(
        f"{len(found.before)} -> {count(len(found.after), 'incident')} in {covered(found)}, "
        f"{utc(found.from_ms)} to {utc(found.until_ms)}"
    )
    _say_incidents(page, "Would appear", found.appear)
    _say_incidents(page, "Would vanish", found.vanish)
    for old, new in found.regraded:
        page.head(f"Would be {new.worst} for {old.worst}")
        _say_incident(page, new)


def _say_incidents(page: Page, title: str, incidents: Sequence[Incident]) -> None:
    if incidents:
        page.head(title)
    for incident in incidents:
        _say_incident(page, incident)


def _say_incident(page: Page, incident: Incident) -> None:
    say_title(page, replace(incident.anomaly, severity=incident.worst), incident.anomaly.kind)
    page.say(incident.anomaly.description, indent=2)
