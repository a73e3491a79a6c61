"""Telemetry in the store: windows, offsets and open state, always in one commit.

Tables: `sources` (one checkpoint with its ledger a file), `streams` (parser state, names), `open_runs` (see
`OpenRuns`), `subjects`, `windows` (id = window number << 16 | subject number), `late` (what came for windows
that were judged already, until it is judged too), `tellers`, `losses`, `marks` and `templates` (see
`Tellers`, `LossyWindows`, `Marks`, `TemplateRecords`), `meta` (totals).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import msgspec
from tinydb.table import Document

from daemon.checkpoint import Checkpoint
from daemon.lossy_windows import LossyWindows, overlap_ms
from daemon.marks import Marks
from daemon.open_runs import OpenRuns
from daemon.store import Store
from daemon.subjects import SUBJECT_BITS, Subjects, beat_key, error_key
from daemon.tellers import Tellers
from daemon.template_records import TemplateRecords
from handlers.error_groups import in_group, in_groups
from handlers.metrics import add_beats, add_errors, add_runs, add_window
from handlers.model import BeatStats, Consumed, ErrorStats, RunStats, StreamState, TelemetryMetrics, Window
from handlers.telemetry.ports import TelemetryCommit

T = TypeVar("T")

META_ID: Final = 1
_LAST_ID: Final = (1 << 63) - 1
MAX_DOCUMENTS: Final = 1_000
"""Statistics of one subject in one window that are held at once: they take about 3 KB each."""
_LATE_AT_ONCE: Final = 50_000
_SUBJECT_MASK: Final = (1 << SUBJECT_BITS) - 1


class Totals(msgspec.Struct):
    """What was done since the store was begun."""

    window_ms: int = 0
    """Length of the stored windows; 0 before the first commit."""
    commits: int = 0
    lines: int = 0
    matched: int = 0
    events: int = 0
    unreadable: int = 0
    undecodable: int = 0
    late: int = 0
    """Completed beats and errors that came after their window was judged; they are judged on their own."""
    ahead: int = 0
    """Events left out because their clock is ahead of this machine's by more than the allowed skew."""
    untimed: int = 0
    """Events without a time that can be read; they count at the time of their arrival."""
    watermark_ms: int = 0
    """Latest event time."""
    judged_until_ms: int = 0


class Source(msgspec.Struct):
    """A line of the ledger: how far a file was read and what was in it."""

    checkpoint: Checkpoint
    format: str = ""
    events: int = 0
    unreadable: int = 0
    matched: int = 0
    undecodable: int = 0


class _Late(msgspec.Struct):
    """Statistics of one subject that came for a judged window."""

    start_ms: int
    subject: int
    stats: dict[str, Any]


class _StoredStream(msgspec.Struct):
    name: str
    state: StreamState


def to_document(record: msgspec.Struct, doc_id: int) -> Document:
    """A record as a TinyDB document."""
    return Document(msgspec.to_builtins(record, str_keys=True), doc_id)


def from_document(document: Any, record_type: type[T]) -> T:
    """The record in a document. Raises msgspec.ValidationError if it is not one."""
    return msgspec.convert(document, record_type, str_keys=True)


