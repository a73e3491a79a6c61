"""Reads a stream piece by piece: the telemetry sequence between a file and a record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

import anyio
import msgspec
from msgspec.structs import replace

from config.settings import Settings
from daemon.block import ContentChangedError, read_block
from daemon.checkpoint import Checkpoint, Loss, with_loss
from daemon.content import Content, open_content
from daemon.ledger import Ledger
from daemon.limits import telemetry_limits
from daemon.log_port import HEAD_BYTES, READ_BYTES
from daemon.unpack import UnpackError
from handlers.formats.registry import log_formats
from handlers.model import Block, LogFile, OpenLoss, StreamState, TelemetryMetrics
from handlers.stage import BeatReport, Performance, perform
from handlers.telemetry.ports import TelemetryCommit
from handlers.telemetry.sequence import TELEMETRY, ParsedTelemetry, parse_telemetry

_LEAST_BYTES: Final = 16_384
"""Less is not asked for: if no line ended there, the longest line that is allowed would be read."""
_UNKNOWN: Final = 1 << 62
_NOTHING: Final = TelemetryCommit(TelemetryMetrics(0, {}), (), {})


class Segment(msgspec.Struct, frozen=True):
    """A part of one file."""

    at: Checkpoint
    """Where to begin."""
    compression: str
    size_bytes: int
    """Of the file on disk."""
    end: int
    """Offset behind the last line; -1 for an archive, which is read to its end."""
    format: str
    """ "" while it is to be recognised by the head of the file."""
    last: bool
    """What is open ends behind it."""


class Piece(msgspec.Struct, frozen=True):
    """What one play of the sequence read: to be committed as a whole."""

    start: int
    at: Checkpoint
    """Where it ends. Counters and losses are those of the piece alone."""
    commit: TelemetryCommit
    state: StreamState | None
    """Of the stream behind it; None while nothing of the stream was understood."""
    more: bool
    """The segment goes on."""
    file_bytes: int
    """How much of the file on disk it took."""
    problems: tuple[str, ...] = ()
    """For people."""


def uncounted(at: Checkpoint) -> Checkpoint:
    """The place alone: what is counted from there on starts at zero."""
    return replace(at, bytes_read=0, lines_read=0, lines_cut=0, bytes_skipped=0, bytes_lost=0, losses=())


def behind(segment: Segment, piece: Piece) -> Segment:
    """What is left of the segment."""
    consumed = piece.commit.consumed
    return replace(
        segment, at=uncounted(piece.at), format=consumed[-1].format if consumed else segment.format
    )


class StreamReader:
    """Goes through the segments of one stream; `state` is that of the stream behind what was read."""

    def __init__(self, settings: Settings, arrival_ms: int, stream: str, state: StreamState | None) -> None:
        self.state = state
        self._settings = settings
        self._formats = log_formats(settings)
        self._limits = telemetry_limits(settings)
        self._arrival_ms = arrival_ms
        self._stream = stream
        self._path = ""
        self._content: Content | None = None

    def close(self) -> None:
        if self._content is not None:
            self._content.close()
        self._content, self._path = None, ""

    def pieces(self, segment: Segment, sizes: Iterator[int]) -> Iterator[Piece]:
        """Reads a segment to its end in pieces of about these sizes. Raises what made a beat fail."""
        more = True
        while more:
            piece = self.read(segment, segment.at.offset + next(sizes))
            yield piece
            more, segment = piece.more, behind(segment, piece)

    def read(self, segment: Segment, until: int, *, exact: bool = False) -> Piece:
        """Reads from `segment.at` to the end of a line at about `until`; `exact`: one ends there.

        What cannot be read ends the segment and is in the `problems`. Raises what made a beat fail.
        """
        at = segment.at
        try:
            content = self._opened(segment)
            port = _SegmentPort(segment, content, until, exact, self._settings.logs.max_line_bytes)
            parsed = self._play(segment, port, until - at.offset)
            return self._piece(segment, content, port, parsed)
        except ContentChangedError:
            why = "was rewritten while it was read; run the command again"
        except OSError as error:
            why = f"cannot be read ({error.strerror})"
        except UnpackError as error:
            why = str(error)
        self.close()
        return Piece(at.offset, at, _NOTHING, self.state, False, 0, (f"{at.path}: {why}",))

    def _opened(self, segment: Segment) -> Content:
        if self._content is None or self._path != segment.at.path:
            self.close()
            self._content = open_content(segment.at.path, unpack=bool(segment.compression))
            self._path = segment.at.path
        return self._content

    def _play(self, segment: Segment, port: _SegmentPort, batch_bytes: int) -> ParsedTelemetry:
        stacked = self.state is not None and self.state.parser.error is not None

        async def play(run: Performance) -> ParsedTelemetry:
            return await parse_telemetry(
                run,
                "ingest",
                logs_directory=(),
                logs=port,
                store=port,
                formats=self._formats,
                streams={self._stream: self.state} if self.state is not None else {},
                limits=replace(self._limits, batch_bytes=batch_bytes),
                arrival_ms=self._arrival_ms,
                at_end=segment.last,
                silent=(self._stream,) if segment.last and stacked else (),
            )

        outcome = anyio.run(perform, TELEMETRY, "ingest", _ignore, play)
        if outcome.error is not None:
            raise outcome.error
        parsed: ParsedTelemetry = outcome.result
        self.state = parsed.streams.get(self._stream)
        return parsed

    def _piece(
        self, segment: Segment, content: Content, port: _SegmentPort, parsed: ParsedTelemetry
    ) -> Piece:
        start, at, problems = segment.at.offset, port.at, [*parsed.refused]
        more = parsed.more if segment.last else at.offset > start and port.size(at.offset) > at.offset
        if segment.compression and not more and not parsed.refused:
            at = replace(at, archive_bytes=segment.size_bytes)
            if content.damage:
                problems.append(f"{at.path}: {content.damage}")
                reason = f"the archive {content.damage}"
                at = with_loss(at, Loss(reason, at.offset, at.offset + content.torn_bytes))
                self._lose(port)
        return Piece(
            start=start,
            at=at,
            commit=port.commit,
            state=self.state,
            more=more,
            file_bytes=content.file_offset(at.offset) - port.file_start,
            problems=tuple(problems),
        )

    def _lose(self, port: _SegmentPort) -> None:
        """Marks the time behind the last event as spoiled, until the next one of the stream tells its end."""
        if self.state is not None:
            last_ms = self.state.watermark_ms
            self.state = replace(self.state, loss=OpenLoss(last_ms))
            port.commit = replace(
                port.commit,
                streams={**port.commit.streams, self._stream: self.state},
                lossy_spans=(*port.commit.lossy_spans, (last_ms, last_ms + 1)),
            )


class _SegmentPort:
    """The ports of the sequence: the lines of a segment up to an offset, and what is to be committed."""

    def __init__(
        self, segment: Segment, content: Content, until: int, exact: bool, max_line_bytes: int
    ) -> None:
        self.commit = _NOTHING
        self.file_start = content.file_offset(segment.at.offset)
        self._segment = segment
        self._content = content
        self._until = until
        self._least_bytes = 0 if exact else _LEAST_BYTES
        self._max_line_bytes = max_line_bytes
        self._ledger = Ledger([segment.at])

    @property
    def at(self) -> Checkpoint:
        return self._ledger[self._segment.at.source]

    def size(self, until: int) -> int:
        """Where the segment ends; a size that nothing has if that is not reached by reading to `until`."""
        if self._segment.end >= 0:
            return self._segment.end
        within = until + READ_BYTES + self._max_line_bytes + 1  # the last block goes so far behind `until`
        size = self._content.size_within(within, keep_from=self.at.offset)
        return _UNKNOWN if size is None else size

    async def list_files(self, _logs_directory: Sequence[str]) -> tuple[LogFile, ...]:
        at, size = self.at, self.size(self._until)
        if size <= at.offset:
            return ()
        return (LogFile(at.source, at.path, at.stream, at.identity, at.offset, size, self._segment.format),)

    async def lossy_streams(self) -> Collection[str]:
        return ()  # what an archive has lost stands behind its last line

    async def head(self, _file: LogFile) -> bytes:
        return self._content.pread(HEAD_BYTES, 0)

    async def read(
        self, file: LogFile, max_bytes: int, *, flush: bool, opening: bytes, take: Callable[[Block], bool]
    ) -> None:
        while (at := self.at).offset < self._until:
            block = read_block(
                self._pread,
                at,
                max_bytes=min(READ_BYTES, max(self._until - at.offset, self._least_bytes)),
                max_line_bytes=self._max_line_bytes,
                flush=True,  # nothing will be written behind what is there
            )
            if block is None:
                return
            self._ledger.consumed(block)
            take(Block(block.source, block.offset, block.end, block.data, block.lines, lossy=block.cut))

    async def commit_telemetry(self, commit: TelemetryCommit) -> str:
        self.commit = commit
        return "ingest"

    def _pread(self, size: int, offset: int) -> bytes:
        if self._segment.end >= 0:
            size = max(0, min(size, self._segment.end - offset))
        return self._content.pread(size, offset)


def _ignore(_report: BeatReport) -> None:
    """A beat that fails ends the command, which says so."""
