"""Learns from one set of logs and judges another: the regression gate for a build.

Plays the same sequences as the daemon, with memory in place of the store.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from config.settings import Logs, Settings
from daemon.codebase.reader import codebase_reader
from daemon.limits import telemetry_limits
from daemon.log_port import TailPort
from daemon.lossy_windows import overlap_ms
from daemon.tail import Tail
from handlers.anomaly.baseline import Baseline, baseline_of
from handlers.anomaly.case_inputs import Given
from handlers.anomaly.not_exercised import not_exercised
from handlers.anomaly.pace import at_one_pace
from handlers.anomaly.ports import TelemetryHistory
from handlers.anomaly.sequence import ANOMALY, DetectedAnomalies, detect_anomalies
from handlers.anomaly.too_few_samples import too_few_samples
from handlers.diagnosis.added_time import usual_times_ms
from handlers.diagnosis.sequence import DIAGNOSIS, diagnose
from handlers.error_groups import in_groups
from handlers.formats.registry import log_formats
from handlers.metrics import add_window, merged
from handlers.model import (
    AnyAnomaly,
    BeatKey,
    CoverageAnomaly,
    FixRecommendation,
    Past,
    StreamState,
    TelemetryMetrics,
    Window,
)
from handlers.stage import BeatReport, Performance, perform
from handlers.telemetry.ports import TelemetryCommit
from handlers.telemetry.sequence import TELEMETRY, ParsedTelemetry, parse_telemetry
from handlers.templates import Grouping


class NothingToCompareError(Exception):
    """A path without a single event that could be read; the message names it and says why."""


class SideSummary(msgspec.Struct, frozen=True):
    """What one side of a comparison held."""

    path: str
    lines: int
    unreadable: int
    events: int
    executions: int
    runs: int
    errors: int


class Comparison(msgspec.Struct, frozen=True):
    anomalies: tuple[AnyAnomaly, ...]
    recommendations: tuple[FixRecommendation, ...]
    baseline: SideSummary
    current: SideSummary
    files: dict[int, str]
    """Paths of the files of the current side, by the source number in the anomalies' origins."""
    problems: tuple[str, ...]
    not_exercised: tuple[str, ...]
    """Sequences that ran often in the baseline and never in the current side: nothing is said of them."""
    too_few: tuple[BeatKey, ...]
    """Beats whose durations were too few to be judged."""
    beats: int
    """How many the current side ran."""
    slower: float
    """How many times as long as in the baseline everything together took; 1 or more."""


class ReadLogs(msgspec.Struct, frozen=True):
    """All that a file or a directory holds."""

    metrics: TelemetryMetrics
    summary: SideSummary
    files: dict[int, str]
    problems: tuple[str, ...]
    told_by: dict[str, frozenset[str]]
    """As in `TelemetryHistory`."""


async def compare(baseline_path: Path, current_path: Path, settings: Settings) -> Comparison:
    """Judges the logs under `current_path` by those under `baseline_path`.

    Raises NothingToCompareError when a side holds no events.
    """
    grouping = Grouping()  # one for both sides, so that an error has one name
    baseline = await read_logs(baseline_path, settings, grouping)
    current = await read_logs(current_path, settings, grouping)
    for window in (*baseline.metrics.windows.values(), *current.metrics.windows.values()):
        window.errors = in_groups(window.errors, grouping)
    paced = at_one_pace(baseline.metrics, current.metrics, settings.detect)
    # One window for all, so that the side is judged as a whole, with all its samples.
    span = merged(paced.current.windows.values(), min(current.metrics.windows))
    span_ms = max(current.metrics.windows) - span.start_ms + current.metrics.window_ms
    learned = baseline_of(paced.baseline)
    store = _Memory(TelemetryMetrics(span_ms, {span.start_ms: span}), learned, grouping)
    store.told_by = {
        path: baseline.told_by.get(path, frozenset()) | current.told_by.get(path, frozenset())
        for path in (*baseline.told_by, *current.told_by)
    }
    codebase = codebase_reader(settings.project)
    known = await codebase.load_codebase()

    async def detect(run: Performance) -> DetectedAnomalies:
        return await detect_anomalies(
            run,
            "compare",
            record_id="compare",
            history=store,
            store=store,
            codebase=known,
            limits=settings.detect,
            expected_ms=settings.expected_ms,
            detect_of=settings.detect_of,
            detect_of_source=settings.detect_of_source,
            is_once=True,
        )

    async def explain(run: Performance) -> object:
        return await diagnose(
            run,
            "compare",
            "compare",
            anomaly_port=store,
            codebase_port=codebase,
            diagnosis_port=store,
            metrics=store.metrics,
            usual_ms=usual_times_ms(learned),
        )

    for definition, play in ((ANOMALY, detect), (DIAGNOSIS, explain)):
        outcome = await perform(definition, "compare", _ignore, play)
        if outcome.error is not None:
            raise outcome.error
    return Comparison(
        anomalies=store.anomalies,
        recommendations=store.recommendations,
        baseline=baseline.summary,
        current=current.summary,
        files=current.files,
        problems=(*baseline.problems, *current.problems, *known.problems),
        not_exercised=not_exercised(learned, current.metrics),
        too_few=too_few_samples(learned, current.metrics, settings.detect, settings.expected_ms),
        beats=len(span.beats),
        slower=paced.slower,
    )


