"""Baselines as text."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.baseline_list import SubjectBaseline
from daemon.cli.text.figures import moment
from daemon.cli.text.page import Page, Part
from handlers.diagnosis.wording import count, quantity

STATES = {"learning": "yellow", "learned": "green", "pinned": "cyan"}
SAMPLES = {"handler": "execution", "sequence": "run", "error": "execution"}
UNITS = {"handler": "ms", "sequence": "", "error": "errors/execution"}


def say_baselines(page: Page, baselines: Sequence[SubjectBaseline]) -> None:
    """Two lines a subject: what it is, and what is known of it."""
    if not baselines:
        page.say("Nothing is known yet.")
    for each in baselines:
        handler = f" ({each.handler})" if each.handler else ""
        state = f"{each.state:8}  "
        page.head((state, STATES[each.state]), f"{each.kind} {each.name}{handler}", hang=2)
        page.say(*_known(each), indent=2)


def _known(each: SubjectBaseline) -> list[Part]:
    samples = count(each.samples, SAMPLES[each.kind])
    if each.state == "learning":
        parts = [f"{each.samples:,} of {count(each.min_samples, SAMPLES[each.kind])}"]
    else:
        since = f" since {moment(each.since_ms)}" if each.since_ms else ""
        parts = [f"{samples} in {count(each.windows, 'window')}{since}"]
    if each.pinned:
        parts.append(f'pinned as "{each.pinned}"')
    if each.expected is not None:
        source = ", set in expected_ms" if each.expected_from == "settings" else ""
        parts.append(f"expected {quantity(each.expected, UNITS[each.kind])}{source}")
    if each.by_hour:
        parts.append("knows the hours of the day")
    if each.faulty_windows:
        parts.append(f"{count(each.faulty_windows, 'faulty window')} left out")
    return ["; ".join(parts)]
