"""Recommendations as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daemon.cli.text.page import Page
from handlers.model import FixRecommendation


def say_recommendations(
    page: Page, recommendations: Sequence[FixRecommendation], standing: Mapping[str, str] | None = None
) -> None:
    """In the order given, without steps: `show` has them. `standing`: what became of each, by id."""
    for number, recommendation in enumerate(recommendations):
        if number:
            page.blank()
        say_recommendation(page, recommendation.priority, recommendation)
        page.fields("anomaly", recommendation.anomaly_ids, indent=4)
        if standing is not None:
            page.field("id", recommendation.id, indent=4)
            page.field("state", standing[recommendation.id] or "open", indent=4)
    if not recommendations:
        page.say("Nothing to do: no anomaly is open.")


def say_recommendation(page: Page, number: int, recommendation: FixRecommendation) -> None:
    """What to do, where, and what for."""
    page.say((recommendation.title, "bold"), first=f"{number:>2}. ")
    page.say(recommendation.action, indent=4)
    page.field("kind", f"{recommendation.type}, takes {recommendation.effort}", indent=4)
    page.field("where", recommendation.location, indent=4)
    page.field("benefit", recommendation.benefit, indent=4)


def say_steps(page: Page, recommendation: FixRecommendation) -> None:
    """How to go about it."""
    page.fields("steps", recommendation.steps, numbered=True, indent=4)
