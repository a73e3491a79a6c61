"""What each look at the directories finds: which files are known, moved, gone, rewritten or new."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from .checkpoint import Checkpoint, FileState, Loss, continued, with_loss, without_losses
from .copies import Copies
from .descriptors import Descriptors
from .identity import HEAD_BYTES, FileKey, begins_with, holds, identify, mark_at, pread_of
from .ledger import Ledger, key_of
from .listing import Found, Listing, LogsSettings, found, list_files
from .packed import PackedLogs
from .rotation import is_beside, log_of
from .spool import Spool

QUIET_S: Final = 10.0
"""A file that is no longer at the path of its log and was not written for so long will not grow any more."""
MTIME_STEP_S: Final = 2.0
"""Two writes within one step of the clock of a file system (2 s on FAT) can have the same mtime."""


class Inventory:
    """Brings the ledger in line with the file system. `looks` has the files that may have bytes to read."""

    def __init__(
        self, logs: LogsSettings, own_files: Iterable[Path], ledger: Ledger, descriptors: Descriptors
    ) -> None:
        # What was unread when the last reader ended: if it is gone by now, that is known to be lost.
        self.looks: dict[int, Found] = {
            at.source: Found(key_of(at), at.path, at.seen_bytes, 0)
            for at in ledger
            if at.state != "gone" and not at.archive_bytes and not at.ingested and at.seen_bytes > at.offset
        }
        """By source, as the last look saw them."""
        self.files = 0
        """How many there were at the last look."""
        self.empty: list[Found] = []
        """New files with nothing to read yet."""
        self.untaken: dict[int, int] = {}
        """Size at which nothing could be read of a file: no format knows it, or no line is whole."""
        self.doubtful: set[int] = set()
        """Files whose content is verified at the next look even if size and mtime are the same."""
        self.notes: list[str] = []
        """For people."""
        self.grew_at = float("-inf")
        """Monotonic time in seconds at which a file was last seen to have grown."""
        self._logs = logs
        self._own_files = tuple(path.absolute() for path in own_files)
        self._ledger = ledger
        self._open = descriptors
        self._copies = Copies(ledger, descriptors)
        self.packed = PackedLogs(ledger)
        self._vanished: set[int] = set()
        """Files that are gone, and not open, since the last look."""
        self.lost: dict[int, Loss] = {}
        """What is found to be lost since the last commit, by source."""

    def update(self) -> None:
        listing = list_files(self._logs)
        self.notes += listing.problems
        self._leave_out_own_files(listing)
        self.files = len(listing.files)
        fresh = [file for file in listing.files.values() if not self._is_known(file)]
        self._miss(listing)
        self._follow_gone()
        if fresh:
            self._adopt(fresh, listing)
        self._follow_packed()
        self.empty = [file for file in fresh if not file.size]
        # Losses come last: what a copy holds is not lost.
        self._record_losses()
        self._ledger.expire(self.looks)

    def committed(self) -> None:
        self.lost.clear()

    def rolled_back(self) -> None:
        self.looks = {source: look for source, look in self.looks.items() if self._ledger.get(source)}
        self.doubtful.update(self.looks)
        self.packed.close_all()

    def cannot_read(self, path: str, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # that one was renamed or deleted since it was listed
            self.notes.append(f"{path}: cannot be read ({error.strerror}); tried again at each look")

    def _leave_out_own_files(self, listing: Listing) -> None:
        for path in self._own_files:
            with suppress(OSError):  # not there yet
                status = path.stat()
                listing.files.pop((status.st_dev, status.st_ino), None)
        folders = {str(path.parent) for path in self._own_files}
        spools = tuple(f"{Spool(path).path}/" for path in self._own_files)
        near = (*spools, *(f"{folder}/" for folder in folders))
        for key, file in [each for each in listing.files.items() if each[1].path.startswith(near)]:
            folder, _, name = file.path.rpartition("/")
            beside = folder in folders and any(is_beside(own, name) for own in self._own_files)
            if beside or file.path.startswith(spools):
                del listing.files[key]

    def _is_known(self, file: Found) -> bool:
        """Takes note of a file that is known. False if there is new content under its device and inode."""
        at = self._ledger.at(file.key)
        if at is None:
            return False
        last = self.looks.get(at.source)
        unchanged = last is not None and (last.size, last.mtime_ns) == (file.size, file.mtime_ns)
        if not unchanged or at.source in self.doubtful:
            try:
                same = self.is_same(at, file)
            except OSError as error:
                self.cannot_read(file.path, error)
                return True
            if not same:
                self._ledger.release(at)
                self._vanished.add(at.source)
                return False
            if file.size > (last.size if last else at.offset):
                self.grew_at = time.monotonic()
        self._looked_at(at.source, file)
        self._place(at, file)
        return True

    def _looked_at(self, source: int, file: Found) -> None:
        self.looks[source] = file
        if quiet_s(file) < MTIME_STEP_S:
            self.doubtful.add(source)
        else:
            self.doubtful.discard(source)

    def is_same(self, at: Checkpoint, file: Found) -> bool:
        """Whether the file still has the content that it was known by. Raises OSError."""
        if file.size < at.offset:
            return False
        pread = pread_of(self._open.get(file.key, file.path))
        return begins_with(pread, at.identity) and all(holds(pread, mark) for mark in at.marks[-1:])

    def _place(self, at: Checkpoint, file: Found) -> None:
        """Follows a file to its new name, unless the old one is still there (a hard link)."""
        path = at.path if at.path == file.path or _is_at(at.path, file.key) else file.path
        state: FileState = "active" if path == at.stream else "rotated"
        if (path, state) != (at.path, at.state):
            if at.state == "gone":
                at = without_losses(at)
                self.lost.pop(at.source, None)
            self._ledger.stage(replace(at, path=path, state=state))

    def _miss(self, listing: Listing) -> None:
        hidden = tuple(directory + "/" for directory in listing.unreadable)
        for at in self._ledger.missing(listing.files):
            if at.state != "gone" and not at.path.startswith(hidden):
                self._ledger.stage(replace(at, state="gone"))
                self._vanished.add(at.source)

    def _follow_gone(self) -> None:
        """Files that are gone are read to their end if they are open; else what is left of them is lost."""
        for source in self._ledger.over() & self.looks.keys():
            at, last = self._ledger[source], self.looks[source]
            if at.state != "gone":
                continue
            current = self._ledger.is_current(at)
            status = self._open.status(key_of(at)) if current else None
            if status is None:
                self._forget(at)
                self._vanished.add(source)
                unwatched = current and _is_at(at.path, key_of(at))  # other directories are watched by now
                if last.size > at.offset and not unwatched:
                    reason = "deleted or moved away" if current else "truncated or overwritten"
                    self.lost.setdefault(source, Loss(reason, at.offset, last.size))
                continue
            self.looks[source] = file = found(last.path, status)
            ended = status.st_nlink == 0 or quiet_s(file) > QUIET_S
            done = file.size <= at.offset or self.untaken.get(source) == file.size
            if done and ended and not self._ledger.is_staged(source):
                self._forget(at)

    def _follow_packed(self) -> None:
        """What is gone may have been packed; what was found so is read like any file, to its end."""
        vanished = [at for source in self._vanished if (at := self._ledger.get(source))]
        self._vanished.clear()
        for packed in self.packed.search([at.source for at in vanished if not self._is_open(at)]):
            at = packed.at
            self._forget(self._ledger[at.source])
            self.lost.pop(at.source, None)
            self._ledger.stage(at)
            self.looks[at.source] = packed.file
            if packed.loss is not None:
                self.lost[at.source] = packed.loss
            self.notes.append(
                f"{at.path}: read from byte {at.offset:,} of its content on, since it was packed before that"
            )
        self.notes += self.packed.notes
        self.packed.notes.clear()
        for source in self._ledger.over() & self.looks.keys():
            at, look = self._ledger[source], self.looks[source]
            if at.state == "archive" and (at.offset >= look.size or self.untaken.get(source) == look.size):
                self._forget(at)
                self.packed.close([source])
                if at.offset >= look.size:
                    self._ledger.stage(replace(at, archive_bytes=_size_of(at.path)))

    def _is_open(self, at: Checkpoint) -> bool:
        return self._ledger.is_current(at) and self._open.status(key_of(at)) is not None

    def _forget(self, at: Checkpoint) -> None:
        if self._ledger.is_current(at):
            self._open.close(key_of(at))
            self._ledger.release(at)
        self.looks.pop(at.source, None)
        self.untaken.pop(at.source, None)

    def _adopt(self, fresh: list[Found], listing: Listing) -> None:
        logs = {at.stream for at in self._ledger} | {file.path for file in listing.files.values()}
        self._copies.begin(self.looks)
        # The longest first: of two files with the same content, the shorter one is the copy.
        for file in sorted((file for file in fresh if file.size), key=lambda file: (-file.size, file.path)):
            log = log_of(file.path)
            try:
                self._adopt_one(file, log if log in logs else file.path)
            except OSError as error:
                self.cannot_read(file.path, error)

    def _adopt_one(self, file: Found, stream: str) -> None:
        descriptor = self._open.get(file.key, file.path)
        head = os.pread(descriptor, HEAD_BYTES, 0)
        if not head:
            return  # truncated since it was listed
        kinship = self._copies.judge(file, stream, head)
        if kinship and kinship.read_bytes is None:
            self.notes.append(f"{file.path}: not read, since all of it stands in {kinship.original.path}")
            return
        if kinship:
            stream = kinship.original.stream
        checkpoint = Checkpoint(
            source=self._ledger.new_source(file.key),
            path=file.path,
            stream=stream,
            identity=identify(file.key, head.rstrip(b"\0")),  # zeros may be space for lines to come
            state="active" if file.path == stream else "rotated",
        )
        if kinship:
            self._take_over(kinship.original, file)
        if kinship and kinship.read_bytes:
            checkpoint = continued(
                checkpoint, kinship.original, mark_at(pread_of(descriptor), kinship.read_bytes)
            )
            self.notes.append(f"{file.path}: not read again as far as it was read as {kinship.original.path}")
        self._ledger.stage(checkpoint)
        self._copies.add(checkpoint)
        self._looked_at(checkpoint.source, file)
        self.grew_at = time.monotonic()

    def _take_over(self, original: Checkpoint, copy: Found) -> None:
        """What the copy holds of a file that is gone is not lost, and is not read from both."""
        self._forget(original)
        lost = self.lost.pop(original.source, None)
        if lost and lost.to_offset > copy.size:
            self.lost[original.source] = replace(lost, from_offset=max(lost.from_offset, copy.size))
        if any(original.offset <= loss.from_offset < copy.size for loss in original.losses):
            self._ledger.stage(without_losses(original))

    def _record_losses(self) -> None:
        for source, loss in self.lost.items():
            at = self._ledger[source]
            if loss not in at.losses:
                self._ledger.stage(with_loss(at, loss))
                packed = at.state == "archive"
                advice = " before they were read; let logs be rotated by rename, not by copytruncate"
                self.notes.append(
                    f"{at.path}: lost the {loss.to_offset - loss.from_offset} bytes from offset "
                    f"{loss.from_offset} on: {loss.reason}{'' if packed else advice}"
                )


def quiet_s(file: Found) -> float:
    """Seconds since the file was last written."""
    return (time.time_ns() - file.mtime_ns) / 1e9


def _size_of(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 (paths stay strings)
    except OSError:
        return 0


def _is_at(path: str, key: FileKey) -> bool:
    try:
        status = os.stat(path)  # noqa: PTH116 (paths stay strings)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == key
