"""What the stage crew of the telemetry sequence needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from handlers.model import Block, Consumed, LogFile, Mark, StreamState, TelemetryMetrics


class LogPort(Protocol):
    """The log files."""

    async def list_files(self, logs_directory: Sequence[str]) -> tuple[LogFile, ...]:
        """Files with unread lines, in the order in which they are to be read."""
        ...

    async def lossy_streams(self) -> Collection[str]:
        """Streams of which bytes were lost before they could be read, since the last commit."""
        ...

    async def head(self, file: LogFile) -> bytes:
        """The first few lines of the file, to recognise its format."""
        ...

    async def read(
        self, file: LogFile, max_bytes: int, *, flush: bool, opening: bytes, take: Callable[[Block], bool]
    ) -> None:
        """Hands the lines from `file.offset` on to `take`, block by block, all in one worker thread.

        Ends after about `max_bytes`, or where there is no whole line yet; `flush`: a last line without a
        newline is one too. What `take` raises ends it as well, and so should False, which says that there is
        no room for more. Blocks should end before a line with `opening`, if it is not empty.
        """
        ...


class TelemetryCommit(msgspec.Struct, frozen=True):
    """What belongs into one transaction: the counts, how far the files were read, what is still open."""

    metrics: TelemetryMetrics
    consumed: tuple[Consumed, ...]
    streams: Mapping[str, StreamState]
    ahead: int = 0
    """Events left out because their clock is ahead."""
    untimed: int = 0
    """Events without a time that can be read."""
    marks: tuple[Mark, ...] = ()
    """What happened to the programs that write the logs."""
    lossy_spans: tuple[tuple[int, int], ...] = ()
    """Event time [from, until) in ms whose windows are to be marked: lines of them were lost."""
    templates: tuple[str, ...] = ()
    """Of the errors, in the order in which they were read: their groups are learned in this order."""
    told_by: Mapping[str, frozenset[str]] = {}
    """The fullest names of the subjects that are told of, by stream."""
    event_count: int = 0
    """With those that waited for further lines in vain: nothing is consumed with these."""


class TelemetryPort(Protocol):
    """The store."""

    async def commit_telemetry(self, commit: TelemetryCommit) -> str:
        """Adds the counts and moves the offsets in one transaction; returns the id of the record."""
        ...