async def read_logs(path: Path, settings: Settings, grouping: Grouping) -> ReadLogs:
    """Reads a log file, or all log files in a directory, to the end.

    Raises NothingToCompareError when there is not one event.
    """
    logs = await anyio.to_thread.run_sync(_place, path, settings.logs)
    tail = Tail(logs)
    store = _Memory(TelemetryMetrics(settings.ingest.window_s * 1000, {}), Baseline(), grouping)
    formats: dict[int, str] = {}
    port = TailPort(tail, anyio.CapacityLimiter(1), formats)
    streams: dict[str, StreamState] = {}
    lines = unreadable = events = ahead = 0
    problems: list[str] = []
    more = True
    while more:

        async def play(run: Performance) -> ParsedTelemetry:
            return await parse_telemetry(
                run,
                "compare",
                logs_directory=[str(each) for each in logs.directories],
                logs=port,
                store=store,
                formats=log_formats(settings),
                streams=streams,  # noqa: B023 (played before the next round)
                limits=telemetry_limits(settings),
                arrival_ms=time.time_ns() // 1_000_000,
                at_end=True,
            )

        outcome = await perform(TELEMETRY, "compare", _ignore, play)
        if outcome.error is not None:
            raise outcome.error
        parsed: ParsedTelemetry = outcome.result
        tail.committed()
        streams = dict(parsed.streams)
        lines += parsed.lines
        unreadable += parsed.unreadable
        events += parsed.events
        problems += tail.problems
        ahead += parsed.ahead
        more = parsed.more
    problems += parsed.refused
    tail.close()
    if ahead:
        problems.append(
            f"{path}: {ahead} events are left out: they are later than this machine's clock by more than "
            f"ingest.max_clock_skew_s ({settings.ingest.max_clock_skew_s:g} s)"
        )
    if left_out := store.leave_out_lossy():
        problems.append(
            f"{path}: {left_out} windows of {settings.ingest.window_s} s are left out: lines of them were "
            "lost (too long and cut, or garbled)"
        )
    if not store.metrics.windows:
        why = f"{lines} lines were read and none of them is an event"
        if not lines:
            why = "there is not one log line (logs.include and logs.exclude say which files are read)"
        raise NothingToCompareError(f"{path}: nothing to compare: {'; '.join(problems) or why}")
    total = merged(store.metrics.windows.values(), 0)
    summary = SideSummary(
        path=str(path),
        lines=lines,
        unreadable=unreadable,
        events=events,
        executions=sum(beat.completed for beat in total.beats.values()),
        runs=sum(run.completed for run in total.runs.values()),
        errors=sum(error.count for error in total.errors.values()),
    )
    return ReadLogs(store.metrics, summary, dict(port.paths), tuple(problems), store.told_by)


def _place(path: Path, logs: Logs) -> Logs:
    """Settings that read one directory, or one file alone."""
    if path.is_dir():
        return logs.model_copy(update={"directories": (path,)})
    if not path.exists():
        raise NothingToCompareError(f"{path}: there is no such file or directory")
    file = path.resolve()  # a link that is named itself is followed
    alone = {
        "directories": (file.parent,),
        "include": (_literal(file.name),),
        "exclude": (),
        "recursive": False,
    }
    return logs.model_copy(update=alone)


def _literal(name: str) -> str:
    """A glob that matches this name alone."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def _ignore(_report: BeatReport) -> None:
    """A comparison is over before anyone could follow its beats."""


class _Memory:
    """The ports of the store, in memory."""

    def __init__(self, metrics: TelemetryMetrics, baseline: Baseline, grouping: Grouping) -> None:
        self.metrics = metrics
        self._grouping = grouping
        self._baseline = baseline
        self.anomalies: tuple[AnyAnomaly, ...] = ()
        self.recommendations: tuple[FixRecommendation, ...] = ()
        self._lossy_spans: tuple[tuple[int, int], ...] = ()
        self.told_by: dict[str, frozenset[str]] = {}

    async def commit_telemetry(self, commit: TelemetryCommit) -> str:
        for template in commit.templates:
            self._grouping.group(template)
        for start_ms, window in commit.metrics.windows.items():
            window.errors = in_groups(window.errors, self._grouping)
            add_window(self.metrics.windows.setdefault(start_ms, Window(start_ms)), window)
        self._lossy_spans += commit.lossy_spans
        for path, names in commit.told_by.items():
            self.told_by[path] = self.told_by.get(path, frozenset()) | names
        return "compare"

    def leave_out_lossy(self) -> int:
        """Drops the windows in which lines were lost, which prove nothing; how many there were."""
        windows, length_ms = self.metrics.windows, self.metrics.window_ms
        lossy = [start for start in windows if overlap_ms(self._lossy_spans, start, start + length_ms)]
        for start_ms in lossy:
            del windows[start_ms]
        return len(lossy)

    async def load_telemetry(self, _record_id: str) -> TelemetryHistory:
        return TelemetryHistory(
            self.metrics, self._baseline, shown=self._grouping.shown(), told_by=self.told_by
        )

    async def store_anomalies(
        self, anomalies: Sequence[AnyAnomaly], _baseline: Baseline, _given: Given
    ) -> str:
        # What the baseline ran without a test too is no difference between the two.
        self.anomalies = tuple(
            each
            for each in anomalies
            if not isinstance(each, CoverageAnomaly)
            or (each.sequence, each.event) not in self._baseline.beats
        )
        return "compare"

    async def load_anomalies(self, _record_id: str) -> tuple[AnyAnomaly, ...]:
        return self.anomalies

    async def load_pasts(self, _anomalies: tuple[AnyAnomaly, ...]) -> Mapping[str, Past]:
        return {}  # two sides are compared, each as a whole: none of them begins in time

    async def store_diagnosis(self, recommendations: Sequence[FixRecommendation]) -> str:
        self.recommendations = tuple(recommendations)
        return "compare"