class TelemetryRecords:
    """Reads and writes telemetry. Every method is one transaction or part of the caller's snapshot."""

    def __init__(self, store: Store, window_ms: int) -> None:
        self._store = store
        self._window_ms = window_ms
        self._sources = store.table("sources")
        self._streams = store.table("streams")
        self._windows = store.table("windows")
        self._late = store.table("late")
        self._meta = store.table("meta")
        self.lossy = LossyWindows(store, window_ms)
        self.marks = Marks(store)
        self._open_runs = OpenRuns(store)
        self._stream_ids = {document["name"]: document.doc_id for document in self._streams.all()}
        self.subjects = Subjects(store)
        self.tellers = Tellers(store)
        self.templates = TemplateRecords(store)
        self.late_at_last = 0
        """What came late with the last commit, counted as in `Totals`."""

    def totals(self) -> Totals:
        document = self._meta.get(doc_id=META_ID)
        return from_document(document, Totals) if document is not None else Totals()

    def put_totals(self, totals: Totals) -> None:
        self._meta.put([to_document(totals, META_ID)])

    def restart_windows(self) -> int | None:
        """Drops the stored windows if they have another length than the settings now say; that length."""
        totals = self.totals()
        if totals.window_ms in {0, self._window_ms}:
            return None
        with self._store.transaction():
            self._windows.truncate()
            self._late.truncate()
            self.lossy.truncate()
            before_ms, totals.window_ms = totals.window_ms, self._window_ms
            self.put_totals(totals)
        return before_ms

    def sources(self) -> list[Source]:
        return [from_document(document, Source) for document in self._sources.all()]

    def count_sources(self) -> int:
        return len(self._sources)

    def streams(self) -> dict[str, StreamState]:
        """The state of each stream as the last commit left it."""
        states: dict[str, StreamState] = {}
        for document in self._streams.all():
            stored = from_document(document, _StoredStream)
            stored.state.runs = self._open_runs.of(document.doc_id)
            states[stored.name] = stored.state
        return states

    def knows_stream(self, name: str) -> bool:
        """Whether its state is kept: not when all of its files are gone and forgotten."""
        return name in self._stream_ids

    def watermarks_ms(self) -> dict[str, int]:
        """Latest event time read, by stream."""
        return {document["name"]: document["state"]["watermark_ms"] for document in self._streams.all()}

    def commit(
        self,
        commit: TelemetryCommit,
        checkpoints: Iterable[Checkpoint],
        expired: Iterable[int],
        judged_until_ms: int,
    ) -> str:
        """Adds the counts and moves the offsets. After an exception nothing of it is stored.

        What belongs to windows before `judged_until_ms` is kept for the next detection as well.
        """
        totals = self.totals()
        stored = False
        try:
            with self._store.transaction():
                self._put_sources(checkpoints, expired, commit.consumed)
                self._put_streams(commit)
                self.tellers.add(commit.told_by)
                self.lossy.mark(commit.lossy_spans)
                for template in commit.templates:
                    self.templates.grouping.group(template)
                self.templates.put()
                self.marks.add(commit.marks)
                late = self._add_windows(commit.metrics, judged_until_ms)
                totals.late += late
                totals.commits += 1
                totals.window_ms = self._window_ms
                for piece in commit.consumed:
                    totals.lines += piece.lines
                    totals.matched += piece.matched
                    totals.unreadable += piece.unreadable
                    totals.undecodable += piece.undecodable
                watermarks_ms = [stream.watermark_ms for stream in commit.streams.values()]
                totals.watermark_ms = max([totals.watermark_ms, *watermarks_ms])
                totals.events += commit.event_count
                totals.ahead += commit.ahead
                totals.untimed += commit.untimed
                self.put_totals(totals)
            stored = True
            self.late_at_last = late
            self._open_runs.committed()
        finally:
            if not stored:
                self._open_runs.undone()
                self.subjects.reload()
                self.tellers.reload()
                self.templates.reload()
                self._stream_ids = {document["name"]: document.doc_id for document in self._streams.all()}
        return f"telemetry-{totals.commits}"

    def windows(self, first_ms: int, until_ms: int, max_windows: int) -> TelemetryMetrics:
        """The first windows in [first_ms, until_ms), fewer than `max_windows` if they hold much."""
        windows: dict[int, Window] = {}
        first_id = self._window_id(first_ms, 0)
        stored = self._windows.between(first_id, self._window_id(until_ms, 0) - 1)
        for number, document in enumerate(stored):
            start_ms = (document.doc_id >> SUBJECT_BITS) * self._window_ms
            is_full = len(windows) == max_windows or number >= MAX_DOCUMENTS
            if start_ms not in windows and is_full:
                break
            window = windows.setdefault(start_ms, Window(start_ms))
            self._fill(window, document.doc_id & _SUBJECT_MASK, document)
        self._mark(windows)
        return TelemetryMetrics(self._window_ms, windows)

    def first_window_ms(self) -> int | None:
        """Start of the oldest window; None without any."""
        first = self._windows.first_id()
        return (first >> SUBJECT_BITS) * self._window_ms if first is not None else None

    def has_windows(self, first_ms: int, until_ms: int) -> bool:
        """Whether a window begins in [first_ms, until_ms)."""
        found = self._windows.between(self._window_id(first_ms, 0), self._window_id(until_ms, 0) - 1)
        return next(found, None) is not None

    def late_windows(self, before_ms: int) -> tuple[dict[int, Window], int]:
        """What came late for windows before `before_ms`, and the id up to which it was looked at.

        What is not before it stands in windows that are still to be judged, and counts there.
        """
        windows: dict[int, Window] = {}
        last_id = 0
        for document in itertools.islice(self._late.between(1, _LAST_ID), _LATE_AT_ONCE):
            last_id = document.doc_id
            late = from_document(document, _Late)
            if late.start_ms < before_ms:
                part = Window(late.start_ms)
                self._fill(part, late.subject, late.stats)
                add_window(windows.setdefault(late.start_ms, Window(late.start_ms)), part)
        self._mark(windows)
        return windows, last_id

    def has_late(self) -> bool:
        """Whether something that came late waits to be judged."""
        return bool(self._late.last_id())

    def forget_late(self, last_id: int) -> None:
        """Deletes what was judged. Call inside of the transaction that stores the verdicts."""
        self._late.remove_between(1, last_id)

    def _mark(self, windows: dict[int, Window]) -> None:
        if marked := self.lossy.marked():
            for start_ms, window in windows.items():
                window.lossy = overlap_ms(marked, start_ms, start_ms + self._window_ms) > 0

    def _fill(self, window: Window, subject: int, stats: Any) -> None:
        kind, key = self.subjects.name(subject)
        if kind == "beat":
            window.beats[beat_key(key)] = from_document(stats, BeatStats)
        elif kind == "run":
            window.runs[key[0]] = from_document(stats, RunStats)
        else:
            group = in_group(error_key(key), self.templates.grouping)
            add_errors(window.errors.setdefault(group, ErrorStats()), from_document(stats, ErrorStats))

    def _window_id(self, at_ms: int, subject: int) -> int:
        return (at_ms // self._window_ms) << SUBJECT_BITS | subject

    def _put_sources(
        self, checkpoints: Iterable[Checkpoint], expired: Iterable[int], consumed: Iterable[Consumed]
    ) -> None:
        pieces = {piece.source: piece for piece in consumed}
        documents = []
        for checkpoint in checkpoints:
            known = self._sources.get(doc_id=checkpoint.source)
            source = from_document(known, Source) if known is not None else Source(checkpoint)
            source.checkpoint = checkpoint
            if (piece := pieces.get(checkpoint.source)) is not None:
                source.format = piece.format
                source.events += piece.events
                source.matched += piece.matched
                source.unreadable += piece.unreadable
                source.undecodable += piece.undecodable
            documents.append(to_document(source, checkpoint.source))
        self._sources.put(documents)
        gone = [*expired]
        for number in gone:
            self._sources.remove_between(number, number)
        if gone:
            streams = {source.checkpoint.stream for source in self.sources()}
            self.tellers.keep(streams)
            for name in self._stream_ids.keys() - streams:
                number = self._stream_ids.pop(name)
                self._streams.remove_between(number, number)
                self._open_runs.put(number, {})

    def _put_streams(self, commit: TelemetryCommit) -> None:
        for name, state in commit.streams.items():
            number = self._stream_ids.setdefault(name, max(self._stream_ids.values(), default=0) + 1)
            without_runs = msgspec.structs.replace(state, runs={})
            self._streams.put([to_document(_StoredStream(name, without_runs), number)])
            self._open_runs.put(number, state.runs)

    def _add_windows(self, metrics: TelemetryMetrics, judged_until_ms: int) -> int:
        """Adds to the stored windows; returns how many completed beats and errors came late."""
        changed: list[Document] = []
        late: list[Document] = []
        late_events = 0
        next_id = (self._late.last_id() or 0) + 1
        for start_ms, window in metrics.windows.items():
            parts = [*self._parts(window)]
            changed += [
                self._added(self._window_id(start_ms, subject), new, add) for subject, new, add in parts
            ]
            if start_ms < judged_until_ms:
                late_events += sum(beat.completed for beat in window.beats.values())
                late_events += sum(error.count for error in window.errors.values())
                for subject, new, _ in parts:
                    stats = msgspec.to_builtins(new, str_keys=True)
                    late.append(to_document(_Late(start_ms, subject, stats), next_id + len(late)))
        self._windows.put(changed)
        self._late.put(late)
        return late_events

    def _parts(self, window: Window) -> Iterator[tuple[int, Any, Callable[[Any, Any], None]]]:
        """(subject number, statistics, how to add them) of all that a window holds."""
        number = self.subjects.number
        for beat, beat_stats in window.beats.items():
            yield number("beat", beat), beat_stats, add_beats
        for run, run_stats in window.runs.items():
            yield number("run", (run,)), run_stats, add_runs
        for error, error_stats in in_groups(window.errors, self.templates.grouping).items():
            yield number("error", error), error_stats, add_errors

    def _added(self, doc_id: int, new: T, add: Callable[[T, T], None]) -> Document:
        known = self._windows.get(doc_id=doc_id)
        if known is None:
            return Document(msgspec.to_builtins(new, str_keys=True), doc_id)
        total = from_document(known, type(new))
        add(total, new)
        return Document(msgspec.to_builtins(total, str_keys=True), doc_id)
