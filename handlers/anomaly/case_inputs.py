"""What of a detection led to one of its anomalies: everything else is left out of the case."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeVar

import msgspec

from config.globs import is_path
from config.limits import subject_names
from config.settings import Detect, DetectOf
from handlers.anomaly.activity import Activity, executions_by_unit
from handlers.anomaly.baseline import Baseline, Learned
from handlers.anomaly.case import Case, CaseBaseline, CaseWindow, Executions, RunningBeat
from handlers.anomaly.group_anomalies import STILL_MANY
from handlers.anomaly.identity import anomaly_id
from handlers.anomaly.reach import MANY_SEQUENCES
from handlers.model import (
    AnyAnomaly,
    BeatKey,
    BeatStats,
    BehavioralAnomaly,
    Codebase,
    Commit,
    CoverageAnomaly,
    ErrorAnomaly,
    ErrorKey,
    PerformanceAnomaly,
    RunStats,
    TelemetryMetrics,
    Window,
)

MAX_SUBJECTS: Final = 200
"""An anomaly that stands for more others is kept without its inputs."""


K = TypeVar("K", BeatKey, ErrorKey, str)
V = TypeVar("V")


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What one detection was given, and what the detectors said of it before it was joined."""

    metrics: TelemetryMetrics
    baseline: Baseline
    limits: Detect
    detect_of: Mapping[str, DetectOf]
    detect_of_source: Mapping[str, DetectOf]
    told_by: Mapping[str, frozenset[str]]
    expected_ms: Mapping[str, float]
    codebase: Codebase
    open_ids: Collection[str]
    observed_until_ms: int
    shown: Mapping[str, str]
    found: tuple[AnyAnomaly, ...]
    beats: Mapping[BeatKey, Learned[BeatStats]]
    """All that is known of beats after it."""


class _Subjects(msgspec.Struct, frozen=True):
    """What an anomaly is about, in the words of the windows."""

    beats: frozenset[BeatKey]
    """Of which all matters."""
    runs: frozenset[str]
    errors: frozenset[ErrorKey]
    counted: frozenset[BeatKey]
    """Those against whose executions errors are counted."""
    rates: bool
    """Whether it is about how often what runs: that is told by all that run."""


def cases_of(anomalies: Iterable[AnyAnomaly], given: Given) -> list[Case]:
    """Each anomaly with what the detectors need to find it again. `anomalies`: those that `given` led to."""
    told = [*anomalies]
    keys: dict[str, ErrorKey] = {}
    if any(isinstance(each, ErrorAnomaly) for each in told):
        windows = given.metrics.windows.values()
        groups = {*given.baseline.errors, *(key for each in windows for key in each.errors)}
        keys = {anomaly_id("error", *key): key for key in sorted(groups)}
    return [_case(anomaly, given, keys) for anomaly in told]


def _case(anomaly: AnyAnomaly, given: Given, error_keys: Mapping[str, ErrorKey]) -> Case:
    related = _related(anomaly, given.found)
    bare = Case(
        anomaly=anomaly,
        window_ms=given.metrics.window_ms,
        limits=given.limits,
        detect_of=dict(given.detect_of),
        detect_of_source=dict(given.detect_of_source),
        expected_ms=dict(given.expected_ms),
    )
    if len(related) > MAX_SUBJECTS:
        return msgspec.structs.replace(bare, cut=f"it stands for {len(related)} others, too many to keep")
    subjects = _subjects(related, given, error_keys)
    counts_all = len(related) >= STILL_MANY or len(anomaly.affected) >= MANY_SEQUENCES
    templates = {key[3] for key in subjects.errors}
    return msgspec.structs.replace(
        bare,
        windows=_windows(given, subjects),
        baseline=_baseline(given, subjects, anomaly),
        told_by=_told_by(given, subjects),
        codebase=_codebase(given.codebase, anomaly, subjects),
        open_ids=tuple(sorted({anomaly.id} & set(given.open_ids))),
        observed_until_ms=given.observed_until_ms,
        shown={name: shown for name, shown in given.shown.items() if name in templates},
        running=_running(given.beats) if counts_all else (),
    )


