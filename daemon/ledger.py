"""The checkpoints of all files, in two steps: changes are staged, then committed or rolled back."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from .block import Block
from .checkpoint import Checkpoint, Loss, with_loss
from .identity import FileKey

MARKS_KEPT: Final = 8
_OVER: Final = frozenset({"gone", "archive"})
GONE_KEPT: Final = 1000
"""Checkpoints of files that are gone, by which a late copy of them is recognised."""


def key_of(checkpoint: Checkpoint) -> FileKey:
    return checkpoint.identity.device, checkpoint.identity.inode


class Ledger:
    """Holds the stored state and the staged changes to it; readers see the staged ones."""

    def __init__(self, checkpoints: Iterable[Checkpoint]) -> None:
        self._saved = {checkpoint.source: checkpoint for checkpoint in checkpoints}
        self._staged: dict[int, Checkpoint] = {}
        self._expired: tuple[int, ...] = ()
        self._last_source = max(self._saved, default=0)
        self._sources: dict[FileKey, int] = {}
        self._index()

    def _index(self) -> None:
        # The device and inode of a file that is gone may be given to any other one, unless it is still open.
        known = set(self._sources.values())
        self._sources = {
            key_of(checkpoint): source
            for source, checkpoint in sorted(self._saved.items())
            if checkpoint.state not in _OVER or source in known
        }

    def __iter__(self) -> Iterator[Checkpoint]:
        return iter((self._saved | self._staged).values())

    def get(self, source: int) -> Checkpoint | None:
        return self._staged.get(source) or self._saved.get(source)

    def __getitem__(self, source: int) -> Checkpoint:
        staged = self._staged.get(source)
        return self._saved[source] if staged is None else staged

    def at(self, key: FileKey) -> Checkpoint | None:
        """The checkpoint of the file that has this device and inode."""
        source = self._sources.get(key)
        return None if source is None else self[source]

    def is_current(self, checkpoint: Checkpoint) -> bool:
        """Whether its device and inode are still its own."""
        return self._sources.get(key_of(checkpoint)) == checkpoint.source

    def missing(self, keys: Container[FileKey]) -> list[Checkpoint]:
        """The files that have a device and inode of their own which is not among these."""
        return [self[source] for key, source in self._sources.items() if key not in keys]

    def over(self) -> set[int]:
        """The files that are gone, and the archives."""
        return {source for source, at in (self._saved | self._staged).items() if at.state in _OVER}

    def is_staged(self, source: int) -> bool:
        return source in self._staged

    def stage(self, checkpoint: Checkpoint) -> None:
        self._staged[checkpoint.source] = checkpoint

    def new_source(self, key: FileKey) -> int:
        """Numbers the file that has this device and inode from now on."""
        self._last_source += 1
        self._sources[key] = self._last_source
        return self._last_source

    def release(self, checkpoint: Checkpoint) -> None:
        """The device and inode are, or may be, another file's from now on."""
        if self.is_current(checkpoint):
            del self._sources[key_of(checkpoint)]
        if checkpoint.state != "gone":
            self.stage(replace(checkpoint, state="gone"))

    def consumed(self, block: Block) -> None:
        """Stages that the block was processed. Raises ValueError if it is not the next one of its file."""
        at, length = self._behind(block), block.end - block.offset
        self.stage(
            replace(
                at,
                bytes_read=at.bytes_read + (length if block.data else 0),
                lines_read=at.lines_read + block.lines,
                lines_cut=at.lines_cut + block.cut,
                bytes_skipped=at.bytes_skipped + (0 if block.data else length),
            )
        )

    def quarantined(self, block: Block, reason: str) -> None:
        """Stages that the block is passed over. Raises ValueError if it is not the next one of its file."""
        at = with_loss(self._behind(block), Loss(reason, block.offset, block.end))
        self.stage(replace(at, lines_quarantined=at.lines_quarantined + 1))

    def unrecognisable(self, source: int) -> None:
        """Stages that the head of a file is not to be looked at again."""
        self.stage(replace(self[source], unrecognisable=True))

    def _behind(self, block: Block) -> Checkpoint:
        at = self[block.source]
        if block.offset != at.offset:
            raise ValueError(f"{at.path}: the block at {block.offset} does not follow {at.offset}")
        saved = self._saved.get(block.source)
        return replace(
            at,
            identity=block.identity,
            offset=block.end,
            # One mark a commit, not one a block: they reach back to when a copy was begun.
            marks=(*(saved.marks[1 - MARKS_KEPT :] if saved else ()), block.mark),
            skipping=block.skipping,
        )

    def expire(self, wanted: Iterable[int]) -> None:
        """Gives up the oldest of the files that are gone, but none of the `wanted` ones."""
        gone = [source for source, at in self._saved.items() if at.state in _OVER and not at.ingested]
        if len(gone) > GONE_KEPT:
            oldest = set(sorted(gone)[:-GONE_KEPT])
            self._expired = tuple(sorted(oldest - self._staged.keys() - set(wanted)))

    def changed(self) -> tuple[Checkpoint, ...]:
        return tuple(self._staged.values())

    def expired(self) -> tuple[int, ...]:
        return self._expired

    def committed(self) -> None:
        self._saved |= self._staged
        self._staged.clear()
        for source in self._expired:
            del self._saved[source]
        self._expired = ()

    def rolled_back(self) -> None:
        self._staged.clear()
        self._expired = ()
        self._index()
