"""The thresholds of one subject: `detect`, and over it what `detect_of` says for the globs that match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from config.settings import Detect, DetectOf


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


def matches(names: Iterable[str], glob: str) -> bool:
    """Whether one of the names matches; * stands for everything, slashes too."""
    return any(fnmatchcase(name, glob) for name in names)


def limits_for(detect: Detect, detect_of: Mapping[str, DetectOf], names: tuple[str, ...]) -> Detect:
    """`detect` with the settings of the globs that match one of the names.

    Each setting has the value of the first such glob that gives it. A pure function: callers that ask for the
    same subject again and again keep its answer.
    """
    update: dict[str, Any] = {}
    for glob, given in reversed([*detect_of.items()]):
        if matches(names, glob):
            update |= {key: getattr(given, key) for key in given.model_fields_set}
    return detect.model_copy(update=update) if update else detect


def takes_part(key: str) -> bool:
    """Whether the setting of a dotted key can change a verdict on windows that stay the same."""
    return key.partition(".")[0] in _OF_VERDICTS and key not in _OF_THE_DAEMON


_OF_VERDICTS: Final = frozenset({"detect", "detect_of", "expected_ms", "project"})
_OF_THE_DAEMON: Final = frozenset({"detect.interval_s", "detect.reload_gate"})
