"""Processes that read streams and send the pieces back."""

from __future__ import annotations

import itertools
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final

import msgspec

from config.settings import Settings
from daemon.ingest.reader import Piece, Segment, StreamReader
from handlers.model import StreamState

BUFFERED_BYTES: Final = 256 << 20
"""Encoded pieces that wait for those before them. Workers that are further ahead wait."""


class WorkerFailedError(Exception):
    """A worker ended; the message says how."""


class Job(msgspec.Struct, frozen=True):
    """Segments of one stream that are read one behind another."""

    number: int
    stream: str
    segments: tuple[Segment, ...]
    state: StreamState | None
    """Of the stream before them: the true one, or a guess."""
    guessed: bool


class Sizes(msgspec.Struct, frozen=True):
    """How streams are cut. Nothing of the result depends on it."""

    task_bytes: int = 64 << 20
    parallel_from_bytes: int = 32 << 20
    """Less is read by one process before others have started."""
    piece_bytes: int = 8 << 20
    compared_bytes: tuple[int, ...] = (1 << 16, 3 << 16, 3 << 18, 3 << 20)
    """The first pieces of a job that begins with a guess: 64 KiB, then until 256 KiB, 1 MiB and 4 MiB."""

    def of(self, *, guessed: bool) -> Iterator[int]:
        """Sizes of the pieces of a job."""
        return itertools.chain(self.compared_bytes if guessed else (), itertools.repeat(self.piece_bytes))


class Workers:
    """Reads jobs in order of their numbers, ahead of who takes their pieces."""

    def __init__(
        self,
        count: int,
        settings: Settings,
        arrival_ms: int,
        sizes: Sizes,
        jobs: int,
        job: Callable[[int], Job | None],
    ) -> None:
        """`job`: says what the job of a number is just before it begins; None for one to be left out."""
        self._jobs = jobs
        self._job = job
        self._next = 0
        self._inboxes: dict[int, deque[tuple[int, bytes | None]]] = {}
        self._buffered_bytes = 0
        self._workers = [_Worker(settings, arrival_ms, sizes) for _ in range(count)]

    def begin(self, number: int) -> bool:
        """Gives out jobs while there is room; whether this one, which comes next, is with a worker."""
        while self._next < self._jobs and (self._next <= number or self._buffered_bytes < BUFFERED_BYTES):
            # Only one that waits for it: two that send to each other would wait for ever.
            worker = next((each for each in self._workers if each.number is None), None)
            if worker is None:
                break
            job = self._job(self._next)
            self._next += 1
            if job is not None:
                self._inboxes[job.number] = deque()
                worker.give(job)
        return number in self._inboxes

    def take(self, number: int) -> tuple[int, Piece] | None:
        """The next piece of a job and the number of its segment; None behind the last.

        Raises WorkerFailedError.
        """
        inbox = self._inboxes[number]
        self._receive(number, wait_s=0)
        self.begin(number)
        while not inbox:
            self._receive(number, wait_s=None)
            self.begin(number)
        place, encoded = inbox.popleft()
        if encoded is None:
            del self._inboxes[number]
            return None
        self._buffered_bytes -= len(encoded)
        return place, _DECODER.decode(encoded)

    def close(self) -> None:
        for worker in self._workers:
            worker.close()

    def _receive(self, number: int, wait_s: float | None) -> None:
        full = self._buffered_bytes >= BUFFERED_BYTES
        busy = {
            worker.connection: worker
            for worker in self._workers
            if worker.number is not None and (not full or worker.number == number)
        }
        for connection in wait([*busy], wait_s):
            number, place, encoded = busy[connection].receive()  # type: ignore[index]  # one of those given
            self._inboxes[number].append((place, encoded))
            self._buffered_bytes += len(encoded or b"")


class _Worker:
    def __init__(self, settings: Settings, arrival_ms: int, sizes: Sizes) -> None:
        # A fresh process: a fork would share the store's connection and the locks of threads that it lacks.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.number: int | None = None
        """Of the job that it reads."""
        self._process: BaseProcess = context.Process(
            target=_work, args=(theirs, settings, arrival_ms, sizes), daemon=True
        )
        self._process.start()
        theirs.close()  # so that its death is the end of what can be received

    def give(self, job: Job) -> None:
        self.number = job.number
        with suppress(BrokenPipeError):  # `receive` says that it ended
            self.connection.send_bytes(_ENCODER.encode(job))

    def receive(self) -> tuple[int, int, bytes | None]:
        """Numbers of a job and a segment, and a piece; None behind the last one of the job."""
        try:
            message = self.connection.recv_bytes()
        except (EOFError, OSError) as error:
            self._process.join()
            code = self._process.exitcode
            how = f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with {code}"
            raise WorkerFailedError(f"a process that reads {how}") from error
        assert self.number is not None  # noqa: S101
        number, place, encoded = self.number, int.from_bytes(message[:4]), message[4:] or None
        if encoded is None:
            self.number = None
        return number, place, encoded

    def close(self) -> None:
        self.connection.close()
        self._process.terminate()
        self._process.join()


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Piece)
_JOB_DECODER: Final = msgspec.msgpack.Decoder(Job)


def _work(connection: Connection, settings: Settings, arrival_ms: int, sizes: Sizes) -> None:
    """The life of a worker: it ends when nobody is left at the other end of the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches it too; its parent ends it
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            job = _JOB_DECODER.decode(connection.recv_bytes())
            reader = StreamReader(settings, arrival_ms, job.stream, job.state)
            bytes_of = sizes.of(guessed=job.guessed)
            for place, segment in enumerate(job.segments):
                for piece in reader.pieces(segment, bytes_of):
                    connection.send_bytes(place.to_bytes(4) + _ENCODER.encode(piece))
            connection.send_bytes(bytes(4))
            reader.close()
