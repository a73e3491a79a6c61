"""Drives a Tail as the daemon does: read, consume, commit, and now and then die."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from daemon.block import Block
from daemon.checkpoint import Checkpoint
from daemon.tail import Tail

LONG_AGO_S = 1_000_000_000


class Logs(msgspec.Struct, frozen=True, kw_only=True):
    directories: tuple[Path, ...]
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ("*.gz",)
    recursive: bool = True
    follow_symlinks: bool = False
    format: str = "auto"
    format_of: Mapping[str, str] = {}
    max_line_bytes: int = 1 << 20


class Driver:
    """A Tail with a store that survives `restart`; `read` returns what was handed out, by stream."""

    def __init__(self, logs: Logs, own_files: Iterable[Path] = ()) -> None:
        self.logs = logs
        self.own_files = tuple(own_files)
        self.stored: dict[int, bytes] = {}
        self.tail = self._tail()

    def _tail(self) -> Tail:
        checkpoints = [msgspec.json.decode(text, type=Checkpoint) for text in self.stored.values()]
        return Tail(self.logs, self.own_files, checkpoints)

    def restart(self) -> None:
        """As after kill -9: only what was committed is left."""
        self.tail.close()
        self.tail = self._tail()

    def blocks(
        self, *, max_bytes: int = 1 << 16, flush: bool = False, hot: bool = False, opening: bytes = b""
    ) -> list[Block]:
        blocks = []
        for file in self.tail.hot() if hot else self.tail.scan():
            while block := self.tail.read(file, max_bytes, flush=flush, opening=opening):
                blocks.append(block)
                self.tail.consumed(block)
        return blocks

    def commit(self) -> None:
        for checkpoint in self.tail.checkpoints():
            self.stored[checkpoint.source] = msgspec.json.encode(checkpoint)
        for source in self.tail.expired():
            del self.stored[source]
        self.tail.committed()

    def read(self, *, max_bytes: int = 1 << 16, flush: bool = False, hot: bool = False) -> dict[str, bytes]:
        """What one look finds, by the file name of the stream, committed."""
        blocks = self.blocks(max_bytes=max_bytes, flush=flush, hot=hot)
        self.commit()
        found: defaultdict[str, bytes] = defaultdict(bytes)
        for block in blocks:
            found[self.name(block.source)] += block.data
        return {name: data for name, data in found.items() if data}

    def name(self, source: int) -> str:
        """The file name of the stream of a source that is stored."""
        return Path(self.checkpoint(source).stream).name

    def checkpoint(self, source: int) -> Checkpoint:
        return msgspec.json.decode(self.stored[source], type=Checkpoint)

    def checkpoints(self) -> list[Checkpoint]:
        return [self.checkpoint(source) for source in self.stored]

    def at(self, path: Path) -> Checkpoint:
        """The newest checkpoint of a path."""
        return [checkpoint for checkpoint in self.checkpoints() if checkpoint.path == str(path)][-1]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def age(path: Path) -> None:
    """As if nobody had written to the file for a long time."""
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))


def lines(name: str, count: int, start: int = 0) -> bytes:
    """Lines that occur once in all tests of a file."""
    numbers = range(start, start + count)
    return b"".join(b"%s line %06d of many that differ\n" % (name.encode(), number) for number in numbers)
