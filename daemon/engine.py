"""The engine: feeds log lines into the store, judges them and diagnoses, one play of a sequence at a time.

It knows nothing of watching, timers or signals; `app` drives it. The store is used from one worker thread at
a time: a limiter with one token keeps a second one from joining an open transaction.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from msgspec.structs import replace

from config.settings import Detect, Settings
from daemon.anomaly_records import AnomalyRecords
from daemon.caution import Caution
from daemon.codebase.reader import codebase_reader
from daemon.database import StoreError
from daemon.incident_life import Changes, Moment
from daemon.lag import Lag, lag_of, lag_of_all
from daemon.limits import telemetry_limits
from daemon.log_port import Allowance, TailPort, tail_of
from daemon.logs import tell
from daemon.narrate import tell_order, tell_quarantine, tell_verified
from daemon.order_kinds import decode_order
from daemon.orders import OrderBook, OrderRecords
from daemon.pasts import PastReader
from daemon.self_metrics import StoredFigures
from daemon.spool import Spool
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from daemon.tiers import Horizons, Tiers
from handlers.anomaly.activity import is_idle
from handlers.anomaly.baseline import Baseline, changed
from handlers.anomaly.ports import TelemetryHistory
from handlers.anomaly.sequence import ANOMALY, DetectedAnomalies, detect_anomalies
from handlers.anomaly.united_errors import united_errors
from handlers.diagnosis.added_time import usual_times_ms
from handlers.diagnosis.latest_windows import latest
from handlers.diagnosis.sequence import DIAGNOSIS, diagnose
from handlers.formats.registry import log_formats
from handlers.model import (
    AnyAnomaly,
    Codebase,
    FixRecommendation,
    ParserState,
    Past,
    StreamState,
    TelemetryMetrics,
)
from handlers.stage import Outcome, Performance, Reporter, perform
from handlers.telemetry.ports import TelemetryCommit
from handlers.telemetry.sequence import TELEMETRY, ParsedTelemetry, parse_telemetry

T = TypeVar("T")

WINDOWS_A_DETECTION: Final = 360
"""Windows judged in one play: a backlog of months is judged in pieces of bounded memory."""
STACK_QUIET_S: Final = 2.0
"""A stack trace is written at once: what did not follow by then does not belong to it."""
CHECKOUT_REST_S: Final = 60.0
"""To look through a checkout of 10,000 files takes 0.1 s of a core, and they seldom change."""
TRACE_QUIET_S: Final = 60.0
"""The root span of a trace comes when it ends; one that crashed never does."""
LIVE_MS: Final = 60_000
"""Logs whose newest event was read within this time of its being written are followed live."""
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Engine:
    """Implements the ports of the three sequences over a store and a tail."""

    def __init__(self, settings: Settings, store: Store, report: Reporter) -> None:
        self.settings = settings
        self._log_formats = log_formats(settings)
        self._store = store
        self._report = report
        self._limiter = anyio.CapacityLimiter(1)
        self._reading = anyio.Lock()
        """Held for a batch: its counts and its offsets belong to one tail."""
        self.telemetry = TelemetryRecords(store, settings.ingest.window_s * 1000)
        self.tiers = Tiers(store, self.telemetry, settings.ingest.window_s * 1000)
        self._pasts = PastReader(
            self.telemetry, self.tiers, settings.ingest.window_s * 1000, settings.objectives
        )
        self.anomalies = AnomalyRecords(store, self.telemetry)
        records = OrderRecords(self.telemetry, self.anomalies, self.anomalies.baselines)
        self._orders = OrderBook(store, records, decode_order, Spool(store.path))
        self._judging = anyio.Lock()
        """Held from the loading of the baseline to its storing: an order in between would be overwritten."""
        if (before_ms := self.telemetry.restart_windows()) is not None:
            tell(
                "WARNING",
                "windows-dropped",
                f"ingest.window_s was {before_ms // 1000} and is {settings.ingest.window_s}: the windows of "
                "the old length are dropped; what was learned from them is kept",
            )
        self._codebase = codebase_reader(settings.project, rest_s=CHECKOUT_REST_S)
        self._streams: dict[str, StreamState] = self.telemetry.streams()
        sources = self.telemetry.sources()
        self._formats = {source.checkpoint.source: source.format for source in sources if source.format}
        self.tail = tail_of(settings, [source.checkpoint for source in sources])
        self._began = time.monotonic()
        self._caution = Caution(settings) if store.ended_uncleanly else None
        self._read_at: dict[str, float] = {}
        """Monotonic time at which each stream was read last."""
        self._record_id = ""
        self._baseline: Baseline | None = None
        """As the store holds it; None when that is not certain, and it is to be loaded."""
        self._codebase_judged: Codebase | None = None
        """That of the last detection that was stored and diagnosed."""
        self._until_ms = 0
        self._is_live = False
        self._judging_ms = 0
        self._late_until_id = 0
        self._limits = self._limits_now()
        """Those of the last detection that was stored."""
        self.codebase_problems: tuple[str, ...] = ()
        """What could not be read of the watched project."""
        self._judged = TelemetryMetrics(0, {})
        """The windows judged last, which a diagnosis looks at."""
        self.more_windows = False
        """Whether the last detection left windows to another one."""
        self.changes = Changes()
        """What the last detection changed."""

    async def adopt(self, settings: Settings) -> None:
        """Goes on with other settings from the next play on."""
        if settings.project != self.settings.project:
            self._codebase = codebase_reader(settings.project, rest_s=CHECKOUT_REST_S)
        async with self._reading:
            if settings.logs != self.settings.logs:
                await self._run(lambda: self._follow(settings))
            self._pasts.adopt(settings.objectives)
            self.settings = settings
            self._log_formats = log_formats(settings)

    async def feed(self, *, at_end: bool = False) -> ParsedTelemetry:
        """Reads one batch of new lines into the store. `at_end`: nothing will follow what is there now.

        Raises StoreError, and what made a beat fail again in careful mode. Then nothing of the batch is
        stored and it will be read again.
        """
        async with self._reading:
            outcome = await self._read_batch(at_end=at_end)
            if not isinstance(outcome.error, StoreError | None) and self._caution is None:
                tell(
                    "ERROR",
                    "batch-failed",
                    "a defect: what was read made a handler fail. It is read again, line by line",
                    exception=outcome.error,
                )
                self._caution = Caution(self.settings)
                outcome = await self._read_batch(at_end=at_end)
            if outcome.error is not None:
                raise outcome.error
            parsed: ParsedTelemetry = outcome.result
            self._streams = dict(parsed.streams)
            self._record_id = parsed.completed.record_id
            return parsed if self._caution is None else replace(parsed, more=True)

    async def _read_batch(self, *, at_end: bool) -> Outcome:
        """One play. If it fails, nothing of it is staged any more."""
        settings = self.settings
        request_id = f"telemetry-{uuid.uuid4()}"
        allowance = await self._allowance(at_end=at_end)
        port = TailPort(self.tail, self._limiter, self._formats, allowance)

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
            await self._run(self.tail.rolled_back)
            return outcome
        for path, poison in port.quarantined:
            tell_quarantine(path, poison)
        return outcome

    async def _allowance(self, *, at_end: bool) -> Allowance | None:
        """What a child got through; None while there is no need for care."""
        if self._caution is None:
            return None
        checkpoints = [source.checkpoint for source in await self._run(self.telemetry.sources)]
        allowance = await self._caution.allow(
            self.settings, checkpoints, self._formats, self._streams, arrival_ms=now_ms(), at_end=at_end
        )
        if allowance is None:
            self._caution = None
        return allowance

    def _silent(self) -> list[str]:
        """Streams that wait for lines which have had the time to be written."""
        return [name for name, state in self._streams.items() if self._is_over(name, state.parser)]

    def _is_over(self, stream: str, waits: ParserState) -> bool:
        quiet_s = time.monotonic() - self._read_at.get(stream, self._began)
        if waits.error is not None:
            return quiet_s > STACK_QUIET_S
        return quiet_s > TRACE_QUIET_S and any(trace.waiting for trace in waits.traces.values())

    async def has_news(self, until_ms: int) -> bool:
        """Whether detection could come to another result than the last time."""
        codebase = await self._codebase.load_codebase()
        if codebase != self._codebase_judged or self._limits_now() != self._limits:
            return True
        return await self._run(lambda: self._has_unjudged(until_ms))

    def _has_unjudged(self, until_ms: int) -> bool:
        if self._baseline is None or self.telemetry.has_late():
            return True
        return self.telemetry.has_windows(self._baseline.judged_until_ms, until_ms) or (
            self._is_live and is_idle(self._baseline.performance.activity, until_ms)
        )

    def _limits_now(self) -> tuple[Detect, Mapping[str, float]]:
        return self.settings.detect, self.settings.expected_ms

    async def detect(self, until_ms: int) -> DetectedAnomalies:
        """Judges the next windows that end before `until_ms`; raises what made a beat fail."""
        settings = self.settings
        request_id = f"anomaly-{uuid.uuid4()}"
        codebase = await self._codebase.load_codebase()
        self.codebase_problems = codebase.problems
        self._until_ms = until_ms
        limits = settings.detect
        if self._limits_now() != self._limits:
            # What is open is no longer wrong if it is below the new limits, not only if it is far below.
            limits = limits.model_copy(update={"close_share": 1.0})

        async def play(run: Performance) -> DetectedAnomalies:
            return await detect_anomalies(
                run,
                request_id,
                record_id=self._record_id,
                history=self,
                store=self,
                codebase=codebase,
                limits=limits,
                expected_ms=settings.expected_ms,
            )

        async with self._judging:
            outcome = await perform(ANOMALY, request_id, self._report, play)
        if outcome.error is not None:
            raise outcome.error
        detected: DetectedAnomalies = outcome.result
        self._codebase_judged = codebase
        return detected

    async def diagnose(self, record_id: str) -> tuple[FixRecommendation, ...]:
        """Diagnoses the anomalies that are open; raises what made a beat fail."""
        request_id = f"diagnosis-{uuid.uuid4()}"

        async def play(run: Performance) -> object:
            return await diagnose(
                run,
                request_id,
                record_id,
                anomaly_port=self,
                codebase_port=self._codebase,
                diagnosis_port=self,
                metrics=self._judged,
                usual_ms=usual_times_ms(self._baseline or Baseline()),
            )

        outcome = await perform(DIAGNOSIS, request_id, self._report, play)
        if outcome.error is not None:
            self._codebase_judged = None  # the next detection leads to another diagnosis
            raise outcome.error
        return tuple(await self._run(self.anomalies.recommendations))

    async def carry_out_orders(self) -> None:
        """Does what operators asked for since; cheap when there is nothing. Raises StoreError."""
        if not await anyio.to_thread.run_sync(self._orders.has_waiting):
            return
        async with self._judging:
            self._baseline = None  # an order may change it
            await self._run(
                lambda: self._orders.carry_out_all(
                    tell_order, lambda problem: tell("WARNING", "order-unreadable", problem)
                )
            )

    async def has_grown(self) -> bool:
        """Whether a file that was read lately has more; cheap enough to ask ten times a second."""
        return bool(await self._run(self.tail.hot))

    async def status_line(self, *, caught_up: bool) -> str:
        """A line for `systemctl status`."""
        totals, sources, stored, lag = await self._run(
            lambda: (
                self.telemetry.totals(),
                self.telemetry.count_sources(),
                self.anomalies.incidents(),
                self._lag(),
            )
        )
        standing = sum(each.is_open for each in stored)
        state = "up to date" if caught_up else "catching up"
        files = "1 file" if sources == 1 else f"{sources} files"
        return f"{files}, {totals.events} events, {state}, lag {lag}, open anomalies: {standing}"

    async def stored_figures(self) -> StoredFigures:
        """What the store and the tail say of the daemon's work, at one moment."""
        return await self._run(
            lambda: StoredFigures(
                totals=self.telemetry.totals(),
                sources=tuple(self.telemetry.sources()),
                lag=self._lag(),
                incidents=tuple(self.anomalies.incidents()),
                store_bytes=self._store.size_bytes,
                lossy_windows=self.telemetry.lossy.count(),
            )
        )

    async def complete_until_ms(self) -> int:
        """Event time up to which all of the known streams is read, while the reader cannot go on."""

        def complete() -> int:
            behind = {unread.stream for unread in self.tail.unread()}
            known = {name: state.watermark_ms for name, state in self._streams.items()}
            return min(
                (known[name] for name in behind & known.keys()), default=max(known.values(), default=0)
            )

        return await self._run(complete)

    async def in_store(self, call: Callable[[], T]) -> T:
        """Runs `call` where the store may be used: in the one worker thread. Raises what it raises."""
        return await self._run(call)

    async def check_store(self) -> None:
        """Raises StoreMovedError if the store's file is not where it was."""
        await self._run(self._store.check_place)

    def _lag(self) -> Lag:
        now = now_ms()
        return lag_of_all(
            lag_of(unread, state.watermark_ms if (state := self._streams.get(unread.stream)) else 0, now)
            for unread in self.tail.unread()
        )

    async def forget_old(self, *, make_room: bool = False) -> int:
        """Rolls up and deletes what the retention settings say; returns how many documents that were.

        `make_room`: if that is nothing, a tenth of the windows is rolled up before its time, of those that
        were judged if there are any: without room nothing could be judged either.
        """
        now, judged_ms = now_ms(), await self._run(self._judged_until_ms)
        count = await self._roll_up(now, min(judged_ms, now - self.settings.retention.windows_h * _HOUR_MS))
        if make_room and not count:
            tenth_ms = await self._run(lambda: self.tiers.oldest_windows_ms(0.1))
            count = await self._roll_up(now, min(judged_ms, tenth_ms)) or await self._roll_up(now, tenth_ms)
        before_ms = now - round(self.settings.retention.anomalies_d * _DAY_MS)
        return count + await self._run(lambda: self.anomalies.forget_resolved(before_ms))

    async def _roll_up(self, now: int, windows_ms: float) -> int:
        retention, total = self.settings.retention, 0
        hours_ms = now - round(retention.hours_d * _DAY_MS)
        horizons = Horizons(round(windows_ms), hours_ms, now - round(retention.days_d * _DAY_MS))
        # Piece by piece: a batch of new lines may come in between.
        while moved := await self._run(lambda: self.tiers.roll_up(horizons)):
            total += moved
        return total

    async def commit_telemetry(self, commit: TelemetryCommit) -> str:
        return await self._run(lambda: self._commit(commit))

    async def load_telemetry(self, record_id: str) -> TelemetryHistory:
        return await self._run(self._history)

    async def store_anomalies(self, anomalies: tuple[AnyAnomaly, ...], baseline: Baseline) -> str:
        # Under new limits an anomaly is not gone but no longer one: nothing is to be waited for.
        limits = self._limits_now()
        moment = Moment(
            judged_until_ms=baseline.judged_until_ms,
            now_ms=now_ms(),
            hold_ms=0 if limits != self._limits else round(self.settings.detect.hold_s * 1000),
            forget_ms=round(self.settings.retention.windows_h * _HOUR_MS),
        )
        before, self._baseline = self._baseline or Baseline(), None  # what fails leaves it uncertain
        news = changed(before, baseline)
        self.changes = await self._run(
            lambda: self.anomalies.store(anomalies, news, self._late_until_id, moment, self.settings.alerts)
        )
        for done in await self._run(
            lambda: self.anomalies.verify_done(
                self._pasts.points_since,
                self.settings.detect.min_samples,
                baseline.judged_until_ms - round(self.settings.detect.hold_s * 1000),
            )
        ):
            tell_verified(done)
        self._limits, self._baseline = limits, baseline
        return f"anomalies-{baseline.judged_until_ms}"

    async def load_anomalies(self, record_id: str) -> tuple[AnyAnomaly, ...]:
        stored = await self._run(self.anomalies.incidents)
        return tuple(each.anomaly for each in stored if each.is_open)

    async def load_pasts(self, anomalies: tuple[AnyAnomaly, ...]) -> Mapping[str, Past]:
        return await self._run(lambda: self._pasts.load(anomalies))

    async def store_diagnosis(self, recommendations: tuple[FixRecommendation, ...]) -> str:
        await self._run(lambda: self.anomalies.put_recommendations(recommendations))
        return f"diagnosis-{len(recommendations)}"

    def _commit(self, commit: TelemetryCommit) -> str:
        checkpoints, expired = self.tail.checkpoints(), self.tail.expired()
        if not (commit.consumed or commit.streams or checkpoints or expired):
            return self._record_id
        judged_until_ms = max(self._judging_ms, self._judged_until_ms())
        record_id = self.telemetry.commit(commit, checkpoints, expired, judged_until_ms)
        self.tail.committed()
        if commit.metrics.windows:
            newest_ms = max((stream.watermark_ms for stream in commit.streams.values()), default=0)
            self._is_live = abs(now_ms() - newest_ms) < LIVE_MS
        for piece in commit.consumed:
            self._formats[piece.source] = piece.format
            self._read_at[piece.stream] = time.monotonic()
        return record_id

    def _judged_until_ms(self) -> int:
        return self.telemetry.totals().judged_until_ms

    def _history(self) -> TelemetryHistory:
        baseline = self._baseline = self._baseline or self.anomalies.baselines.load()
        baseline.errors = united_errors(baseline.errors, self.telemetry.templates.grouping)
        first_ms = baseline.judged_until_ms
        metrics = self.telemetry.windows(first_ms, self._until_ms, WINDOWS_A_DETECTION)
        # From now on, what comes for these windows is late, although the verdict is not stored yet.
        self._judging_ms = max([first_ms, *(start + metrics.window_ms for start in metrics.windows)])
        self.more_windows = self.telemetry.has_windows(self._judging_ms, self._until_ms)
        late, self._late_until_id = self.telemetry.late_windows(first_ms)
        metrics = TelemetryMetrics(metrics.window_ms, {**late, **metrics.windows})
        self._judged = latest(self._judged, metrics)
        open_ids = frozenset(each.anomaly.id for each in self.anomalies.incidents() if each.is_open)
        # Old logs end; only of those that are followed live it says something that nothing more comes.
        live = self._is_live and not self.more_windows and self._until_ms <= now_ms()
        return TelemetryHistory(
            metrics,
            baseline,
            open_ids,
            observed_until_ms=self._until_ms if live else 0,
            shown=self.telemetry.templates.grouping.shown(),
        )

    def _follow(self, settings: Settings) -> None:
        self.tail.close()
        self.tail = tail_of(settings, [source.checkpoint for source in self.telemetry.sources()])

    async def _run(self, call: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(call, limiter=self._limiter)
