"""Reading: what is new in the log files becomes windows in the store, batch by batch."""

from __future__ import annotations

import time
import uuid
from typing import Final

import anyio
from msgspec.structs import replace

from config.settings import Settings
from daemon.caution import Caution
from daemon.clock import now_ms
from daemon.database import StoreError
from daemon.lag import Lag, lag_of, lag_of_all
from daemon.limits import telemetry_limits
from daemon.log_port import Allowance, TailPort, tail_of
from daemon.logs import tell
from daemon.narrate import tell_quarantine
from daemon.store_thread import StoreThread
from daemon.telemetry_records import TelemetryRecords
from handlers.formats.registry import log_formats
from handlers.model import ParserState, StreamState
from handlers.stage import Outcome, Performance, Reporter, perform
from handlers.telemetry.ports import TelemetryCommit
from handlers.telemetry.sequence import TELEMETRY, ParsedTelemetry, parse_telemetry

STACK_QUIET_S: Final = 2.0
"""A stack trace is written at once: what did not follow by then does not belong to it."""
TRACE_QUIET_S: Final = 60.0
"""The root span of a trace comes when it ends; one that crashed never does."""
LIVE_MS: Final = 60_000
"""Logs whose newest event was read within this time of its being written are followed live."""


class LogReader:
    """Implements the port of the telemetry sequence over the store, and plays it over a tail."""

    def __init__(
        self,
        settings: Settings,
        telemetry: TelemetryRecords,
        thread: StoreThread,
        report: Reporter,
        *,
        careful: bool,
    ) -> None:
        """`careful`: the last reader died."""
        self._settings = settings
        self._log_formats = log_formats(settings)
        self._telemetry = telemetry
        self._thread = thread
        self._report = report
        self._reading = anyio.Lock()
        """Held for a batch: its counts and its offsets belong to one tail."""
        self._streams: dict[str, StreamState] = telemetry.streams()
        self._waiting = {name for name, state in self._streams.items() if _waits(state.parser)}
        """Streams in which something waits for further lines."""
        sources = telemetry.sources()
        self._formats = {source.checkpoint.source: source.format for source in sources if source.format}
        self.tail = tail_of(settings, [source.checkpoint for source in sources])
        self._began = time.monotonic()
        self._caution = Caution(settings) if careful else None
        self.read_at: dict[str, float] = {}
        """Monotonic time at which each stream was read last."""
        self.record_id = ""
        """Of the last commit."""
        self.judging_ms = 0
        """End of the windows that are being judged: what comes for them is late."""
        self.is_live = False
        """Whether the logs are followed live."""

    async def adopt(self, settings: Settings) -> None:
        """Goes on with other settings from the next batch on."""
        async with self._reading:
            if settings.logs != self._settings.logs:
                await self._thread.run(lambda: self._follow(settings))
            self._settings = settings
            self._log_formats = log_formats(settings)

    async def feed(self, *, at_end: bool = False, hot: bool = False) -> ParsedTelemetry:
        """Reads one batch of new lines into the store. `at_end`: nothing will follow what is there now.
        `hot`: of the files that were read lately, without a look at the directories.

        Raises StoreError, and what made a beat fail again in careful mode. Then nothing of the batch is
        stored and it will be read again.
        """
        async with self._reading:
            outcome = await self._read_batch(at_end=at_end, hot=hot)
            if not isinstance(outcome.error, StoreError | None) and self._caution is None:
                tell(
                    "ERROR",
                    "batch-failed",
                    "a defect: what was read made a handler fail. It is read again, line by line",
                    exception=outcome.error,
                )
                self._caution = Caution(self._settings)
                outcome = await self._read_batch(at_end=at_end, hot=False)
            if outcome.error is not None:
                raise outcome.error
            parsed: ParsedTelemetry = outcome.result
            known = self._telemetry.knows_stream
            self._streams = {name: state for name, state in parsed.streams.items() if known(name)}
            self.read_at = {name: at for name, at in self.read_at.items() if known(name)}
            self._waiting.intersection_update(self._streams)
            self.record_id = parsed.completed.record_id
            more = parsed.more or self._caution is not None or self.tail.is_searching
            return replace(parsed, more=more)

    async def _read_batch(self, *, at_end: bool, hot: bool) -> Outcome:
        """One play. If it fails, nothing of it is staged any more."""
        settings = self._settings
        request_id = f"telemetry-{uuid.uuid4()}"
        allowance = await self._allowance(at_end=at_end)
        port = TailPort(self.tail, self._thread.limiter, self._formats, allowance, hot=hot)

        async def play(run: Performance) -> ParsedTelemetry:
            return await parse_telemetry(
                run,
                request_id,
                logs_directory=[str(path) for path in settings.logs.directories],
                logs=port,
                store=self,
                formats=self._log_formats,
                streams=self._streams,
                limits=telemetry_limits(settings),
                arrival_ms=now_ms(),
                at_end=at_end and allowance is None,
                silent=self._silent(),
            )

        outcome = await perform(TELEMETRY, request_id, self._report, play)
        if outcome.error is not None:
            await self._thread.run(self.tail.rolled_back)
            return outcome
        for path, poison in port.quarantined:
            tell_quarantine(path, poison)
        return outcome

    async def _allowance(self, *, at_end: bool) -> Allowance | None:
        """What a child got through; None while there is no need for care."""
        if self._caution is None:
            return None
        checkpoints = [source.checkpoint for source in await self._thread.run(self._telemetry.sources)]
        allowance = await self._caution.allow(
            self._settings, checkpoints, self._formats, self._streams, arrival_ms=now_ms(), at_end=at_end
        )
        if allowance is None:
            self._caution = None
        return allowance

    def _silent(self) -> list[str]:
        """Streams that wait for lines which have had the time to be written."""
        return [name for name in self._waiting if self._is_over(name, self._streams[name].parser)]

    def _is_over(self, stream: str, waits: ParserState) -> bool:
        quiet_s = time.monotonic() - self.read_at.get(stream, self._began)
        if waits.error is not None:
            return quiet_s > STACK_QUIET_S
        return quiet_s > TRACE_QUIET_S and any(trace.waiting for trace in waits.traces.values())

    async def has_grown(self) -> bool:
        """Whether a file that was read lately has more; cheap enough to ask ten times a second."""
        return bool(await self._thread.run(self.tail.hot))

    async def complete_until_ms(self) -> int:
        """Event time up to which all of the known streams is read, while the reader cannot go on."""

        def complete() -> int:
            behind = {unread.stream for unread in self.tail.unread()}
            known = {name: state.watermark_ms for name, state in self._streams.items()}
            return min(
                (known[name] for name in behind & known.keys()), default=max(known.values(), default=0)
            )

        return await self._thread.run(complete)

    def lag(self) -> Lag:
        """To be called where the store may be used."""
        now = now_ms()
        return lag_of_all(
            lag_of(unread, state.watermark_ms if (state := self._streams.get(unread.stream)) else 0, now)
            for unread in self.tail.unread()
        )

    async def commit_telemetry(self, commit: TelemetryCommit) -> str:
        return await self._thread.run(lambda: self._commit(commit))

    def _commit(self, commit: TelemetryCommit) -> str:
        checkpoints, expired = self.tail.checkpoints(), self.tail.expired()
        if not (commit.consumed or commit.streams or checkpoints or expired):
            return self.record_id
        judged_until_ms = max(self.judging_ms, self._telemetry.totals().judged_until_ms)
        record_id = self._telemetry.commit(commit, checkpoints, expired, judged_until_ms)
        self.tail.committed()
        for name, state in commit.streams.items():
            (self._waiting.add if _waits(state.parser) else self._waiting.discard)(name)
        if commit.metrics.windows:
            newest_ms = max((stream.watermark_ms for stream in commit.streams.values()), default=0)
            self.is_live = abs(now_ms() - newest_ms) < LIVE_MS
        for piece in commit.consumed:
            self._formats[piece.source] = piece.format
            self.read_at[piece.stream] = time.monotonic()
        return record_id

    def _follow(self, settings: Settings) -> None:
        self.tail.close()
        self.tail = tail_of(settings, [source.checkpoint for source in self._telemetry.sources()])


def _waits(parser: ParserState) -> bool:
    return parser.error is not None or any(trace.waiting for trace in parser.traces.values())
