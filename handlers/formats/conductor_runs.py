"""Runs that went as most runs go: recognised by the kinds of their lines, and told as one event.

Nearly all lines of a log belong to such runs, and a run costs a fraction of its steps one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from math import gcd
from operator import attrgetter
from typing import Final

UsualRun = tuple[int, int, int, str, str, bytes, tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""What the lines of a run say:

- where its first line begins, its last one ends, and its request id stands;
- timestamp of its beginning, and request id;
- its path: the sequence, a newline, and for each beat number, tab, event and a newline;
- milliseconds from its beginning to the end of each beat, and to its own;
- byte offset in the file of the line that completes each beat;
- how long each beat took, in microseconds.
"""
Found = re.Match[bytes] | UsualRun

_LAST_INDEX: Final = attrgetter("lastindex")
_USUAL_LINES: Final = ("executing", "request", "started", "duration", "rounded", "ended")
_MINUTE: Final = len("2026-11-22T16:10:")
_MILLISECOND: Final = len("2026-11-22T16:10:58.813")
_CLOCKS: Final = re.compile(rb"(?:[0-5][0-9]\.[0-9]{3})+")
_REQUEST: Final = re.compile(rb"(.+)-\d{13}-[0-9A-Za-z]+", re.DOTALL)
_MAX_DURATION_US: Final = 3_600_000_000
_EXACT_DIGITS: Final = 15
"""So many are exact as a floating-point number."""


def span_of(window_s: int) -> int:
    """Seconds: the parts of a minute within which usual runs are, so that a window holds them whole."""
    return gcd(window_s, 60) if window_s % 60 == 0 or 60 % window_s == 0 else 1


class UsualRuns:
    """Finds and reads whole runs: one beat after the other, none failed, all within a part of a minute."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        groups = pattern.groupindex
        executing, request, *beat, ended = (re.escape(bytes([groups[name]])) for name in _USUAL_LINES)
        self._lines = re.compile(executing + request + b"(?:" + b"".join(beat) + b")+" + ended, re.DOTALL)
        self._started = groups["number"], groups["started"]
        self._executed = groups["done_number"], groups["done"]
        self._duration = groups["duration"]

    def gather(
        self, matches: Iterable[re.Match[bytes]], offset: int, stamp: Callable[[int], bytes], span_s: int
    ) -> list[Found]:
        """The lines in their order, with usual runs in the place of theirs.

        `offset`: in the file, of what the matches are places in. `stamp` gives the timestamp at a match.
        `span_s`: see `span_of`.
        """
        lines = [*matches]
        found: list[Found] = []
        done = 0
        for run in self._lines.finditer(bytes(map(_LAST_INDEX, lines))):
            start, end = run.span()
            if (usual := self._read(lines[start:end], offset, stamp, span_s)) is not None:
                found += [*lines[done:start], usual]
                done = end
        return found + lines[done:]

    def _read(
        self, lines: Sequence[re.Match[bytes]], offset: int, stamp: Callable[[int], bytes], span_s: int
    ) -> UsualRun | None:
        """The run in these lines; None if some line is unlike the others."""
        request = _REQUEST.fullmatch(lines[1]["request"])
        keys = [line.group(*self._started) for line in lines[2:-1:3]]
        if request is None or not lines[0]["executing"].strip():
            return None
        if keys != [line.group(*self._executed) for line in lines[4:-1:3]]:
            return None
        # Of the lines with which beats are executed the time says nothing.
        stamps = [stamp(line.start()) for number, line in enumerate(lines[1:]) if number % 3 or not number]
        times_ms = _times_ms(stamps, span_s)
        durations_us = _durations_us([line[self._duration] for line in lines[3:-1:3]])
        if times_ms is None or durations_us is None:
            return None
        begin_ms, *ends_ms = times_ms[0], *times_ms[2::2], times_ms[-1]
        return (
            lines[0].start(),
            lines[-1].end(),
            lines[1].start(),
            stamps[0].decode("ascii", "replace"),
            lines[1]["request"].decode("utf-8", "replace"),
            b"".join([request[1], b"\n", *(b"%b\t%b\n" % key for key in keys)]),
            tuple([at_ms - begin_ms for at_ms in ends_ms]),
            tuple([offset + line.start() for line in lines[3:-1:3]]),
            durations_us,
        )


def _times_ms(stamps: Sequence[bytes], span_s: int) -> list[int] | None:
    """Milliseconds within their minute; None if they are of several spans, or not in order."""
    first = stamps[0]
    zone = first[_MILLISECOND:]
    if not zone or zone[:1].isdigit():
        return None
    if any(each[:_MINUTE] != first[:_MINUTE] or each[_MILLISECOND:] != zone for each in stamps):
        return None
    clocks = [each[_MINUTE:_MILLISECOND] for each in stamps]
    if clocks != sorted(clocks) or _CLOCKS.fullmatch(b"".join(clocks)) is None:
        return None
    times_ms = [int(clock.replace(b".", b"")) for clock in clocks]
    span_ms = span_s * 1000
    return times_ms if times_ms[0] // span_ms == times_ms[-1] // span_ms else None


def _durations_us(texts: Sequence[bytes]) -> tuple[int, ...] | None:
    """None if one is longer than any, or has more digits than are exact."""
    durations_us = tuple([round(float(text) * 1000) for text in texts])
    exact = max(len(text) - text.count(b".") for text in texts) <= _EXACT_DIGITS
    return durations_us if exact and max(durations_us) <= _MAX_DURATION_US else None
