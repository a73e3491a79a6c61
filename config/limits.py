"""The thresholds of one subject: `detect`, and over it what `detect_of` and `detect_of_source` say of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from config.globs import is_path
from config.settings import Detect, DetectOf


class OfSource(NamedTuple):
    """The subjects that the log files of a glob tell of."""

    glob: str
    subjects: frozenset[str]
    """Their fullest names."""


Subjects = str | OfSource
"""A glob on the names of subjects, or those that some logs tell of."""
LimitsOf = Mapping[str, DetectOf] | Mapping[Subjects, DetectOf]
"""The settings that some subjects have of their own, the ones that go first in front."""


def subject_names(
    sequence: str = "", event: str = "", plugin: str = "", handler: str = ""
) -> tuple[str, ...]:
    """The names by which globs in settings and commands can mean a subject, the fullest first.

    As far as they are known: "sequence-id/event", event, "Plugin.handler", handler, sequence id.
    """
    names = (
        f"{sequence}/{event}" if sequence and event else "",
        event,
        f"{plugin}.{handler}" if plugin and handler else "",
        handler,
        sequence,
    )
    return tuple(filter(None, names))


def matches(names: Iterable[str], subjects: Subjects) -> bool:
    """Whether they mean the subject of these names, the fullest of which is the first.

    In a glob, which may match any of the names, * stands for everything, slashes too.
    """
    if isinstance(subjects, OfSource):
        return next(iter(names), "") in subjects.subjects
    return any(fnmatchcase(name, subjects) for name in names)


def limits_for(detect: Detect, limits_of: LimitsOf, names: tuple[str, ...]) -> Detect:
    """`detect` with the settings of those of `limits_of` that mean the subject of these names.

    Each setting has the value of the first that gives it. A pure function: callers that ask for the same
    subject again and again keep its answer.
    """
    update: dict[str, Any] = {}
    for subjects, given in reversed([*limits_of.items()]):
        if matches(names, subjects):
            update |= {key: getattr(given, key) for key in given.model_fields_set}
    return detect.model_copy(update=update) if update else detect


def limits_of_all(
    detect_of: Mapping[str, DetectOf],
    detect_of_source: Mapping[str, DetectOf],
    told_by: Mapping[str, Collection[str]],
) -> LimitsOf:
    """`detect_of`, and behind it what `detect_of_source` says, by the subjects that its log files tell of.

    `told_by`: the fullest names of the subjects by the path of the log that tells of them. Of a subject that
    several logs tell of, a glob holds if it matches one of them.
    """
    of_all: dict[Subjects, DetectOf] = dict(detect_of.items())
    for glob, given in detect_of_source.items():
        paths = (path for path in told_by if is_path(path, glob))
        of_all[OfSource(glob, frozenset(name for path in paths for name in told_by[path]))] = given
    return of_all


def takes_part(key: str) -> bool:
    """Whether the setting of a dotted key can change a verdict on windows that stay the same."""
    return key.partition(".")[0] in _OF_VERDICTS and key not in _OF_THE_DAEMON


_OF_VERDICTS: Final = frozenset({"detect", "detect_of", "detect_of_source", "expected_ms", "project"})
_OF_THE_DAEMON: Final = frozenset({"detect.interval_s", "detect.reload_gate"})
