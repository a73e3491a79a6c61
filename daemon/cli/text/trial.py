"""What would be understood of a log, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from config.patterns import LINEAR
from daemon.cli.text.figures import understood
from daemon.cli.text.page import Page
from daemon.trial import Trial
from daemon.trial_times import TrialTimes
from daemon.trial_unmatched import MAX_GROUPS, UnmatchedLines
from handlers.diagnosis.wording import count, percent, size, utc
from handlers.formats.near_miss_text import WHERE

MOST_FREQUENT: Final = 20
WORTH_TELLING_US: Final = 5_000
"""A line that takes one pattern longer than this is no accident of measuring."""
MAX_SHOWN_CHARS: Final = 300
NEAR_MISSES: Final = 5
"""Groups that are less frequent and are shown because they are close to what the format understands."""


def say_trial(page: Page, trial: Trial) -> None:
    page.say((trial.path, "bold"))
    page.field("format", _format(trial))
    rest = "" if trial.complete else "; --all reads the rest"
    page.field("read", f"{'all' if trial.complete else 'the first'} {size(trial.bytes_read)}{rest}")
    page.field("lines", f"{trial.lines:,}; {understood(trial.matched, trial.unmatched)}")
    flaws = (
        (trial.unreadable, "unreadable"),
        (trial.undecodable, "not UTF-8 text"),
        (trial.cut, "too long and cut"),
    )
    for number, what in flaws:
        if number:
            page.field("", (f"{count(number, 'line')} {what}", "yellow"))
    _say_times(page, trial.times)
    page.field(
        "matching",
        f"{trial.matching_ms:,.1f} ms of processor time, {percent(trial.share_of_time)} of this trial",
    )
    _say_slowest(page, trial)
    _say_events(page, trial)
    _say_unmatched(page, trial)


def _say_times(page: Page, times: TrialTimes) -> None:
    lines: list[str | tuple[str, str]] = []
    if times.first_ms is not None and times.last_ms is not None:
        zone = f"; those without a zone are taken for {times.zone}" if times.zone else ""
        lines.append(f"{utc(times.first_ms)} to {utc(times.last_ms)}{zone}")
    if times.untimed:
        such = f', such as "{times.unread}"' if times.unread else ""
        none = f"{count(times.untimed, 'event')} without a time that can be read{such}"
        lines.append((f"{none}: the time of arrival counts", "yellow"))
    if times.ahead:
        ahead = f"{count(times.ahead, 'event')} later than this machine's clock"
        lines.append((f"{ahead}: ingest.max_clock_skew_s leaves them out", "yellow"))
    for number, line in enumerate(lines):
        page.field("" if number else "times", line)


def _say_slowest(page: Page, trial: Trial) -> None:
    slowest = trial.slowest
    if slowest is None:
        return
    page.field("slowest", f"{slowest.pattern}: {slowest.us_a_line:,.1f} µs a line on average")
    if slowest.worst_us >= WORTH_TELLING_US:
        said = f"line {slowest.worst_line} took {slowest.worst_us / 1000:,.0f} ms"
        linear = "" if LINEAR else "; with the extra re2 no line takes more than linear time"
        page.field("", (said + linear, "yellow"))


def _format(trial: Trial) -> str:
    like = [name for name, recognises in trial.tried.items() if recognises]
    if trial.reason in {"option", "settings"}:
        asked = "--log-format says" if trial.reason == "option" else "the settings say"
        look = f"the first lines look like {' and '.join(like) or 'no format that there is'}"
        return f"{trial.format}, since {asked} so; {look}"
    if not trial.format:
        return f"unknown: no format recognises the first lines (tried {', '.join(trial.tried)})"
    others = [name for name in like if name != trial.format]
    return f"{trial.format}, by the first lines" + (
        f"; {' and '.join(others)} would read them too" if others else ""
    )


def _say_events(page: Page, trial: Trial) -> None:
    page.head("Events")
    for kind, number in sorted(trial.events.items(), key=lambda item: -item[1]):
        page.say(f"{number:>9,}  {kind}", indent=2)
    if not trial.events:
        page.say("none", indent=2)
        return
    page.head("Fields")
    for name, field in trial.fields.items():
        page.field(name, f"in {count(field.events, 'event')}: {', '.join(field.examples)}", indent=2)


def _say_unmatched(page: Page, trial: Trial) -> None:
    if not trial.unmatched:
        return
    page.head("Lines that are not understood", (" (numbers, ids and times are masked)", "dim"))
    groups = trial.unmatched_lines
    for group in groups[:MOST_FREQUENT]:
        _say_group(page, group)
    rarer = groups[MOST_FREQUENT:]
    close = _close(groups[:MOST_FREQUENT], rarer)
    for group in close:
        _say_group(page, group)
    left = len(rarer) - len(close)
    if left:
        page.say((f"and {left:,} more kinds of lines (--format json lists them)", "dim"), indent=2)
    if trial.ungrouped:
        said = f"and {count(trial.ungrouped, 'line')} of more than {MAX_GROUPS:,} kinds, not told apart"
        page.say((said, "dim"), indent=2)


def _close(shown: Sequence[UnmatchedLines], rarer: Sequence[UnmatchedLines]) -> list[UnmatchedLines]:
    """Some of the rarer groups that come close to a message that no group shown comes close to."""
    seen = {_what(group) for group in shown} | {""}
    close: dict[str, UnmatchedLines] = {}
    for group in rarer:
        if _what(group) not in seen:
            close.setdefault(_what(group), group)
    return [*close.values()][:NEAR_MISSES]


def _what(group: UnmatchedLines) -> str:
    return group.near_miss.partition(WHERE)[0]


def _say_group(page: Page, group: UnmatchedLines) -> None:
    times = f"{group.lines:>9,}  "
    # What is told of a line counts its columns, so it must stand there as it is.
    shown = group.text[:MAX_SHOWN_CHARS] if WHERE in group.near_miss else group.template
    page.say((f"line {group.first_line}: ", "dim"), shown or "(empty)", indent=2, first=times)
    if group.near_miss:
        page.say((group.near_miss, "yellow"), indent=2, first=" " * len(times))
