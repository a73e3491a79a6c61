"""What can make runs take another path, each cause with the data that speak for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from handlers.diagnosis.changes import LOAD_FACTOR, Changes
from handlers.diagnosis.error_class import error_class
from handlers.diagnosis.known import Known
from handlers.diagnosis.reach import sequence_of
from handlers.diagnosis.subject import subject
from handlers.diagnosis.suspects import told
from handlers.diagnosis.wording import count, percent, utc
from handlers.history import commits_of_file
from handlers.model import BehavioralAnomaly, Codebase, Commit, ErrorAnomaly, Past, Point, Verdict

_MOST: Final = 0.5
_NEARLY_ALL: Final = 0.95
_ALL: Final = 0.999


class PathCause(msgspec.Struct, frozen=True):
    kind: str
    sentence: str
    verdict: Verdict
    evidence: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()


def path_cause(
    anomaly: BehavioralAnomaly, changes: Changes, errors: tuple[ErrorAnomaly, ...], known: Known
) -> PathCause:
    """The first of these that the data allow: the definition changed, an error ends the runs, the order
    varies with load, a handler is not there any more, the program changed, and else nobody knows."""
    return (
        _definition_changed(anomaly, changes, known)
        or _aborted(anomaly, errors)
        or _race(anomaly, changes)
        or _not_registered(anomaly)
        or _program_changed(anomaly, changes, known.codebase)
        or PathCause(
            "definition-changed",
            "program and definition disagree; the data do not tell which of the two is out of date",
            "inconclusive",
        )
    )


def _definition_changed(anomaly: BehavioralAnomaly, changes: Changes, known: Known) -> PathCause | None:
    """The runs before the change of the definition took the same path as those after it."""
    if anomaly.expected_from != "definition" or changes.began:
        return None
    past = known.pasts.get(anomaly.id, Past())
    for changed_ms, who in _changes(anomaly, past, known.codebase):
        before = _share([each for each in past.points if each.at_ms < changed_ms])
        if before is not None and min(before, anomaly.actual) >= _MOST:
            return PathCause(
                "definition-changed",
                f"the definition changed, the program did not: {who} at {utc(changed_ms)}, and the runs "
                "before and after take the same path",
                "confirmed",
                (f"by the definition as it is now, {percent(before)} of the runs before it deviate too",),
                ("a changed program: the runs are as they were",),
            )
    return None


def _changes(anomaly: BehavioralAnomaly, past: Past, codebase: Codebase) -> Iterator[tuple[int, str]]:
    """When its definition was changed and by whom, as git says, else when another one was read."""
    if commit := _last_change(anomaly, codebase):
        yield commit.at_ms, f"{told(commit)} changed it"
    marks = [each for each in past.marks if each.kind == "definition" and each.about == anomaly.sequence]
    sequence = sequence_of(anomaly, codebase)
    file = sequence.file if sequence and sequence.file else "its file"
    if marks:
        yield marks[-1].at_ms, f"another order of beats was read from {file}"


def _aborted(anomaly: BehavioralAnomaly, errors: tuple[ErrorAnomaly, ...]) -> PathCause | None:
    """Runs that an error ended lack the beats after it."""
    if anomaly.kind != "missing":
        return None
    missing = [anomaly.declared.index(each) for each in anomaly.beats if each in anomaly.declared]
    earlier = anomaly.declared[: min(missing, default=0)]
    before = [each for each in errors if each.sequence == anomaly.sequence and each.event in earlier]
    if not before:
        return None
    error = max(before, key=lambda each: (each.count, each.id))
    what = error.error_type or "an error"
    limit = ", which is a time limit" if error_class(error.error_type, error.template) == "timeout" else ""
    return PathCause(
        "aborted",
        f"{what} in {subject(error)} may end the runs before it{limit}",
        "inconclusive",
        (f"{count(error.count, 'error')} in an earlier beat ({error.id})",),
    )


def _race(anomaly: BehavioralAnomaly, changes: Changes) -> PathCause | None:
    if anomaly.kind != "out-of-order" or anomaly.actual > _NEARLY_ALL or changes.culprit:
        return None
    if changes.load is None or changes.load < LOAD_FACTOR:
        return None
    return PathCause(
        "race",
        "both orders occur since more runs come in: timing decides, and no beat waits for the other",
        "likely",
        (f"{percent(anomaly.actual)} of the runs; they come {changes.load:.2f} times as often as before",),
    )


def _not_registered(anomaly: BehavioralAnomaly) -> PathCause | None:
    if anomaly.kind != "missing" or anomaly.actual < _ALL or anomaly.expected > 1 - _ALL:
        return None
    if not anomaly.baseline_samples:
        return None
    return PathCause(
        "not-registered",
        "no run plays it any more, so that its handler is not registered, or nothing plays its event",
        "likely",
        ("no run of the judged time has it, all earlier ones had it",),
    )


def _program_changed(anomaly: BehavioralAnomaly, changes: Changes, codebase: Codebase) -> PathCause | None:
    if not anomaly.baseline_samples or anomaly.expected >= _MOST:
        return None
    commit = _last_change(anomaly, codebase)
    ruled_out: tuple[str, ...] = ()
    if changes.began and commit and commit.at_ms < changes.began.since_ms and codebase.commits:
        ruled_out = (f"a changed definition: it is as {told(commit)} left it at {utc(commit.at_ms)}",)
    return PathCause(
        "program-changed",
        "most earlier runs kept the expected order, so the program changed",
        "likely",
        ruled_out=ruled_out,
    )


def _last_change(anomaly: BehavioralAnomaly, codebase: Codebase) -> Commit | None:
    sequence = sequence_of(anomaly, codebase)
    if sequence is None or not sequence.path_in_root:
        return None
    return next(iter(commits_of_file(codebase, sequence.path_in_root)), None)


def _share(points: list[Point]) -> float | None:
    samples = sum(each.samples for each in points)
    return sum(round(each.value * each.samples) for each in points) / samples if samples else None
