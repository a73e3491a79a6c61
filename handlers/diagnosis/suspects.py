"""Which commits may have brought an anomaly, and which are ruled out, by what they touch and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from handlers.diagnosis.onset import Onset
from handlers.diagnosis.reach import Place, is_located, is_settings
from handlers.diagnosis.wording import count, span, utc
from handlers.history import commits_of_file, commits_of_lines, lines_now
from handlers.model import Codebase, Commit, Mark, Suspect, Touch

LOOKBACK_MS: Final = 7 * 86_400_000
"""Where no restart says since when a commit was there: so long before the beginning."""
_CLOSE_MS: Final = 120_000
"""A program takes so long to start and to be called at most."""
_ONE_START_MS: Final = 60_000
"""So far apart are two starts at least."""
_HALVED_MS: Final = 4 * 3_600_000
"""A commit that was there so long before it began is half as likely as one that just came."""
_WEIGHTS: Final[dict[Touch, int]] = {
    "function": 8,
    "caller": 8,
    "callee": 4,
    "file": 2,
    "definition": 1,
    "settings": 1,
}
_LEAST: Final = 1.0
"""What weighs less is told but not blamed: a change of the very function 28 hours before, or older."""
_TOLD: Final = 5
"""Commits that are ruled out by name."""
_SAYS: Final[dict[Touch, str]] = {
    "function": "changed lines of {name}",
    "caller": "changed lines of {name}, which calls these handlers",
    "callee": "changed lines of {name}, which it calls",
    "definition": "changed {name}",
    "file": "changed other lines of {name}",
    "settings": "changed settings of the project: {name}",
}


class Verdicts(msgspec.Struct, frozen=True):
    """What became of the commits of the time before the beginning."""

    suspects: tuple[Suspect, ...] = ()
    """The likeliest first, by what they touch and how long before the beginning they came."""
    says: tuple[str, ...] = ()
    """What each of them did, in the same order."""
    ruled_out: tuple[str, ...] = ()
    deployed: Mark | None = None
    """The restart, or the new version, at which it began."""
    is_likely: bool = False
    """The first one is near enough to be the cause."""
    is_alone: bool = False
    """No other one is half as likely as the first."""
    brought: frozenset[int] = frozenset()
    """The lines of the first one's file that are its doing, as they are numbered now."""


def weigh_commits(
    codebase: Codebase, places: tuple[Place, ...], found: Onset, marks: Iterable[Mark]
) -> Verdicts:
    """Sorts the commits before the beginning into suspects and others.

    `places`: what the subject runs, what explains most first. A commit that was there when the program was
    restarted and went on as usual is ruled out.
    """
    starts = [mark for mark in marks if is_start(mark) and mark.at_ms <= found.until_ms]
    at_onset = [mark for mark in starts if mark.at_ms >= found.since_ms - _CLOSE_MS]
    # A program tells its version where it starts: both are one start, and the version says more of it.
    deployed = next((mark for mark in reversed(at_onset) if mark.kind == "version"), None) or (
        at_onset[-1] if at_onset else None
    )
    settled = [mark for mark in starts if deployed is None or mark.at_ms < deployed.at_ms - _ONE_START_MS]
    proven_ms = settled[-1].at_ms if settled else 0
    until_ms = deployed.at_ms if deployed else found.until_ms
    since_ms = found.since_ms - LOOKBACK_MS
    touching = _touching(codebase, places, since_ms)
    near = [each for each in codebase.commits if since_ms < each.at_ms]
    suspects: list[tuple[Suspect, str]] = []
    ruled_out: list[str] = []
    for commit in near:
        place = touching.get(commit.sha)
        if commit.at_ms > found.until_ms:
            if place:
                ruled_out.append(f"{told(commit)}: it came after the beginning")
        elif place and commit.at_ms > until_ms:
            ruled_out.append(f"{told(commit)}: the program was not restarted between it and the beginning")
        elif place and commit.at_ms <= proven_ms:
            ruled_out.append(f"{told(commit)}: the program ran with it since {utc(proven_ms)}, as usual")
        elif place:
            suspects.append(_suspect(codebase, commit, place, found))
        elif commit.at_ms > proven_ms and is_located(places):
            ruled_out.append(f"{told(commit)}: it touches nothing that is known to run here")
    at_once = deployed is not None and bool(settled)
    scored = sorted(
        ((_score(suspect, found, at_once=at_once), suspect, says) for suspect, says in suspects),
        key=lambda each: (-each[0], -each[1].at_ms, each[1].sha),
    )
    first = scored[0][1] if scored else None
    return Verdicts(
        suspects=tuple(suspect for _, suspect, _ in scored),
        says=tuple(says for _, _, says in scored),
        ruled_out=_shortened(ruled_out),
        deployed=deployed,
        is_likely=first is not None and scored[0][0] >= _LEAST,
        is_alone=first is not None and all(2 * score < scored[0][0] for score, _, _ in scored[1:]),
        brought=_brought(codebase, first) if first else frozenset(),
    )


