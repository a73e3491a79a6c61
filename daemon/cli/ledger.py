"""The account of each log file: what was read of it and what was not."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from daemon.checkpoint import Checkpoint, FileState, Loss
from daemon.lag import Unread, lag_of
from daemon.telemetry_records import Source
from handlers.formats.encoding import LOOK_BYTES, UTF16_ADVICE, is_utf16


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One file, as it was last committed."""

    source: int
    path: str
    stream: str
    state: FileState
    ingested: bool
    """By `ingest`, which reads archives too. The offsets in those are of their content."""
    format: str
    """Name of the log format, or "" while none recognises the file."""
    offset: int
    unread_bytes: int | None
    """What stands behind the offset now; None if the file is gone or cannot be looked at, and of an archive
    that was not read to its end."""
    lag_s: float | None
    """At most so old is the oldest unread byte (see `daemon.lag`); 0 if all is read, None if not known."""
    bytes_read: int
    lines: int
    events: int
    matched: int
    """Lines that are understood, whether they make an event or not."""
    unmatched: int
    """All other lines. In most logs they are many, and nothing is wrong with them."""
    unreadable: int
    """Lines that look like events and are none."""
    undecodable: int
    """Lines that are no UTF-8 text, or hold NUL bytes."""
    cut: int
    """Lines longer than allowed, of which the beginning was read."""
    quarantined: int
    """Lines that were passed over, since reading them killed or hung the reader."""
    bytes_skipped: int
    bytes_lost: int
    losses: tuple[Loss, ...]
    advice: str
    """What to do so that the file can be read, or ""."""


def ledger_of(
    sources: Iterable[Source], watermarks_ms: Mapping[str, int], now_ms: int
) -> tuple[LedgerLine, ...]:
    """By path; the files that are gone come last. `watermarks_ms`: latest event time read, by stream."""
    lines = (_line(source, watermarks_ms, now_ms) for source in sources)
    return tuple(sorted(lines, key=lambda line: (line.state == "gone", line.path, line.source)))


def _line(source: Source, watermarks_ms: Mapping[str, int], now_ms: int) -> LedgerLine:
    at = source.checkpoint
    unread = _unread(at)
    behind = Unread(at.stream, unread or 0, at.at_end_ms)
    return LedgerLine(
        source=at.source,
        path=at.path,
        stream=at.stream,
        state=at.state,
        ingested=at.ingested,
        format=source.format,
        offset=at.offset,
        unread_bytes=unread,
        lag_s=None if unread is None else lag_of(behind, watermarks_ms.get(at.stream, 0), now_ms).seconds,
        bytes_read=at.bytes_read,
        lines=at.lines_read,
        events=source.events,
        matched=source.matched,
        unmatched=at.lines_read - source.matched,
        unreadable=source.unreadable,
        undecodable=source.undecodable,
        cut=at.lines_cut,
        quarantined=at.lines_quarantined,
        bytes_skipped=at.bytes_skipped,
        bytes_lost=at.bytes_lost,
        losses=at.losses,
        advice=_advice(source),
    )


def _advice(source: Source) -> str:
    at = source.checkpoint
    if at.state == "archive" and not at.archive_bytes:
        return f"was not read to its end; selfheald ingest {shlex.quote(at.path)} goes on"
    if at.unrecognisable and not source.format:
        return "recognising its format killed or hung the daemon; logs.format_of can say which one it has"
    return UTF16_ADVICE if not source.format and _is_utf16(at.path) else ""


def _is_utf16(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return is_utf16(file.read(LOOK_BYTES))
    except OSError:
        return False


def _unread(at: Checkpoint) -> int | None:
    if at.archive_bytes:
        return 0
    if at.state in {"gone", "archive"}:
        return None
    try:
        status = os.stat(at.path)  # noqa: PTH116 (paths stay strings)
    except OSError:
        return None
    same = (status.st_dev, status.st_ino) == (at.identity.device, at.identity.inode)
    return max(0, status.st_size - at.offset) if same else None
