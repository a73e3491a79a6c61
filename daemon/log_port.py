"""The telemetry sequence's port to the log files: a `Tail`, used from a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from msgspec.structs import replace

from daemon.tail import Tail
from handlers.model import Block, LogFile

T = TypeVar("T")

HEAD_BYTES: Final = 65_536
READ_BYTES: Final = 262_144
"""Blocks that fit into the processor's cache; with 8 MiB a read costs more than twice as much (measured)."""


class TailPort:
    """`LogPort` over a `Tail`. What it hands out is staged as consumed; the commit makes it so."""

    def __init__(self, tail: Tail, limiter: anyio.CapacityLimiter, formats: Mapping[int, str]) -> None:
        """`formats`: the format of each source that is known already."""
        self._tail = tail
        self._limiter = limiter
        self._formats = formats
        self.paths: dict[int, str] = {}
        """Where the files are that were listed, by source."""

    async def list_files(self, logs_directory: Sequence[str]) -> tuple[LogFile, ...]:
        files = await self._run(self._tail.scan)
        self.paths.update((file.source, file.path) for file in files)
        return tuple(
            file if file.format else replace(file, format=self._formats.get(file.source, ""))
            for file in files
        )

    async def head(self, file: LogFile) -> bytes:
        return await self._run(lambda: self._tail.head(file, HEAD_BYTES))

    async def read(
        self, file: LogFile, max_bytes: int, *, flush: bool, take: Callable[[Block], None]
    ) -> None:
        await self._run(lambda: self._read(file, max_bytes, flush, take))

    def _read(self, file: LogFile, max_bytes: int, flush: bool, take: Callable[[Block], None]) -> None:
        end = file.offset + max_bytes
        offset = file.offset
        while offset < end and (block := self._tail.read(file, READ_BYTES, flush=flush)) is not None:
            self._tail.consumed(block)
            take(Block(block.source, block.offset, block.end, block.data, block.lines))
            offset = block.end

    async def _run(self, call: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(call, limiter=self._limiter)