def is_start(mark: Mark) -> bool:
    """Whether a program was started, and commits before it came into force with it."""
    return mark.kind == "restarted" or (mark.kind == "version" and bool(mark.before))


def told(commit: Commit | Suspect) -> str:
    """A commit as people name it."""
    return f'commit {commit.sha[:12]} ("{commit.subject}", {commit.author})'


def _touching(codebase: Codebase, places: tuple[Place, ...], since_ms: int) -> dict[str, Place]:
    """What each commit touched, by its id: of several places the one that explains most."""
    touched: dict[str, Place] = {}
    for place in places:
        if place.last and place.file not in codebase.edited:
            commits = commits_of_lines(codebase, place.file, place.first, place.last, since_ms=since_ms)
        else:
            commits = commits_of_file(codebase, place.file, since_ms=since_ms)
        for commit in commits:
            touched.setdefault(commit.sha, place)
    for commit in codebase.commits:
        settings = next((each.file for each in commit.changes if is_settings(each.file)), None)
        if settings is not None and places:
            touched.setdefault(commit.sha, Place("settings", settings, name=settings))
    return touched


def _suspect(codebase: Codebase, commit: Commit, place: Place, found: Onset) -> tuple[Suspect, str]:
    at = place.file
    touch = place.touch
    if place.file in codebase.edited:
        touch = "file"  # its lines are not known to git
    elif touch != "settings":
        lines = [
            first for first, last in lines_now(codebase, commit, place.file) if _meets(first, last, place)
        ]
        at = f"{place.file}:{max(lines[0], place.first)}" if lines else place.file
    before_ms = found.since_ms - commit.at_ms
    when = f"{span(before_ms)} before it began" if before_ms > 0 else "as it began"
    changed = _SAYS[touch].format(name=place.name or place.file)
    before, after = _texts(commit, place.file, at)
    suspect = Suspect(commit.sha, commit.author, commit.at_ms, commit.subject, touch, at, before, after)
    return suspect, f"{told(commit)} {changed} ({at}), {when}{_change(before, after)}"


def _change(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    old, new = lines_of(before), lines_of(after)
    if old and new:
        return f": {old} became {new}"
    return f": it added {new}" if new else f": it removed {old}" if old else ""


def lines_of(texts: tuple[str, ...]) -> str:
    """Lines of code within a sentence."""
    return "; ".join(f"`{text}`" for text in texts if text)


def _texts(commit: Commit, file: str, at: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the hunk next to the place replaced by what."""
    line = at.rpartition(":")[2]
    hunks = [hunk for each in commit.changes if each.file == file for hunk in each.hunks]
    if not line.isdecimal() or not hunks:
        return (), ()
    nearest = min(hunks, key=lambda each: abs(each.new_start - int(line)))
    return nearest.before, nearest.after


def _brought(codebase: Codebase, suspect: Suspect) -> frozenset[int]:
    file = suspect.place.partition(":")[0]
    commit = next(each for each in codebase.commits if each.sha == suspect.sha)
    if file in codebase.edited:
        return frozenset()
    return frozenset(
        line for first, last in lines_now(codebase, commit, file) for line in range(first, last + 1)
    )


def _meets(first: int, last: int, place: Place) -> bool:
    return not place.last or (first <= place.last and place.first <= last)


def _score(suspect: Suspect, found: Onset, *, at_once: bool) -> float:
    """`at_once`: one restart brought all of them into force, so that their age says nothing."""
    age_ms = 0 if at_once else max(0, found.since_ms - suspect.at_ms)
    return _WEIGHTS[suspect.touch] / (1 + age_ms / _HALVED_MS)


def _shortened(told_ones: list[str]) -> tuple[str, ...]:
    more = len(told_ones) - _TOLD
    return (
        (*told_ones[:_TOLD], f"{count(more, 'other commit')} for the same reasons")
        if more > 0
        else tuple(told_ones)
    )
