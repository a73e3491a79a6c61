"""The telemetry sequence's port to the log files: a `Tail`, used from a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.to_thread
import msgspec
from msgspec.structs import replace

from config.settings import Settings
from daemon.block import Block as FileBlock
from daemon.checkpoint import Checkpoint
from daemon.identity import FileKey
from daemon.tail import Tail
from handlers.model import Block, LogFile

T = TypeVar("T")

HEAD_BYTES: Final = 65_536
READ_BYTES: Final = 524_288
"""Blocks that fit into the processor's cache; with 8 MiB a read costs more than twice as much (measured)."""


class Quarantine(msgspec.Struct, frozen=True):
    """What is not to be read, since it kills or hangs who reads it: a line, or the head of a file."""

    key: FileKey
    offset: int
    end: int
    """0 for a head, by which the format is recognised."""
    why: str


class Allowance(msgspec.Struct, frozen=True):
    """What may be read in careful mode."""

    ends: Mapping[FileKey, int]
    """How far each file may be read; the others not at all."""
    quarantine: Quarantine | None = None
    """The line to pass over when it is next, or the head that is not to be looked at."""
    flush: bool = False
    """A last line without a newline is one too."""


class TailPort:
    """`LogPort` over a `Tail`. What it hands out is staged as consumed; the commit makes it so."""

    def __init__(
        self,
        tail: Tail,
        limiter: anyio.CapacityLimiter,
        formats: Mapping[int, str],
        allowance: Allowance | None = None,
        *,
        hot: bool = False,
    ) -> None:
        """`formats`: the format of each source that is known already. `hot`: files that were read lately."""
        self._tail = tail
        self._limiter = limiter
        self._formats = formats
        self._allowance = allowance
        self._look = tail.hot if hot and allowance is None else tail.scan
        self.paths: dict[int, str] = {}
        """Where the files are that were listed, by source."""
        self.quarantined: list[tuple[str, Quarantine]] = []
        """What was passed over, each with the path of its file."""

    async def list_files(self, logs_directory: Sequence[str]) -> tuple[LogFile, ...]:
        files = await self._run(self._look)
        self.paths.update((file.source, file.path) for file in files)
        poison = self._allowance.quarantine if self._allowance else None
        for file in files:
            if poison is not None and not poison.end and file_key(file) == poison.key:
                self._tail.unrecognisable(file)
                self.quarantined.append((file.path, poison))
        return tuple(
            file if file.format else replace(file, format=self._formats.get(file.source, ""))
            for file in files
            if self._allowance is None or file_key(file) in self._allowance.ends
        )

    async def lossy_streams(self) -> tuple[str, ...]:
        return self._tail.lossy_streams()

    async def head(self, file: LogFile) -> bytes:
        return await self._run(lambda: self._tail.head(file, HEAD_BYTES))

    async def read(
        self, file: LogFile, max_bytes: int, *, flush: bool, opening: bytes, take: Callable[[Block], bool]
    ) -> None:
        read = self._read if self._allowance is None else self._read_allowed
        await self._run(lambda: read(file, max_bytes, flush, opening, take))

    def _read(
        self, file: LogFile, max_bytes: int, flush: bool, opening: bytes, take: Callable[[Block], bool]
    ) -> None:
        end, offset = file.offset + max_bytes, file.offset
        while offset < end:
            block = self._tail.read(file, READ_BYTES, flush=flush, opening=opening)
            if block is None:
                return
            self._tail.consumed(block)
            if not take(handed_out(block)):
                return
            offset = block.end

    def _read_allowed(
        self, file: LogFile, _max_bytes: int, flush: bool, _opening: bytes, take: Callable[[Block], bool]
    ) -> None:
        allowance, key, offset = self._allowance, file_key(file), file.offset
        assert allowance is not None  # noqa: S101 (the caller asked)
        end = allowance.ends[key]
        while offset < end:
            block = self._tail.read(file, min(READ_BYTES, end - offset), flush=flush or allowance.flush)
            if block is None or block.end > end:
                break  # the file is not what it was; the next careful batch sees what it is
            self._tail.consumed(block)
            # As the child did: what only a block of several lines does to its reader would kill this one.
            for line in lines_of(handed_out(block)):
                take(line)
            offset = block.end
        poison = allowance.quarantine
        if poison is None or (poison.key, poison.offset) != (key, offset):
            return
        block = self._tail.read(file, poison.end - offset, flush=flush or allowance.flush)
        if block is not None and block.end == poison.end:
            self._tail.quarantined(block, f"quarantined: reading it {poison.why}")
            self.quarantined.append((file.path, poison))
            take(Block(block.source, block.offset, block.end, b"", lossy=True))

    async def _run(self, call: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(call, limiter=self._limiter)


def tail_of(settings: Settings, checkpoints: Iterable[Checkpoint]) -> Tail:
    """A tail of the files that the settings name, which goes on from the checkpoints."""
    # malloc gives large blocks back as they are freed, and the kernel clears each page for the next one anew,
    # unless a larger one was freed before (mallopt(3), M_MMAP_THRESHOLD). This one's pages are never touched.
    bytes(4 * READ_BYTES)
    own_files = [settings.store.path, *([settings.log.file] if settings.log.file else []), *_redirected()]
    return Tail(settings.logs, own_files, checkpoints)


def _redirected() -> list[Path]:
    """The files that standard output and error go to."""
    streams = [Path(f"/proc/self/fd/{number}") for number in (1, 2)]
    return [stream.resolve() for stream in streams if stream.is_file()]


def file_key(file: LogFile) -> FileKey:
    return file.identity.device, file.identity.inode


def handed_out(block: FileBlock) -> Block:
    return Block(block.source, block.offset, block.end, block.data, block.lines, block.cut)


def lines_of(block: Block) -> Iterator[Block]:
    """The lines of a block, each as a block of its own."""
    if block.lines <= 1:
        yield block
        return
    offset = block.offset
    for text in block.data.split(b"\n")[:-1]:
        end = offset + len(text) + 1
        yield Block(block.source, offset, end, text + b"\n", 1)
        offset = end
