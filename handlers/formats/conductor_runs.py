"""Runs that went as most runs go: recognised by the kinds of their lines, and told as one event.

Nearly all lines of a log belong to such runs, and a run costs a fraction of its steps one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import Final

from handlers.formats.conductor_beats import Key
from handlers.model import Subject, WholeRun

_LAST_INDEX: Final = attrgetter("lastindex")
_USUAL_LINES: Final = ("executing", "request", "started", "duration", "rounded", "ended")
_SECOND: Final = len("2026-11-22T16:10:58.")
_MILLISECOND: Final = len("2026-11-22T16:10:58.813")
_SECOND_OF: Final = itemgetter(slice(_SECOND))
_MILLISECOND_OF: Final = itemgetter(slice(_SECOND, _MILLISECOND))
_ZONE_OF: Final = itemgetter(slice(_MILLISECOND, None))
_MAX_DURATION_US: Final = 3_600_000_000


class UsualRuns:
    """Finds and reads whole runs: one beat after the other, none failed, all within a second."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        groups = pattern.groupindex
        executing, request, *beat, ended = (re.escape(bytes([groups[name]])) for name in _USUAL_LINES)
        self._lines = re.compile(executing + request + b"(?:" + b"".join(beat) + b")+" + ended, re.DOTALL)
        self._started = groups["number"], groups["started"]
        self._executed = groups["done_number"], groups["done"]
        self._duration = groups["duration"]
        self._subjects: dict[tuple[str, tuple[Key, ...]], Subject] = {}

    def forget(self) -> None:
        """Forgets which handlers answer the beats."""
        self._subjects.clear()

    def spans(self, matches: Sequence[re.Match[bytes]]) -> Iterator[tuple[int, int]]:
        """Where in a series of lines there are such runs."""
        for lines in self._lines.finditer(bytes(map(_LAST_INDEX, matches))):
            yield lines.span()

    def read(
        self,
        lines: Sequence[re.Match[bytes]],
        sequence: str,
        places: Sequence[int],
        stamps: Sequence[bytes],
        completed: Callable[[str, Key], Subject | None],
    ) -> tuple[Subject, WholeRun] | None:
        """The run in these lines; None if some line is unlike the others.

        `places`: byte offsets of the lines that complete a beat. `stamps`: the timestamps of the beginning,
        of each completed beat and of the end. `completed` gives the subject of a completed beat of a
        sequence, once its handler is known.
        """
        started, executed = self._started, self._executed
        keys = tuple([line.group(*started) for line in lines[2:-1:3]])
        if keys != tuple([line.group(*executed) for line in lines[4:-1:3]]):
            return None
        subject = self._subjects.get((sequence, keys)) or self._subject(sequence, keys, completed)
        first = stamps[0]
        second, zone = first[:_SECOND], first[_MILLISECOND:]
        if subject is None or not zone or zone[:1].isdigit():
            return None
        if {*map(_SECOND_OF, stamps)} != {second} or {*map(_ZONE_OF, stamps)} != {zone}:
            return None
        millis = [*map(_MILLISECOND_OF, stamps)]
        if not b"".join(millis).isdigit():
            return None
        begin_ms, *ends_ms = map(int, millis)
        duration = self._duration
        durations_us = tuple([round(float(line[duration]) * 1000) for line in lines[3:-1:3]])
        if max(durations_us) > _MAX_DURATION_US:
            return None
        return subject, WholeRun(tuple([at_ms - begin_ms for at_ms in ends_ms]), tuple(places), durations_us)

    def _subject(
        self, sequence: str, keys: tuple[Key, ...], completed: Callable[[str, Key], Subject | None]
    ) -> Subject | None:
        beats = [completed(sequence, key) for key in keys]
        known = tuple(beat for beat in beats if beat is not None)
        if len(known) < len(beats):
            return None
        subject = self._subjects[sequence, keys] = Subject("run", sequence, beats=known)
        return subject
