"""Beat 5: count what happened, in windows of event time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from handlers.metrics import EXAMPLES, add_variant, first_of, slowest_of
from handlers.model import (
    BeatKey,
    BeatStats,
    ErrorKey,
    ErrorStats,
    NormalizedEvent,
    OpenRun,
    Origin,
    RunStats,
    TelemetryMetrics,
    Window,
)
from handlers.sketch import bin_of

_MAX_OPEN_RUNS: Final = 10_000
_MAX_PATH_BEATS: Final = 500
"""A path is cut here: a run that loops without end must not fill the memory."""
_MAX_KEYS: Final = 5_000
"""Beats, sequences and error groups kept per window; what is over is counted under `OVERFLOW`."""
OVERFLOW: Final = "…"


class AggregatedTelemetry(msgspec.Struct, frozen=True):
    metrics: TelemetryMetrics
    runs: Mapping[str, dict[str, OpenRun]]
    """Per stream the runs that have not ended, by "sequence<TAB>request id"."""
    watermarks_ms: Mapping[str, int]
    """Per stream the latest event time."""


def aggregate_telemetry_metrics(
    normalized_events: list[NormalizedEvent],
    *,
    stream_of: Mapping[int, str],
    runs: Mapping[str, Mapping[str, OpenRun]],
    watermarks_ms: Mapping[str, int],
    window_ms: int,
    run_timeout_ms: int,
    at_end: bool,
) -> AggregatedTelemetry:
    """Counts beats, runs and errors into windows of `window_ms`, each event in the window of its own time.

    A run counts in the window in which it ends. One that no line announced (a log without run lines) ends
    when it was silent for `run_timeout_ms`, or with the log (`at_end`); an announced one that falls silent
    or meets a restart is unfinished.
    """
    counter = _Counter(window_ms, run_timeout_ms)
    streams = {
        stream: _Stream(
            {
                key: msgspec.structs.replace(run, path=[*run.path], open=[*run.open])
                for key, run in open_.items()
            },
            watermarks_ms.get(stream, 0),
        )
        for stream, open_ in runs.items()
    }
    for event in normalized_events:
        name = stream_of[event.source]
        stream = streams.get(name)
        if stream is None:
            stream = streams[name] = _Stream({}, 0)
        counter.count(event, stream)
    if at_end:
        for stream in streams.values():
            counter.end_unannounced(stream)
    return AggregatedTelemetry(
        TelemetryMetrics(window_ms, counter.windows),
        {name: stream.runs for name, stream in streams.items()},
        {name: stream.watermark_ms for name, stream in streams.items()},
    )


class _Stream:
    __slots__ = ("runs", "watermark_ms")

    def __init__(self, runs: dict[str, OpenRun], watermark_ms: int) -> None:
        self.runs = runs
        self.watermark_ms = watermark_ms


class _Counter:
    def __init__(self, window_ms: int, run_timeout_ms: int) -> None:
        self.windows: dict[int, Window] = {}
        self._window_ms = window_ms
        self._timeout_ms = run_timeout_ms
        self._last = Window(-1)

    def count(self, event: NormalizedEvent, stream: _Stream) -> None:
        at_ms = event.at_ms
        if at_ms > stream.watermark_ms:
            if at_ms // self._window_ms != stream.watermark_ms // self._window_ms:
                self._end_silent(stream, at_ms)
            stream.watermark_ms = at_ms
        kind = event.kind
        if kind == "beat-completed":
            self._beat_completed(event, stream)
        elif kind == "beat-started":
            self._beat_started(event, stream)
        elif kind == "error":
            self._error(event)
        elif kind == "restarted":
            for run in stream.runs.values():
                self._end(run, at_ms, "unfinished")
            stream.runs.clear()
        elif not event.run:
            return  # runs that nothing tells apart have no path
        elif kind == "run-started":
            self._open(event, stream, announced=True)
        else:
            open_run = stream.runs.pop(_ending_key(event, stream), None)
            if open_run is not None:
                open_run.last_ms = max(open_run.last_ms, at_ms)
                self._end(open_run, at_ms, "completed" if kind == "run-completed" else "failed")

    def end_unannounced(self, stream: _Stream) -> None:
        for key, run in list(stream.runs.items()):
            if not run.announced:
                del stream.runs[key]
                self._end(run, run.last_ms, "completed")

    def _window(self, at_ms: int) -> Window:
        start_ms = at_ms - at_ms % self._window_ms
        if self._last.start_ms != start_ms:
            window = self.windows.get(start_ms)
            if window is None:
                window = self.windows[start_ms] = Window(start_ms)
            self._last = window
        return self._last

    def _beat(self, event: NormalizedEvent) -> BeatStats:
        beats = self._window(event.at_ms).beats
        key: BeatKey = (event.sequence, event.event)
        stats = beats.get(key)
        if stats is None:
            if len(beats) >= _MAX_KEYS:
                key = (OVERFLOW, OVERFLOW)
            stats = beats.setdefault(key, BeatStats())
        return stats

    def _beat_started(self, event: NormalizedEvent, stream: _Stream) -> None:
        self._beat(event).started += 1
        if event.run:
            run = stream.runs.get(_run_key(event)) or self._open(event, stream, announced=False)
            if len(run.path) < _MAX_PATH_BEATS:
                run.path.append(event.event)
                run.open.append(event.event)
            run.last_ms = max(run.last_ms, event.at_ms)

    def _beat_completed(self, event: NormalizedEvent, stream: _Stream) -> None:
        stats = self._beat(event)
        stats.completed += 1
        if event.handler and not stats.handler:
            stats.handler = event.handler
        if event.plugin and not stats.plugin:
            stats.plugin = event.plugin
        if event.failed:
            stats.failed += 1
        elif event.duration_us is not None:
            _count_duration(stats, event, event.duration_us)
        if event.run:
            run = stream.runs.get(_run_key(event)) or self._open(event, stream, announced=False)
            if event.event in run.open:
                run.open.remove(event.event)
            elif len(run.path) < _MAX_PATH_BEATS:
                run.path.append(event.event)
            run.last_ms = max(run.last_ms, event.at_ms)

    def _error(self, event: NormalizedEvent) -> None:
        errors = self._window(event.at_ms).errors
        key: ErrorKey = (event.sequence, event.event, event.error_type, event.error_template)
        if key not in errors and len(errors) >= _MAX_KEYS:
            key = (OVERFLOW, OVERFLOW, OVERFLOW, OVERFLOW)
        stats = errors.setdefault(key, ErrorStats())
        stats.plugin = stats.plugin or event.plugin
        stats.handler = stats.handler or event.handler
        stats.frame = stats.frame or event.error_frame
        stats.count += 1
        if len(stats.examples) < EXAMPLES or event.at_ms <= stats.examples[-1].at_ms:
            stats.examples = first_of((*stats.examples, _origin(event)))

    def _open(self, event: NormalizedEvent, stream: _Stream, *, announced: bool) -> OpenRun:
        if len(stream.runs) >= _MAX_OPEN_RUNS:
            oldest = stream.runs.pop(next(iter(stream.runs)))  # in order of their beginning
            self._end(oldest, oldest.last_ms, "unfinished" if oldest.announced else "completed")
        run = OpenRun(event.sequence, _origin(event), event.at_ms, announced)
        stream.runs[_run_key(event)] = run
        return run

    def _end_silent(self, stream: _Stream, now_ms: int) -> None:
        for key, run in list(stream.runs.items()):
            if now_ms - run.last_ms > self._timeout_ms:
                del stream.runs[key]
                self._end(run, run.last_ms + self._timeout_ms, "unfinished" if run.announced else "completed")

    def _end(self, run: OpenRun, at_ms: int, how: str) -> None:
        stats = self._window(at_ms).runs.setdefault(run.sequence, RunStats())
        if how == "failed":
            stats.failed += 1
        elif how == "unfinished":
            stats.unfinished += 1
        else:
            stats.completed += 1
            duration_us = max(0, run.last_ms - run.started.at_ms) * 1000
            stats.total_us += duration_us
            index = bin_of(duration_us)
            stats.bins[index] = stats.bins.get(index, 0) + 1
            add_variant(stats, "\t".join(run.path), 1, (run.started,))


def _count_duration(stats: BeatStats, event: NormalizedEvent, duration_us: int) -> None:
    stats.total_us += duration_us
    stats.max_us = max(stats.max_us, duration_us)
    index = bin_of(duration_us)
    bins = stats.bins
    bins[index] = bins.get(index, 0) + 1
    if len(stats.slowest) < EXAMPLES or duration_us >= stats.slowest[-1][0]:
        stats.slowest = slowest_of((*stats.slowest, (duration_us, _origin(event))))


def _origin(event: NormalizedEvent) -> Origin:
    return Origin(event.at_ms, event.source, event.offset)


def _run_key(event: NormalizedEvent) -> str:
    """Sequences that share a request id, as one that plays another does, are runs of their own."""
    return f"{event.sequence}\t{event.run}"


def _ending_key(event: NormalizedEvent, stream: _Stream) -> str:
    """An end that names no sequence is that of the run last opened under its request id."""
    if event.sequence:
        return _run_key(event)
    of_request = (key for key in reversed(stream.runs) if key.endswith(f"\t{event.run}"))
    return next(of_request, "")
