"""`ingest`: reads old logs into the store, as one process would, and has them judged."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import anyio
import msgspec
from msgspec.structs import replace

from config.load import LoadedSettings
from config.settings import Settings
from daemon.checked import slow_patterns
from daemon.checkpoint import MAX_LOSSES, Checkpoint
from daemon.clock import now_ms
from daemon.cycle import AHEAD, judge, open_store
from daemon.engine import Engine
from daemon.ingest.find import find_files, watched_paths
from daemon.ingest.plan import Plan, plan_files
from daemon.ingest.reader import Piece, Segment, StreamReader, uncounted
from daemon.ingest.tasks import Task, tasks_of, weight
from daemon.ingest.workers import Job, Sizes, Workers
from daemon.ledger import MARKS_KEPT
from daemon.logs import configure_logging, tell
from daemon.narrate import tell_beat
from daemon.once import END_OF_TIME_MS, OnceReport
from daemon.progress import ReadProgress
from daemon.telemetry_records import TelemetryRecords
from handlers.model import StreamState, TelemetryMetrics
from handlers.telemetry.ports import TelemetryCommit

HEAD_BYTES: Final = 1 << 20
"""What is read of a log to guess what stands at the beginnings of its later parts: mostly registrations."""
VAIN_TASKS: Final = 2
"""After so many tasks of a stream whose guess never came true, its others are read by one process."""


def ingest(
    loaded: LoadedSettings,
    environ: Mapping[str, str],
    paths: Sequence[Path],
    workers: int,
    sizes: Sizes = Sizes(),  # noqa: B008 (frozen)
) -> OnceReport:
    """Reads all that the paths lead to and that was not read before, judges and diagnoses it.

    The report has the sources that were named, and what is open after it.
    Killed at any time and begun again, it goes on. Raises NothingToIngestError, StoreError, and
    WorkerFailedError.
    """
    settings = loaded.settings
    configure_logging(settings.log, environ)
    with open_store(settings) as store:
        engine = Engine(settings, store, tell_beat)
        telemetry = engine.telemetry
        own_files = [*store.path.parent.glob(f"{glob.escape(store.path.name)}*"), settings.log.file]
        found = find_files(paths, settings.logs, [own for own in own_files if own is not None])
        before = [source.checkpoint for source in telemetry.sources()]
        plan = plan_files(found.files, before, watched_paths(settings.logs))
        reading = _Ingest(settings, telemetry, plan, sizes)
        reading.read(workers)
        anyio.run(_judge, engine)
        problems = [*found.problems, *plan.notes, *reading.problems, *slow_patterns(settings)]
        return OnceReport(
            summary=telemetry.totals(),
            sources=[each for each in telemetry.sources() if each.checkpoint.source in plan.named],
            anomalies=[each for each in engine.anomalies.incidents() if each.is_open],
            recommendations=tuple(engine.anomalies.recommendations()),
            problems=(*dict.fromkeys([*problems, *engine.codebase_problems]),),
            watermarks_ms=telemetry.watermarks_ms(),
            lossy_windows=telemetry.lossy.count(),
        )


async def _judge(engine: Engine) -> None:
    await judge(engine, END_OF_TIME_MS, tells=False)
    while engine.telemetry.has_late():  # older than what was judged before, and more than one detection takes
        await judge(engine, END_OF_TIME_MS, tells=False)


class _Ingest:
    """Puts the pieces of all streams into the store, in order."""

    def __init__(self, settings: Settings, telemetry: TelemetryRecords, plan: Plan, sizes: Sizes) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._plan = plan
        self._sizes = sizes
        self._arrival_ms = now_ms()
        self._judged_until_ms = telemetry.totals().judged_until_ms
        sources = telemetry.sources()
        self._formats = {source.checkpoint.source: source.format for source in sources if source.format}
        self._at: dict[int, Checkpoint] = {at.source: at for at in (source.checkpoint for source in sources)}
        self._states = telemetry.streams()
        self._guesses: dict[str, StreamState] = {}
        self._vain: Counter[str] = Counter()
        self._tasks: list[Task] = []
        self._left_bytes = 0
        self._progress = ReadProgress(worth_bytes=1)
        self._problems: list[str] = []
        self._ahead = 0

    @property
    def problems(self) -> list[str]:
        return [*self._problems, AHEAD] if self._ahead else self._problems

    def read(self, workers: int) -> None:
        if self._plan.checkpoints:
            nothing = TelemetryCommit(TelemetryMetrics(0, {}), (), {})
            self._telemetry.commit(nothing, self._plan.checkpoints, (), self._judged_until_ms)
            self._at |= {at.source: at for at in self._plan.checkpoints}
        files = [file for stream in self._plan.streams for file in stream.files]
        self._left_bytes = sum(
            file.size_bytes - max(0, file.checkpoint.offset * (file.end >= 0)) for file in files
        )
        if sum(weight(file) for file in files) < self._sizes.parallel_from_bytes:
            workers = 1
        self._tasks += tasks_of(self._plan.streams, self._formats, self._sizes.task_bytes)
        workers = min(workers, len(self._tasks))
        try:
            if workers <= 1:
                for task in self._tasks:
                    self._read_here(task.stream, task.segments)
            else:
                with closing(self._start(workers)) as pool:
                    for number, task in enumerate(self._tasks):
                        self._take(number, task, pool)
        finally:
            self._progress.done()

    def _start(self, workers: int) -> Workers:
        return Workers(workers, self._settings, self._arrival_ms, self._sizes, len(self._tasks), self._job)

    def _job(self, number: int) -> Job | None:
        """Called when a worker is free for it, so that a guess is made from all that is known by then."""
        task = self._tasks[number]
        if task.first:
            return Job(number, task.stream, task.segments, self._states.get(task.stream), guessed=False)
        if self._vain[task.stream] >= VAIN_TASKS:
            return None
        return Job(number, task.stream, task.segments, self._guess(number), guessed=True)

    def _guess(self, number: int) -> StreamState | None:
        """What was known of the stream last, with nothing open; before all, what its head says."""
        stream = self._tasks[number].stream
        state = self._states.get(stream) or self._guesses.get(stream)
        if state is None:
            first = next(task for task in self._tasks if task.stream == stream)
            with closing(self._reader(stream)) as reader:
                state = reader.read(first.segments[0], first.segments[0].at.offset + HEAD_BYTES).state
            if state is None:
                return None
            self._guesses[stream] = state
        return replace(state, runs={}, parser=replace(state.parser, error=None, traces={}))

    def _take(self, number: int, task: Task, pool: Workers) -> None:
        """Commits what a worker read. Before its guess comes true, what is read again from the true state."""
        if not pool.begin(number):
            self._read_here(task.stream, task.segments)
            return
        same, lost = task.first, False
        place, left = 0, task.segments
        with closing(self._reader(task.stream)) as reader:
            while (taken := pool.take(number)) is not None:
                if lost:
                    continue
                place, piece = taken
                left = task.segments[place:]
                if piece.start != self._at[piece.at.source].offset:
                    lost = True
                    continue
                if not same:
                    true = reader.read(self._true(left[0]), piece.at.offset, exact=True)
                    same = _state(true) == _state(piece)
                    lost = (true.at.offset, true.more) != (piece.at.offset, piece.more)
                    piece = true
                self._commit(task.stream, piece)
                left = task.segments[place + (not piece.more) :]
        if lost:
            self._read_here(task.stream, left)
        elif not same:
            self._vain[task.stream] += 1
            if self._vain[task.stream] == VAIN_TASKS:
                why = "what is open between its parts lasts too long to be guessed"
                tell("INFO", "read-in-order", f"{task.stream}: its rest is read by one process: {why}")

    def _read_here(self, stream: str, segments: Sequence[Segment]) -> None:
        with closing(self._reader(stream)) as reader:
            for segment in segments:
                for piece in reader.pieces(self._true(segment), self._sizes.of(guessed=False)):
                    self._commit(stream, piece)

    def _reader(self, stream: str) -> StreamReader:
        return StreamReader(self._settings, self._arrival_ms, stream, self._states.get(stream))

    def _true(self, segment: Segment) -> Segment:
        """The segment from where reading has come to."""
        source = segment.at.source
        return replace(segment, at=uncounted(self._at[source]), format=self._formats.get(source, ""))

    def _commit(self, stream: str, piece: Piece) -> None:
        before = self._at[piece.at.source]
        at = _advanced(before, piece.at)
        if at != before or piece.commit.streams:
            self._telemetry.commit(piece.commit, [at], (), self._judged_until_ms)
        self._at[at.source] = at
        if piece.state is not None:
            self._states[stream] = piece.state
        self._formats |= {each.source: each.format for each in piece.commit.consumed}
        self._problems += piece.problems
        self._ahead += piece.commit.ahead
        self._left_bytes = max(0, self._left_bytes - piece.file_bytes)
        self._progress.advance(piece.file_bytes, self._left_bytes)


def _state(piece: Piece) -> bytes:
    """All that what follows depends on; also the order in which runs were opened."""
    return msgspec.msgpack.encode(piece.state)


def _advanced(at: Checkpoint, piece: Checkpoint) -> Checkpoint:
    """The checkpoint with what a piece counted."""
    moved = piece.offset > at.offset
    return replace(
        at,
        identity=piece.identity,
        offset=piece.offset,
        marks=(*at.marks[1 - MARKS_KEPT :], piece.marks[-1]) if moved else at.marks,
        skipping=piece.skipping,
        bytes_read=at.bytes_read + piece.bytes_read,
        lines_read=at.lines_read + piece.lines_read,
        lines_cut=at.lines_cut + piece.lines_cut,
        bytes_skipped=at.bytes_skipped + piece.bytes_skipped,
        bytes_lost=at.bytes_lost + piece.bytes_lost,
        losses=(*at.losses, *piece.losses)[-MAX_LOSSES:],
        archive_bytes=piece.archive_bytes,
    )
