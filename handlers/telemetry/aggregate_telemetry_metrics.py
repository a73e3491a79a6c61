"""Beat 5: count what happened, in windows of event time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from handlers.metrics import EXAMPLES, first_of
from handlers.model import (
    BeatKey,
    BeatStats,
    ErrorKey,
    ErrorStats,
    Mark,
    NormalizedEvents,
    OpenRun,
    PackedNormalizedEvents,
    RunStats,
    Subject,
    TelemetryMetrics,
    Window,
)
from handlers.telemetry.durations import add_duration
from handlers.telemetry.lone_beats import are_lone_beats, count_lone_beats
from handlers.telemetry.origins import origin_at, origin_of
from handlers.telemetry.run_endings import MAX_PATH_BEATS, Ending, count_ended, endings_with_log
from handlers.telemetry.stream_runs import StreamRuns, ending_key, run_key
from handlers.telemetry.waits import add_waits
from handlers.telemetry.whole_runs import count_whole_runs

_MAX_OPEN_RUNS: Final = 10_000
_MAX_KEYS: Final = 5_000
"""Beats, sequences and error groups kept per window; what is over is counted under `OVERFLOW`."""
OVERFLOW: Final = "…"


class AggregatedTelemetry(msgspec.Struct, frozen=True):
    metrics: TelemetryMetrics
    runs: Mapping[str, dict[str, OpenRun]]
    """Per stream the runs that have not ended, by "sequence<TAB>request id"."""
    watermarks_ms: Mapping[str, int]
    """Per stream the latest event time."""
    marks: tuple[Mark, ...] = ()
    """The restarts, and versions wherever one is told."""


def aggregate_telemetry_metrics(
    normalized_events: Sequence[NormalizedEvents | PackedNormalizedEvents],
    *,
    runs: Mapping[str, Mapping[str, OpenRun]],
    watermarks_ms: Mapping[str, int],
    window_ms: int,
    run_timeout_ms: int,
    at_end: bool,
) -> AggregatedTelemetry:
    """Counts beats, runs and errors into windows of `window_ms`, each event in the window of its own time.

    A run counts in the window in which it ends. One that no line announced (a log without run lines) ends
    when it was silent for `run_timeout_ms`, or with the log (`at_end`); an announced one that falls silent
    or meets a restart is unfinished. Where the log ends, a tenth of that silence is enough.
    """
    counter = _Counter(window_ms, run_timeout_ms)
    streams = {
        stream: StreamRuns(dict(open_), watermarks_ms.get(stream, 0)) for stream, open_ in runs.items()
    }
    for events in normalized_events:
        stream = streams.get(events.stream)
        if stream is None:
            stream = streams[events.stream] = StreamRuns({}, 0)
        if isinstance(events, PackedNormalizedEvents) or are_lone_beats(events):
            counter.add(events, stream)
        else:
            counter.play(events, stream)
    if at_end:
        for stream in streams.values():
            counter.end_with_log(stream)
    return AggregatedTelemetry(
        TelemetryMetrics(window_ms, counter.filled()),
        {name: stream.runs for name, stream in streams.items()},
        {name: stream.watermark_ms for name, stream in streams.items()},
        (*counter.marks, *_versions(normalized_events)),
    )


def _versions(normalized_events: Sequence[PackedNormalizedEvents | NormalizedEvents]) -> Iterator[Mark]:
    for events in normalized_events:
        if isinstance(events, NormalizedEvents):
            for at_ms, name, version in events.versions:
                yield Mark(at_ms, events.stream, "version", name, after=version)


class _Counter:
    def __init__(self, window_ms: int, run_timeout_ms: int) -> None:
        self.windows: dict[int, Window] = {}
        self.marks: list[Mark] = []
        self._window_ms = window_ms
        self._timeout_ms = run_timeout_ms
        self._window = Window(-window_ms)
        """That of the last event."""
        self._beats: dict[int, BeatStats] = {}
        """Those of `_window` by the id of the subject, which is one object for many events."""

    def filled(self) -> dict[int, Window]:
        """The windows that hold anything."""
        return {
            start_ms: window
            for start_ms, window in self.windows.items()
            if window.beats or window.runs or window.errors
        }

    def add(self, events: NormalizedEvents | PackedNormalizedEvents, stream: StreamRuns) -> None:
        """Counts beats that belong to no run."""
        latest_ms = count_lone_beats(events, self._window_ms, self._stats_at)
        if latest_ms:
            self._advance(stream, latest_ms)

    def play(self, events: NormalizedEvents, stream: StreamRuns) -> None:
        """Counts events in their order; of whole runs, those that took the same path at once."""
        whole: dict[tuple[int, int], list[int]] = {}
        for index, (subject, at_ms, run_id) in enumerate(
            zip(events.subjects, events.at_ms, events.runs, strict=True)
        ):
            stream.is_new = not stream.watermark_ms
            if at_ms > stream.watermark_ms:
                self._advance(stream, at_ms)
            self._enter(at_ms)
            kind = subject.kind
            if kind in {"beat-started", "beat-completed"}:
                run = self._run(events, index, stream) if run_id else None
                if kind == "beat-started":
                    self._started(subject, run, at_ms)
                else:
                    self._completed(events, index, run)
            elif kind == "run":
                self._gather(events, index, stream, whole)
            elif kind == "error":
                self._error(events, index)
            elif kind == "restarted":
                self.marks.append(Mark(at_ms, events.stream, "restarted"))
                for run in stream.runs.values():
                    self._end(run, at_ms, "cut")
                stream.runs.clear()
            elif run_id and kind == "run-started":
                self._open(events, index, stream, announced=True)
            elif run_id:  # what nothing tells apart has no path
                self._ended(events, index, stream)
        for (start_ms, _), runs in whole.items():
            self._enter(start_ms)
            self._count_whole(events, runs)

    def _gather(
        self,
        events: NormalizedEvents,
        index: int,
        stream: StreamRuns,
        whole: dict[tuple[int, int], list[int]],
    ) -> None:
        """Puts a whole run to those of its path and window."""
        subject = events.subjects[index]
        key = self._window.start_ms, id(subject)
        if key not in whole:
            whole[key] = []
            for beat in subject.beats:
                self._stats(beat)  # they have the handler that is named first
        whole[key].append(index)
        stream.runs.pop(run_key(events, index), None)
        self._advance(stream, events.at_ms[index] + max(0, *events.whole[index].after_ms))

    def _count_whole(self, events: NormalizedEvents, indexes: list[int]) -> None:
        """Counts runs of one path in the current window."""
        subject = events.subjects[indexes[0]]
        stats = self._window.runs.setdefault(subject.sequence, RunStats())
        count_whole_runs(stats, [self._stats(beat) for beat in subject.beats], events, indexes)

    def end_with_log(self, stream: StreamRuns) -> None:
        """Ends what the end of the log ends, or leaves behind."""
        for key in [*stream.runs]:
            stream.to_change(key)
        for key, ending in endings_with_log(stream.runs, stream.watermark_ms, self._timeout_ms).items():
            run = stream.runs.pop(key)
            self._end(run, run.last_ms, ending)

    def _advance(self, stream: StreamRuns, at_ms: int) -> None:
        """Moves the watermark; a new window ends the runs that were silent for too long when it began."""
        window_ms = self._window_ms
        if at_ms // window_ms > stream.watermark_ms // window_ms:
            self._end_silent(stream, at_ms - at_ms % window_ms)
        stream.watermark_ms = max(stream.watermark_ms, at_ms)

    def _window_at(self, at_ms: int) -> Window:
        start_ms = at_ms - at_ms % self._window_ms
        window = self.windows.get(start_ms)
        if window is None:
            window = self.windows[start_ms] = Window(start_ms)
        return window

    def _enter(self, at_ms: int) -> None:
        """Makes the window of this time the current one."""
        if not self._window.start_ms <= at_ms < self._window.start_ms + self._window_ms:
            self._window = self._window_at(at_ms)
            self._beats = {}

    def _stats_at(self, at_ms: int, subject: Subject) -> BeatStats:
        """Those of a beat in the window of this time."""
        self._enter(at_ms)
        return self._stats(subject)

    def _stats(self, subject: Subject) -> BeatStats:
        """Those of a beat in the current window."""
        stats = self._beats.get(id(subject))
        if stats is None:
            beats = self._window.beats
            key: BeatKey = (subject.sequence, subject.event)
            if key not in beats and len(beats) >= _MAX_KEYS:
                key = (OVERFLOW, OVERFLOW)
            stats = self._beats[id(subject)] = beats.setdefault(key, BeatStats())
            if subject.kind == "beat-completed":
                stats.handler = stats.handler or subject.handler
                stats.plugin = stats.plugin or subject.plugin
        return stats

    def _started(self, subject: Subject, run: OpenRun | None, at_ms: int) -> None:
        self._stats(subject).started += 1
        if run is not None:
            if len(run.path) < MAX_PATH_BEATS:
                run.path.append(subject.event)
                run.open.append(subject.event)
            run.last_ms = max(run.last_ms, at_ms)

    def _completed(self, events: NormalizedEvents, index: int, run: OpenRun | None) -> None:
        subject = events.subjects[index]
        stats = self._stats(subject)
        stats.completed += 1
        if subject.failed:
            stats.failed += 1
        else:
            add_duration(stats, events.durations_us[index], partial(origin_of, events, index))
        if run is not None:
            if subject.event in run.open:
                run.open.remove(subject.event)
            elif len(run.path) < MAX_PATH_BEATS:
                run.path.append(subject.event)
            at_ms, duration_us = events.at_ms[index], events.durations_us[index]
            if run.completed_ms is not None and duration_us is not None and not subject.failed:
                wait_ms = at_ms - run.completed_ms - duration_us // 1000
                runs = self._window.runs.setdefault(subject.sequence, RunStats())
                add_waits(runs, subject.event, [wait_ms], partial(origin_at, events, [index]))
            run.completed_ms = at_ms
            run.disturbed |= subject.failed
            run.last_ms = max(run.last_ms, at_ms)

    def _run(self, events: NormalizedEvents, index: int, stream: StreamRuns) -> OpenRun:
        key = run_key(events, index)
        return stream.to_change(key) or self._open(events, index, stream, announced=False)

    def _open(self, events: NormalizedEvents, index: int, stream: StreamRuns, *, announced: bool) -> OpenRun:
        if len(stream.runs) >= _MAX_OPEN_RUNS:
            oldest = stream.runs.pop(next(iter(stream.runs)))  # in order of their beginning
            self._end(oldest, oldest.last_ms, "cut" if oldest.announced else "completed")
        at_ms = events.at_ms[index]
        run = OpenRun(events.subjects[index].sequence, origin_of(events, index), at_ms, announced)
        if announced:
            run.completed_ms = at_ms
        else:
            run.disturbed = stream.is_new
        return stream.open(run_key(events, index), run)

    def _ended(self, events: NormalizedEvents, index: int, stream: StreamRuns) -> None:
        key = ending_key(events, index, stream)
        run = stream.to_change(key)
        if run is not None:
            del stream.runs[key]
            at_ms = events.at_ms[index]
            run.last_ms = max(run.last_ms, at_ms)
            completed = events.subjects[index].kind == "run-completed"
            self._end(run, at_ms, "completed" if completed else "failed")

    def _error(self, events: NormalizedEvents, index: int) -> None:
        subject, error = events.subjects[index], events.errors[index]
        errors = self._window.errors
        key: ErrorKey = (subject.sequence, subject.event, error.type, error.message, error.site)
        if key not in errors and len(errors) >= _MAX_KEYS:
            key = (OVERFLOW, OVERFLOW, OVERFLOW, OVERFLOW, OVERFLOW)
        stats = errors.setdefault(key, ErrorStats())
        stats.plugin = stats.plugin or subject.plugin
        stats.handler = stats.handler or subject.handler
        stats.frame = stats.frame or error.frame
        stats.count += 1
        if len(stats.examples) < EXAMPLES or events.at_ms[index] <= stats.examples[-1].at_ms:
            stats.examples = first_of((*stats.examples, origin_of(events, index)))

    def _end_silent(self, stream: StreamRuns, now_ms: int) -> None:
        for key, run in list(stream.runs.items()):
            if now_ms - run.last_ms > self._timeout_ms:
                del stream.runs[key]
                self._end(run, run.last_ms + self._timeout_ms, "silent" if run.announced else "completed")

    def _end(self, run: OpenRun, at_ms: int, how: Ending) -> None:
        count_ended(self._window_at(at_ms).runs.setdefault(run.sequence, RunStats()), run, how)
