"""Reads what is next in a process of its own, to find the line that kills or hangs who reads it.

After a reader died, its successor lets a child read first: line by line, telling through a pipe what it is
about to read, and storing nothing. If the child gets through, the daemon reads the same. If it dies, the pipe
says where. So a poisonous line costs children and not further lives of the daemon, and a kill from outside,
which ends the daemon and not the child, is no evidence against any line.

The daemon runs `python -m daemon.rehearsal`, with a `Script` on its standard input.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import anyio
import msgspec

from config.settings import Settings
from daemon.checkpoint import Checkpoint
from daemon.identity import FileKey
from daemon.limits import telemetry_limits
from daemon.log_port import READ_BYTES, TailPort, file_key, handed_out, lines_of, tail_of
from daemon.tail import Tail
from handlers.formats.registry import log_formats
from handlers.model import Block, LogFile, StreamState
from handlers.stage import BeatReport, Performance, perform
from handlers.telemetry.extract_telemetry_events import extract_telemetry_events
from handlers.telemetry.ports import TelemetryCommit
from handlers.telemetry.sequence import TELEMETRY, ParsedTelemetry, parse_telemetry

HANG_S: Final = 20.0
"""A line, or the counting of a batch, that takes longer hangs. Either takes milliseconds."""

_STEP: Final = struct.Struct("<cQQQQ")
"""What, device, inode, offset, end."""
_HEAD: Final = b"h"
_READ: Final = b"r"
_COUNT: Final = b"c"
_DONE: Final = b"d"


class Script(msgspec.Struct, frozen=True):
    """What the child is to read, and what it has to know for it."""

    settings: str
    """JSON."""
    checkpoints: list[Checkpoint]
    formats: Mapping[int, str]
    streams: Mapping[str, StreamState]
    max_bytes: int
    batch_bytes: int
    """How much it counts at once."""
    arrival_ms: int
    at_end: bool
    hang_s: float


class Death(msgspec.Struct, frozen=True):
    """A line, or a head, whose `end` is 0, at which the child died."""

    key: FileKey
    offset: int
    end: int


class Rehearsal(msgspec.Struct, frozen=True):
    """How far the child came."""

    ends: dict[FileKey, int]
    """How far it got through each file, reading and counting."""
    passed_bytes: int
    more: bool = True
    how: str = ""
    """How it died, to be put behind "reading it"; "" if it did not."""
    death: Death | None = None
    """Where it died; None if that was in counting several lines."""
    open_bytes: int = 0
    """What it had read and not counted when it died, without the line in `death`."""


async def rehearse(script: Script) -> Rehearsal:
    """Lets a child read. Raises OSError if there can be none. Cancelling it kills the child."""
    flags = ["-I"] if sys.flags.isolated else []
    child = await anyio.run_process(
        [sys.executable, *flags, "-m", "daemon.rehearsal"], input=msgspec.json.encode(script), check=False
    )
    how = ""
    if child.returncode:
        number = -child.returncode
        if number == signal.SIGALRM:
            how = f"takes more than {script.hang_s:g} s"
        elif number > 0:
            how = f"ended the process with {signal.Signals(number).name}"
        else:
            said = child.stderr.decode(errors="replace").strip().splitlines()
            how = f"ended the process: {said[-1][:200] if said else f'exit code {child.returncode}'}"
    return _told(child.stdout, how)


def _told(steps: bytes, how: str) -> Rehearsal:
    """What the child told on its pipe. Raises OSError if it died before its first word."""
    ends: dict[FileKey, int] = {}
    passed_bytes = 0
    batch: list[Death] = []
    head: Death | None = None
    counting = False
    for what, device, inode, offset, end in _STEP.iter_unpack(steps[: len(steps) - len(steps) % _STEP.size]):
        head = Death((device, inode), 0, 0) if what == _HEAD else None
        if what == _COUNT:
            counting = True
            continue
        if counting:
            ends |= {line.key: line.end for line in batch}
            passed_bytes += _bytes(batch)
            batch, counting = [], False
        if what == _DONE:
            return Rehearsal(ends, passed_bytes, more=bool(end))
        if head is None:
            batch.append(Death((device, inode), offset, end))
    if head is not None:
        return Rehearsal(ends, passed_bytes, how=how, death=head, open_bytes=_bytes(batch))
    if not batch and not ends:
        raise ChildProcessError(how or "no reason is known")
    if not batch or (counting and len(batch) > 1):
        return Rehearsal(ends, passed_bytes, how=how, open_bytes=_bytes(batch))
    return Rehearsal(ends, passed_bytes, how=how, death=batch[-1], open_bytes=_bytes(batch[:-1]))


def _bytes(lines: Iterable[Death]) -> int:
    return sum(line.end - line.offset for line in lines)


class _Pipe:
    """Tells the daemon what comes next; each word gives the time for it."""

    def __init__(self, hang_s: float) -> None:
        self._hang_s = hang_s

    def tell(self, what: bytes, device: int = 0, inode: int = 0, offset: int = 0, end: int = 0) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._hang_s)  # its signal ends a process, wherever it is stuck
        os.write(1, _STEP.pack(what, device, inode, offset, end))

    def tell_beat(self, report: BeatReport) -> None:
        if report.status == "completed" and report.handler == extract_telemetry_events.__name__:
            self.tell(_COUNT)


class _RehearsingPort(TailPort):
    """Hands out line by line, and says each time what comes next."""

    def __init__(self, pipe: _Pipe, tail: Tail, formats: Mapping[int, str]) -> None:
        super().__init__(tail, anyio.CapacityLimiter(1), formats)
        self._pipe = pipe

    async def head(self, file: LogFile) -> bytes:
        head = await super().head(file)
        if head:
            self._pipe.tell(_HEAD, *file_key(file))
        return head

    def _read(
        self, file: LogFile, max_bytes: int, flush: bool, _opening: bytes, take: Callable[[Block], bool]
    ) -> None:
        end, offset = file.offset + max_bytes, file.offset
        while offset < end:
            block = self._tail.read(file, min(READ_BYTES, end - offset), flush=flush)
            if block is None:
                return
            self._tail.consumed(block)
            for line in lines_of(handed_out(block)):
                self._pipe.tell(_READ, *file_key(file), line.offset, line.end)
                take(line)
            offset = block.end


class _Nowhere:
    """Stores nothing."""

    async def commit_telemetry(self, _commit: TelemetryCommit) -> str:
        return "rehearsal"


async def _play(script: Script) -> None:
    settings = Settings.model_validate_json(script.settings)
    tail = tail_of(settings, script.checkpoints)
    pipe = _Pipe(script.hang_s)
    port = _RehearsingPort(pipe, tail, script.formats)
    streams, left_bytes = script.streams, script.max_bytes

    async def play(run: Performance) -> ParsedTelemetry:
        batch_bytes = min(script.batch_bytes, left_bytes)
        return await parse_telemetry(
            run,
            "rehearsal",
            logs_directory=[str(path) for path in settings.logs.directories],
            logs=port,
            store=_Nowhere(),
            formats=log_formats(settings),
            streams=streams,
            limits=msgspec.structs.replace(telemetry_limits(settings), batch_bytes=batch_bytes),
            arrival_ms=script.arrival_ms,
            at_end=script.at_end,
        )

    more = True
    while more and left_bytes > 0:
        outcome = await perform(TELEMETRY, "rehearsal", pipe.tell_beat, play)
        if outcome.error is not None:
            raise outcome.error
        parsed: ParsedTelemetry = outcome.result
        tail.committed()
        streams, more = dict(parsed.streams), parsed.more
        left_bytes -= parsed.bytes
    pipe.tell(_DONE, end=more)


if __name__ == "__main__":
    anyio.run(_play, msgspec.json.decode(sys.stdin.buffer.read(), type=Script))