def _related(anomaly: AnyAnomaly, found: Iterable[AnyAnomaly]) -> list[AnyAnomaly]:
    """Those of which the anomaly was made, and those that could have become a part of it."""
    known = [*found]
    related = [each for each in known if each.id == anomaly.id or _could_join(each, anomaly)]
    ids = {each.id for each in related}
    # An error of them may be told together with others of its kind instead.
    alike = {(each.error_type, each.template) for each in related if isinstance(each, ErrorAnomaly)}
    return [
        each
        for each in known
        if each.id in ids
        or (anomaly.members and isinstance(each, ErrorAnomaly) and (each.error_type, each.template) in alike)
    ]


def _could_join(each: AnyAnomaly, anomaly: AnyAnomaly) -> bool:
    match anomaly, each:
        case PerformanceAnomaly(), PerformanceAnomaly():
            if anomaly.members:
                return each.kind == anomaly.kind
            names = (each.plugin, each.handler, each.event)
            return all(names[:2]) and names == (anomaly.plugin, anomaly.handler, anomaly.event)
        case ErrorAnomaly(), ErrorAnomaly():
            broken_off = any(member.type == "behavioral" for member in anomaly.members)
            alike = (each.error_type, each.template) == (anomaly.error_type, anomaly.template)
            return (bool(anomaly.members) and alike) or (broken_off and each.sequence == anomaly.sequence)
        case _, BehavioralAnomaly():
            return any(member.id == each.id for member in anomaly.members)
        case _:
            return False


def _subjects(related: Iterable[AnyAnomaly], given: Given, error_keys: Mapping[str, ErrorKey]) -> _Subjects:
    beats: set[BeatKey] = set()
    runs: set[str] = set()
    errors: set[ErrorKey] = set()
    counted: set[BeatKey] = set()
    rates = False
    for each in related:
        match each:
            case PerformanceAnomaly():
                beats |= {(sequence, each.event) for sequence in (each.sequence, *each.affected)}
                rates |= each.unit != "ms"
            case BehavioralAnomaly():
                runs.add(each.sequence)
            case CoverageAnomaly():
                beats.add((each.sequence, each.event))
            case ErrorAnomaly(sequence=sequence, event=event):
                errors.add(error_keys[each.id])
                counted |= {(sequence, event)} if event else _beats_of(given, sequence)
    return _Subjects(frozenset(beats), frozenset(runs), frozenset(errors), frozenset(counted), rates)


def _told_by(given: Given, subjects: _Subjects) -> dict[str, tuple[str, ...]]:
    """The logs that decide limits of the subjects."""
    paths = [path for path in given.told_by if any(is_path(path, glob) for glob in given.detect_of_source)]
    by_handler = any(not any(key[:2]) for key in subjects.errors)  # what the keys do not tell
    of_all = subjects.rates or by_handler
    keys = [*subjects.beats, *(key[:2] for key in subjects.errors), *((name, "") for name in subjects.runs)]
    wanted = {name for key in keys for name in subject_names(*key)[:1]}
    told = {path: sorted(given.told_by[path] if of_all else given.told_by[path] & wanted) for path in paths}
    return {path: tuple(names) for path, names in sorted(told.items()) if names}


def _beats_of(given: Given, sequence: str) -> set[BeatKey]:
    """The beats of a sequence, or all: against them errors are counted that belong to no beat."""
    windows = given.metrics.windows.values()
    known = {*given.baseline.beats, *(key for each in windows for key in each.beats)}
    return {key for key in known if sequence in {"", key[0]}}


def _windows(given: Given, subjects: _Subjects) -> tuple[CaseWindow, ...]:
    """Of errors and rates the empty ones too: time counts."""
    windows = [given.metrics.windows[start_ms] for start_ms in sorted(given.metrics.windows)]
    with_runs = {sequence for sequence in given.baseline.runs if sequence}
    made: list[CaseWindow] = []
    for window in windows:
        ran: tuple[Executions, ...] = ()
        runs = _chosen(window.runs, subjects.runs)
        if subjects.rates:
            new = sorted(window.runs.keys() - with_runs - {""})
            with_runs.update(new)
            runs |= {name: RunStats() for name in new if name not in runs}
            units = (
                (tuple(unit.split("\t", 1)), n) for unit, n in executions_by_unit(window, with_runs).items()
            )
            ran = tuple((key[0], key[1], n) for key, n in units if key not in subjects.beats)
        elif subjects.counted:
            ran = _executions(window, subjects.counted)
        made.append(
            CaseWindow(
                window.start_ms,
                tuple(_chosen(window.beats, subjects.beats).items()),
                ran,
                runs,
                tuple(_chosen(window.errors, subjects.errors).items()),
            )
        )
    if subjects.rates or subjects.errors:
        return tuple(made)
    at_the_ends = made[:1] + made[-1:]
    return tuple(each for each in made if each.beats or each.runs or each in at_the_ends)


