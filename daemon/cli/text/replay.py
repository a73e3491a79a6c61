"""A verdict made again, as text."""

from __future__ import annotations

import json

from daemon.cli.text.page import Page
from daemon.replay import Replay
from handlers.diagnosis.wording import count, size


def say_replay(page: Page, found: Replay) -> None:
    """Whether it is the same, else in what it differs and why that can be."""
    made = f"made again from {count(found.windows, 'window')} and what was known before ({size(found.bytes)})"
    page.say((f"{'identical' if found.identical else 'differs'}", "bold"), f": {found.id}, {made}")
    page.say(found.description, indent=2)
    for each in found.differences:
        if each.field == "id":
            page.say("it is found no more", indent=2)
            continue
        page.field(each.field, f"was {_text(each.stored)}")
        page.field("", f"is {_text(each.now)}")
    if found.why:
        page.say(f"Why: {found.why}.")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
