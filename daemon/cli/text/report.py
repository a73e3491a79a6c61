"""The report of `run --once` as text."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.cli.ledger import LedgerLine
from daemon.cli.text.anomaly import say_list, say_tally
from daemon.cli.text.page import Page
from daemon.cli.text.recommendation import say_recommendations
from daemon.cli.text.sources import say_sources
from daemon.incident import Incident
from handlers.model import FixRecommendation


def say_report(
    page: Page,
    ledger: Sequence[LedgerLine],
    lossy_windows: int,
    problems: Sequence[str],
    anomalies: Sequence[Incident],
    recommendations: Sequence[FixRecommendation],
) -> None:
    page.head("Read")
    say_sources(page, ledger, lossy_windows)
    for problem in problems:
        page.field("problem", (problem, "yellow"))
    page.head("Found")
    say_tally(page, anomalies)
    if anomalies:
        page.blank()
        say_list(page, anomalies)
    if recommendations:
        page.head("What to do")
        say_recommendations(page, recommendations)
