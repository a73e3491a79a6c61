"""What `ingest` will read: each content once, the files of one log in order of time."""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from daemon.checkpoint import Checkpoint
from daemon.copies import Relatives
from daemon.identity import FileKey, identify
from daemon.ingest.candidate import Candidate, UnreadableFileError, is_same, look
from daemon.ingest.known import continue_known, leave_out_copies
from daemon.ledger import Ledger, key_of
from daemon.listing import Found
from daemon.rotation import log_of, reading_order, unpacked


class PlannedFile(msgspec.Struct, frozen=True):
    """A file with something to read from `checkpoint.offset` on."""

    checkpoint: Checkpoint
    compression: str
    size_bytes: int
    """On disk."""
    end: int
    """Of what is to be read; -1 for an archive, whose end is known when it is reached."""


class PlannedStream(msgspec.Struct, frozen=True):
    name: str
    files: tuple[PlannedFile, ...]
    """The oldest first."""
    ends: bool
    """Nothing will follow. Else the daemon goes on with what is open."""


class Plan(msgspec.Struct, frozen=True):
    streams: tuple[PlannedStream, ...]
    checkpoints: tuple[Checkpoint, ...]
    """New and changed ones. They are committed before anything is read, so that a second attempt, and the
    daemon, know what was planned."""
    named: frozenset[int]
    """Sources of all files that were found, read before or not."""
    notes: tuple[str, ...]
    """For people."""


def plan_files(found: Iterable[Found], checkpoints: Iterable[Checkpoint], watched: frozenset[str]) -> Plan:
    """Judges the files against what the store knows, and against each other.

    `watched`: files that the daemon follows, by their paths without links.
    """
    return _Planner(tuple(checkpoints), watched).plan(tuple(found))


class _Planner:
    def __init__(self, known: tuple[Checkpoint, ...], watched: frozenset[str]) -> None:
        self._known = known
        self._watched = watched
        self._ledger = Ledger(known)
        self._relatives = Relatives()
        self._by_key: dict[tuple[FileKey, bool], Checkpoint] = {}
        for at in known:
            self._relatives.add(at, at.identity)
            self._by_key[key_of(at), at.state == "archive"] = at
        self._notes: list[str] = []

    def plan(self, found: Sequence[Found]) -> Plan:
        files = [file for each in found if each.size and (file := self._adopt(each)) is not None]
        self._name_streams(files)
        for file in files:
            if not file.known:
                self._notes += continue_known(file, self._relatives, self._ledger)
        self._notes += leave_out_copies([file for file in files if not file.done])
        self._split_older(files)
        files.sort(key=_order)
        for file in files:
            self._number(file)
        streams = [
            self._stream(name, [file for file in group if not file.done])
            for name, group in itertools.groupby(files, lambda file: file.at.stream)
        ]
        return Plan(
            streams=tuple(stream for stream in streams if stream.files),
            checkpoints=self._ledger.changed(),
            named=frozenset(file.at.source for file in files),
            notes=tuple(self._notes),
        )

    def _adopt(self, found: Found) -> Candidate | None:
        """A file with what is known of it by its device and inode; None if it cannot be read."""
        try:
            compression, head = look(found.path)
        except UnreadableFileError as error:
            self._notes.append(f"{found.path}: {error}")
            return None
        if not head:
            return None
        known = self._by_key.get((found.key, bool(compression)))
        if known is not None:
            if is_same(known, found):
                file = Candidate(found, compression, head, known, known=True)
                file.moved_to(known.stream)
                file.done = bool(known.archive_bytes) or (not compression and self._end(file) <= known.offset)
                return file
            if known.state in {"active", "rotated"}:
                self._ledger.stage(replace(known, state="gone"))
        at = Checkpoint(
            source=0,
            path=found.path,
            stream=found.path,
            identity=identify(found.key, head.rstrip(b"\0")),
            ingested=True,
        )
        return Candidate(found, compression, head, at)

    def _name_streams(self, files: Iterable[Candidate]) -> None:
        """The stream of a new file is the log that it is a rotated file of, if there is such a log."""
        logs = {at.stream for at in self._known} | {file.found.path for file in files}
        for file in files:
            if not file.known:
                path = file.found.path
                log, bare = log_of(path), unpacked(path) if file.compression else path
                if log not in logs and not os.path.isfile(log):  # noqa: PTH113 (paths stay strings)
                    # An archive is a rotated file whatever is left of its log; else the name proves nothing.
                    log = bare if bare in logs or bare == path else log
                file.moved_to(log)

    def _split_older(self, files: Sequence[Candidate]) -> None:
        """What is older than what was read of its log already is a stream of its own: the state that reading
        the log has come to is not that before it."""
        ages = {file.at.source: (file.at, file.found.mtime_ns) for file in files if file.known}
        read: defaultdict[str, list[tuple[object, ...]]] = defaultdict(list)
        for at in self._known:
            if at.offset:
                read[at.stream].append(reading_order(*ages.get(at.source, (at, 0))))
        older: defaultdict[str, list[Candidate]] = defaultdict(list)
        for file in files:
            fresh = not (file.known or file.done or file.at.offset)
            if fresh and any(order > _order(file) for order in read[file.at.stream]):
                older[file.at.stream].append(file)
        for group in older.values():
            first = min(group, key=_order)
            for file in group:
                file.at = replace(file.at, stream=first.found.path)

    def _number(self, file: Candidate) -> None:
        if not file.known:
            file.at = replace(file.at, source=self._ledger.new_source(file.found.key))
        if self._ledger.get(file.at.source) != file.at:
            self._ledger.stage(file.at)

    def _stream(self, name: str, files: Sequence[Candidate]) -> PlannedStream:
        planned = tuple(
            PlannedFile(file.at, file.compression, file.found.size, self._end(file)) for file in files
        )
        return PlannedStream(name, planned, ends=not self._is_watched(name))

    def _is_followed(self, file: Candidate) -> bool:
        return file.at.state == "active" and self._is_watched(file.found.path)

    def _is_watched(self, path: str) -> bool:
        return os.path.realpath(path) in self._watched

    def _end(self, file: Candidate) -> int:
        if file.compression:
            return -1
        # The last line of a log that the daemon follows may still be being written.
        return file.last_newline() if self._is_followed(file) else file.found.size


def _order(file: Candidate) -> tuple[object, ...]:
    return reading_order(file.at, file.found.mtime_ns)
