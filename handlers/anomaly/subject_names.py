"""The names under which operators know what is watched, for globs in settings and commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from config.limits import matches, subject_names
from handlers.anomaly.baseline import Learned
from handlers.model import BeatKey, BeatStats, ErrorKey


def beat_names(key: BeatKey, seen: Iterable[BeatStats]) -> tuple[str, ...]:
    """Those of the key, and of the handler by the last of `seen` that tells one: a window in which a beat
    only started, or failed, does not."""
    stats = next((each for each in reversed([*seen]) if each.handler), BeatStats())
    names = subject_names(*key, stats.plugin, stats.handler)
    return names[:-1] if key[0] else names  # the sequence is a subject of its own


def learned_beat_names(key: BeatKey, learned: Learned[BeatStats]) -> tuple[str, ...]:
    """The names of a beat by what is known of it."""
    return beat_names(key, (learned.reference, *(recent.stats for recent in learned.recent)))


def error_name(key: ErrorKey) -> str:
    """The name of an error group: type, message and beat."""
    sequence, event, error_type, template, _ = key
    place = "/".join(each for each in (sequence, event) if each)
    return f"{error_type}: {template}" + (f" in {place}" if place else "")


def operators_figure(names: Iterable[str], expected_ms: Mapping[str, float]) -> float | None:
    """The figure of the first glob that one of the names matches."""
    known = tuple(names)
    return next((figure_ms for glob, figure_ms in expected_ms.items() if matches(known, glob)), None)
