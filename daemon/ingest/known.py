"""What is not to be read again: content that was read under another name, and copies among new files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from msgspec.structs import replace

from daemon.checkpoint import Checkpoint, continued, without_losses
from daemon.content import Content
from daemon.copies import MAX_RELATIVES, Relatives
from daemon.identity import HEAD_BYTES, holds, mark_at
from daemon.ingest.candidate import Candidate, begins_other, original_of
from daemon.ledger import Ledger


def continue_known(file: Candidate, relatives: Relatives, ledger: Ledger) -> list[str]:
    """Lets a new file go on where reading the same content had come to; what is to be said of it.

    A log that was read and then compressed is the usual case.
    """
    for known in relatives.of(file.found, file.at.stream, file.head):
        with file.content() as content:
            read_bytes = _read_as(content, known)
            if not read_bytes:
                continue
            file.moved_to(known.stream)
            file.at = continued(file.at, known, mark_at(content.pread, read_bytes))
            file.done = not content.pread(1, read_bytes)
        if file.done and file.compression:
            file.at = replace(file.at, archive_bytes=file.found.size)
        if any(known.offset <= loss.from_offset for loss in known.losses):
            ledger.stage(without_losses(known))  # the file has it after all
        how = "not read again" if file.done else f"read from byte {read_bytes:,} of its content on"
        return [f"{file.found.path}: {how}, since it was read as {known.path}"]
    return []


def _read_as(content: Content, known: Checkpoint) -> int:
    """How much of the content was read as the known file, or will be, since all of it still stands there."""
    original = original_of(known)
    if original is not None:
        try:
            if whole := begins_other(content, original):
                return whole
        finally:
            original.close()
    size = content.size_within(known.offset, keep_from=known.offset)
    marks = [mark for mark in known.marks if size is None or mark.offset <= size]
    if not marks or not holds(content.pread, marks[-1]):
        return 0
    return known.offset if size is None else size


def leave_out_copies(files: Iterable[Candidate]) -> list[str]:
    """Of new files with the same content one is read: a plain one, and of two the longer one."""
    alike: defaultdict[tuple[bytes, str], list[Candidate]] = defaultdict(list)
    for file in files:
        # A shorter head proves nothing, unless the names say that both are of one log.
        alike[file.head, file.at.stream if len(file.head) < HEAD_BYTES else ""].append(file)
    notes: list[str] = []
    for group in alike.values():
        kept: list[Candidate] = []
        group.sort(key=lambda file: (bool(file.compression), -file.found.size, file.found.path))
        for file in group:
            notes += _keep(file, kept)
    return notes


def _keep(file: Candidate, kept: list[Candidate]) -> list[str]:
    for place in range(max(0, len(kept) - MAX_RELATIVES), len(kept)):
        other = kept[place]
        if len(file.head) < HEAD_BYTES and not file.compression:
            continue  # two short files with the same content are as likely two files
        with file.content() as mine, other.content() as theirs:
            if whole := begins_other(mine, theirs):
                return [_leave_out(file, mine, whole, other)]
            if whole := begins_other(theirs, mine):
                kept[place] = file
                return [_leave_out(other, theirs, whole, file)]
    kept.append(file)
    return []


def _leave_out(copy: Candidate, content: Content, whole: int, original: Candidate) -> str:
    copy.done = True
    copy.at = replace(
        copy.at,
        offset=whole,
        marks=(mark_at(content.pread, whole),),
        bytes_skipped=copy.at.bytes_skipped + whole - copy.at.offset,
        archive_bytes=copy.found.size if copy.compression else 0,
    )
    return f"{copy.found.path}: not read, since all of it stands in {original.found.path}"