def _executions(window: Window, keys: Collection[BeatKey]) -> tuple[Executions, ...]:
    chosen = _chosen(window.beats, keys).items()
    counted = ((*key, stats.completed or stats.started) for key, stats in chosen)
    return tuple(each for each in counted if each[2])


def _baseline(given: Given, subjects: _Subjects, anomaly: AnyAnomaly) -> CaseBaseline:
    known = given.baseline
    runs = _chosen(known.runs, subjects.runs)
    if subjects.runs and known.runs:
        # How long everything was learned decides whether a sequence is unknown.
        longest = max(known.runs, key=lambda name: (known.runs[name].windows, name))
        runs.setdefault(longest, Learned(RunStats(), known.runs[longest].windows))
    if subjects.rates:
        runs |= {name: Learned(RunStats()) for name in known.runs if name not in runs}
    ran = (
        (*key, each.reference.completed + sum(recent.stats.completed for recent in each.recent))
        for key, each in _chosen(known.beats, subjects.counted).items()
    )
    return CaseBaseline(
        judged_until_ms=known.judged_until_ms,
        beats=tuple(_chosen(known.beats, subjects.beats).items()),
        executions=tuple(each for each in ran if each[2]),
        runs=runs,
        errors=tuple(_chosen(known.errors, subjects.errors).items()),
        long_term=tuple(_chosen(known.performance.beats, subjects.beats).items()),
        activity=_activity(known.performance.activity, anomaly) if subjects.rates else None,
    )


def _activity(activity: Activity, anomaly: AnyAnomaly) -> Activity:
    """With the units that the anomaly is about; all, if it is about all."""
    if not anomaly.affected:
        return activity
    units = {key: unit for key, unit in activity.units.items() if key.split("\t")[0] in anomaly.affected}
    return msgspec.structs.replace(activity, units=units)


def _chosen(known: Mapping[K, V], keys: Iterable[K]) -> dict[K, V]:
    return {key: known[key] for key in sorted(keys) if key in known}


def _codebase(codebase: Codebase, anomaly: AnyAnomaly, subjects: _Subjects) -> Codebase:
    """Declarations of the sequences, and of an untested handler all that reports and commits say of it."""
    declared = (
        tuple(each for each in codebase.sequences if subjects.runs & {each.id, each.name})
        or codebase.sequences[:1]
    )
    if not isinstance(anomaly, CoverageAnomaly):
        return Codebase(sequences=declared if subjects.runs else ())
    about = (anomaly.sequence, anomaly.event)
    handlers = tuple(each for each in codebase.handlers if (each.sequence, each.event) == about)
    files = {each.file for each in handlers}
    names = {name.rpartition(".")[2] for name in (anomaly.handler, *(each.name for each in handlers))}
    return Codebase(
        # That something is declared or measured at all is what allows a claim.
        handlers=handlers or codebase.handlers[:1],
        functions=tuple(each for each in codebase.functions if each.name.rpartition(".")[2] in names)
        or codebase.functions[:1],
        commits=_commits(codebase.commits, files - {""}),
        edited=codebase.edited & files,
        tested_names=codebase.tested_names & names,
    )


def _commits(commits: Iterable[Commit], files: set[str]) -> tuple[Commit, ...]:
    """Those that touched the files, which are followed back through renames."""
    found: list[Commit] = []
    for commit in commits:
        changes = tuple(each for each in commit.changes if each.file in files)
        files = files | {each.old_file for each in changes}
        if changes:
            found.append(msgspec.structs.replace(commit, changes=changes))
    return tuple(found)


def _running(beats: Mapping[BeatKey, Learned[BeatStats]]) -> tuple[RunningBeat, ...]:
    last = ((key, each.recent[-1].stats) for key, each in beats.items() if each.recent)
    return tuple((*key, stats.plugin, stats.handler) for key, stats in last)
