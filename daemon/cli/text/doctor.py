"""What the doctor found, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from daemon.cli.doctor.check import Check, Outcome
from daemon.cli.text.page import Page
from handlers.diagnosis.wording import count

_STYLES: Final[dict[Outcome, str]] = {
    "ok": "green",
    "warning": "yellow",
    "failed": "bold red",
    "unknown": "dim",
}


def say_checks(page: Page, checks: Sequence[Check]) -> None:
    """A paragraph for each, and how many need attention."""
    for check in checks:
        named = (f"{check.name}: ", _STYLES[check.outcome])
        page.say(named, check.finding, first=f"{check.outcome:<8} ")
        if check.advice:
            page.say(f"do: {check.advice}", indent=9)
    failed = sum(check.outcome == "failed" for check in checks)
    warned = sum(check.outcome == "warning" for check in checks)
    page.blank()
    page.say(f"{count(failed, 'failure')}, {count(warned, 'warning')}")
