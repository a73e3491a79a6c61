"""Recommendations as text."""

from __future__ import annotations

from daemon.cli.text.page import Page
from handlers.model import FixRecommendation


def say_recommendation(page: Page, recommendation: FixRecommendation, *, steps: bool = True) -> None:
    """What to do, where, and what for."""
    number = f"{recommendation.priority}."
    page.say((recommendation.title, "bold"), first=f"{number:<3} ")
    page.say(recommendation.action, indent=4)
    page.field("kind", f"{recommendation.type}, takes {recommendation.effort}", indent=4)
    page.field("where", recommendation.location, indent=4)
    page.field("benefit", recommendation.benefit, indent=4)
    if steps:
        numbered = (f"{count}. {step}" for count, step in enumerate(recommendation.steps, 1))
        page.fields("steps", numbered, indent=4)
    else:
        page.field("anomaly", recommendation.anomaly_id, indent=4)
