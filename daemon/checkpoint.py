"""What the store keeps of a log file: how far it was read, and an honest account of what was not."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from handlers.model import FileIdentity

from .identity import Mark

MAX_LOSSES: Final = 16
"""Losses that are kept one by one; `bytes_lost` counts all of them."""

FileState = Literal["active", "rotated", "gone", "archive"]


class Loss(msgspec.Struct, frozen=True):
    """Bytes that were seen in a file but could not be read, or not any more."""

    reason: str
    from_offset: int
    to_offset: int


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One file identity: a file that is truncated and written anew gets a new one."""

    source: int
    """Number of the file: increasing, never used again."""
    path: str
    """Where it is now, or was last."""
    stream: str
    """The path under which it was first seen; that of the log itself for a rotated file of it."""
    identity: FileIdentity
    offset: int = 0
    """End of the last whole line that was consumed."""
    marks: tuple[Mark, ...] = ()
    """What stood before the offsets of the last few commits, oldest first; the last one is of `offset`."""
    skipping: bool = False
    """Whether `offset` is inside of a line that was cut, whose rest is to be skipped."""
    state: FileState = "active"
    """rotated: under another path than its stream. gone: deleted, moved away or overwritten. archive: a
    compressed file, whose offsets are those of its content; nobody follows it, so it may be gone."""
    seen_bytes: int = 0
    """Size at the last look before its last commit."""
    bytes_read: int = 0
    lines_read: int = 0
    """Cut ones included."""
    lines_cut: int = 0
    bytes_skipped: int = 0
    """Rests of cut lines, holes, and what was read before under another identity (a copy)."""
    bytes_lost: int = 0
    """Those of `losses`: never read, or quarantined."""
    lines_quarantined: int = 0
    """Lines that killed or hung the process when they were read, and were passed over."""
    unrecognisable: bool = False
    """Recognising its format killed or hung the process: its head is not looked at again."""
    at_end_ms: int = 0
    """When nothing was left to read of it for the last time before its last commit; 0 if that never was."""
    losses: tuple[Loss, ...] = ()
    """The latest `MAX_LOSSES`."""
    ingested: bool = False
    """Read by `ingest`: kept when it is gone, since it could be named again."""
    archive_bytes: int = 0
    """Size of the compressed file when it was read to its end; 0 before."""


def with_loss(checkpoint: Checkpoint, loss: Loss) -> Checkpoint:
    return msgspec.structs.replace(
        checkpoint,
        bytes_lost=checkpoint.bytes_lost + loss.to_offset - loss.from_offset,
        losses=(*checkpoint.losses, loss)[-MAX_LOSSES:],
    )


def without_losses(checkpoint: Checkpoint) -> Checkpoint:
    """For a file that is back: what follows its offset can be read after all."""
    found = [loss for loss in checkpoint.losses if loss.from_offset >= checkpoint.offset]
    return msgspec.structs.replace(
        checkpoint,
        bytes_lost=checkpoint.bytes_lost - sum(loss.to_offset - loss.from_offset for loss in found),
        losses=tuple(loss for loss in checkpoint.losses if loss not in found),
    )


def continued(copy: Checkpoint, original: Checkpoint, mark: Mark) -> Checkpoint:
    """The copy goes on at `mark`, since what stands before was consumed as the original."""
    return msgspec.structs.replace(
        copy,
        offset=mark.offset,
        marks=(*(known for known in original.marks if known.offset < mark.offset), mark),
        skipping=original.skipping and mark.offset == original.offset,
        bytes_skipped=mark.offset,
    )
