"""Source files parsed by processes of their own: the daemon goes on meanwhile, and their memory is freed.

A file that kills or hangs its process costs that file, and not the daemon.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final

import msgspec

from daemon.codebase.parse_file import ParsedFile, parse_file
from daemon.codebase.parsed import Parsed

CHUNK: Final = 100
"""Files that a process is given at once."""
_MAX_PROCESSES: Final = 4
_TIMEOUT_S: Final = 30.0
"""A hundred files take less than a second."""
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(dict[str, ParsedFile])
_PATHS: Final = msgspec.msgpack.Decoder(list[str])


def parse_in_processes(
    root: Path, paths: list[str], check: Callable[[], None]
) -> Iterator[tuple[str, ParsedFile]]:
    """Each path with what is known of the file. `check` is called twice a second, and ends it by raising."""
    waiting = deque(paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK))
    workers = [_Worker(root) for _ in range(min(_MAX_PROCESSES, os.cpu_count() or 1, len(waiting)))]
    try:
        while True:
            for worker in workers:
                if waiting and not worker.chunk:
                    worker.give(waiting.popleft())
            busy = {worker.connection: worker for worker in workers if worker.chunk}
            if not busy:
                return
            check()
            for ready in wait([*busy], 0.5):
                worker = busy[ready]  # type: ignore[index]  # one of those given
                chunk, files = worker.chunk, worker.receive()
                if files is None and len(chunk) > 1:  # one of them is to blame
                    waiting.extend([path] for path in chunk)
                elif files is None:
                    files = {path: _deadly(path) for path in chunk}
                yield from (files or {}).items()
            for worker in workers:
                worker.end_if_hung()
    finally:
        for worker in workers:
            worker.close()


def _deadly(path: str) -> ParsedFile:
    return ParsedFile(parsed=Parsed(problem=f"{path}: its parser died or hung; it is not read"))


class _Worker:
    def __init__(self, root: Path) -> None:
        self.chunk: list[str] = []
        """What it parses; empty when it has nothing to do."""
        self._root = root
        self._start()

    def _start(self) -> None:
        # A fresh process: a fork would share the locks of threads that it lacks.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._root), daemon=True)
        self._process.start()
        theirs.close()  # so that its death is the end of what can be received

    def give(self, chunk: list[str]) -> None:
        self.chunk, self._since = chunk, time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # `receive` says that it ended
            self.connection.send_bytes(_ENCODER.encode(chunk))

    def receive(self) -> dict[str, ParsedFile] | None:
        self.chunk = []
        try:
            return _DECODER.decode(self.connection.recv_bytes())
        except (EOFError, OSError):
            self.close()
            self._start()
            return None

    def end_if_hung(self) -> None:
        if self.chunk and time.monotonic() - self._since > _TIMEOUT_S:
            self._process.kill()

    def close(self) -> None:
        self.connection.close()
        self._process.kill()
        self._process.join()


def _work(connection: Connection, root: Path) -> None:
    """The life of a worker: it ends when nobody is left at the other end of the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches it too; its parent ends it
    gc.disable()  # syntax trees have no cycles, and looking for some takes most of the time
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            paths = _PATHS.decode(connection.recv_bytes())
            connection.send_bytes(_ENCODER.encode({path: parse_file(root, path) for path in paths}))
