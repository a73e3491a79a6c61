"""Recommendations as text."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.cli.text.page import Page
from handlers.model import FixRecommendation


def say_recommendations(page: Page, recommendations: Sequence[FixRecommendation]) -> None:
    """In the order given, without steps: `show` has them."""
    for number, recommendation in enumerate(recommendations):
        if number:
            page.blank()
        say_recommendation(page, recommendation.priority, recommendation)
        page.field("anomaly", recommendation.anomaly_id, indent=4)
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
