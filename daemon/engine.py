"""The engine: the reader, the judge and the orders of operators over one store.

It knows nothing of watching, timers or signals; `app` drives it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

import anyio.to_thread

from config.settings import Settings
from daemon.anomaly_records import AnomalyRecords
from daemon.clock import now_ms
from daemon.database import StoreFullError
from daemon.definition_records import DefinitionRecords
from daemon.incident_life import Changes
from daemon.judge import HOUR_MS, Judge
from daemon.log_reader import LogReader
from daemon.logs import tell
from daemon.narrate import tell_order
from daemon.order_kinds import decode_order
from daemon.orders import OrderBook, OrderRecords
from daemon.pasts import PastReader
from daemon.self_metrics import StoredFigures
from daemon.self_records import SelfRecords
from daemon.settings_record import put_in_force
from daemon.spool import Spool
from daemon.status_line import Status
from daemon.store import Store
from daemon.store_thread import StoreThread
from daemon.tail import Tail
from daemon.telemetry_records import TelemetryRecords
from daemon.tiers import Horizons, Tiers
from handlers.anomaly.sequence import DetectedAnomalies
from handlers.model import FixRecommendation
from handlers.stage import Reporter
from handlers.telemetry.sequence import ParsedTelemetry

T = TypeVar("T")

_DAY_MS: Final = 24 * HOUR_MS


class Engine:
    """All that is done with the store, for the loops of the daemon."""

    def __init__(self, settings: Settings, store: Store, report: Reporter) -> None:
        self.settings = settings
        self._store = store
        self._thread = StoreThread()
        self.telemetry = TelemetryRecords(store, settings.ingest.window_s * 1000)
        self.tiers = Tiers(store, self.telemetry, settings.ingest.window_s * 1000)
        with suppress(StoreFullError):  # then rolling up tries it again
            self.tiers.prepare()
        pasts = PastReader(self.telemetry, self.tiers, settings.ingest.window_s * 1000, settings.objectives)
        self.anomalies = AnomalyRecords(store, self.telemetry)
        records = OrderRecords(self.telemetry, self.anomalies, self.anomalies.baselines)
        self.own = SelfRecords(store)
        self._orders = OrderBook(store, records, decode_order, Spool(store.path))
        if (before_ms := self.telemetry.restart_windows()) is not None:
            tell(
                "WARNING",
                "windows-dropped",
                f"ingest.window_s was {before_ms // 1000} and is {settings.ingest.window_s}: the windows of "
                "the old length are dropped; what was learned from them is kept",
            )
        self.died = store.ended_uncleanly
        """Whether the daemon before this one was killed, or crashed."""
        self.reader = LogReader(settings, self.telemetry, self._thread, report, careful=self.died)
        definitions = DefinitionRecords(store, self.telemetry.marks)
        self.judge = Judge(
            settings,
            self.telemetry,
            self.anomalies,
            self.reader,
            pasts,
            definitions,
            self._thread,
            report,
        )

    @property
    def tail(self) -> Tail:
        return self.reader.tail

    @property
    def changes(self) -> Changes:
        """What the last detection changed."""
        return self.judge.changes

    @property
    def more_windows(self) -> bool:
        """Whether the last detection left windows to another one."""
        return self.judge.more_windows

    @property
    def codebase_problems(self) -> tuple[str, ...]:
        """What could not be read of the watched project."""
        return self.judge.codebase_problems

    async def adopt(self, settings: Settings) -> None:
        """Goes on with other settings from the next play on."""
        self.judge.adopt(settings)
        await self.reader.adopt(settings)
        self.settings = settings

    async def note_settings(self, rejected: tuple[str, ...]) -> None:
        """Stores what is judged by, for commands. `rejected`: why the files are not in force."""
        await self.in_store(
            lambda: put_in_force(
                self._store, self.settings, rejected, marks=self.telemetry.marks, at_ms=now_ms()
            )
        )

    async def feed(self, *, at_end: bool = False, hot: bool = False) -> ParsedTelemetry:
        """See `LogReader.feed`."""
        return await self.reader.feed(at_end=at_end, hot=hot)

    async def has_grown(self) -> bool:
        """See `LogReader.has_grown`."""
        return await self.reader.has_grown()

    async def complete_until_ms(self) -> int:
        """See `LogReader.complete_until_ms`."""
        return await self.reader.complete_until_ms()

    async def has_news(self, until_ms: int) -> bool:
        """See `Judge.has_news`."""
        return await self.judge.has_news(until_ms)

    async def detect(self, until_ms: int) -> DetectedAnomalies:
        """See `Judge.detect`."""
        return await self.judge.detect(until_ms)

    async def diagnose(self, record_id: str) -> tuple[FixRecommendation, ...]:
        """See `Judge.diagnose`."""
        return await self.judge.diagnose(record_id)

    async def carry_out_orders(self) -> None:
        """Does what operators asked for since; cheap when there is nothing. Raises StoreError."""
        if not await anyio.to_thread.run_sync(self._orders.has_waiting):
            return
        async with self.judge.baseline_changes():
            await self.in_store(
                lambda: self._orders.carry_out_all(
                    tell_order, lambda problem: tell("WARNING", "order-unreadable", problem)
                )
            )

    def room(self) -> int:
        """Bytes by which the store can grow: to its cap, or until the disk is full."""
        disk = os.statvfs(self._store.path.parent)
        return min(self.settings.store.max_bytes - self._store.size_bytes, disk.f_bavail * disk.f_frsize)

    async def status(self) -> Status:
        """What a line for `systemctl status` says."""
        return await self.in_store(
            lambda: Status(
                files=self.telemetry.count_sources(),
                events=self.telemetry.totals().events,
                lag=self.reader.lag(),
                open_incidents=sum(each.is_open for each in self.anomalies.incidents()),
            )
        )

    async def stored_figures(self) -> StoredFigures:
        """What the store and the tail say of the daemon's work, at one moment."""
        return await self.in_store(
            lambda: StoredFigures(
                totals=self.telemetry.totals(),
                sources=tuple(self.telemetry.sources()),
                lag=self.reader.lag(),
                incidents=tuple(self.anomalies.incidents()),
                store_bytes=self._store.size_bytes,
                lossy_windows=self.telemetry.lossy.count(),
            )
        )

    async def in_store(self, call: Callable[[], T]) -> T:
        """Runs `call` where the store may be used: in the one worker thread. Raises what it raises."""
        return await self._thread.run(call)

    async def check_store(self) -> None:
        """Raises StoreMovedError if the store's file is not where it was."""
        await self.in_store(self._store.check_place)

    async def forget_old(self, *, make_room: bool = False) -> int:
        """Rolls up and deletes what the retention settings say; returns how many documents that were.

        `make_room`: if that is nothing, a tenth of the windows is rolled up before its time, of those that
        were judged if there are any: without room nothing could be judged either.
        """
        now, judged_ms = now_ms(), await self.in_store(lambda: self.telemetry.totals().judged_until_ms)
        count = await self._roll_up(now, min(judged_ms, now - self.settings.retention.windows_h * HOUR_MS))
        if make_room and not count:
            tenth_ms = await self.in_store(lambda: self.tiers.oldest_windows_ms(0.1))
            count = await self._roll_up(now, min(judged_ms, tenth_ms)) or await self._roll_up(now, tenth_ms)
        before_ms = now - round(self.settings.retention.anomalies_d * _DAY_MS)
        return count + await self.in_store(lambda: self.anomalies.forget_resolved(before_ms))

    async def _roll_up(self, now: int, windows_ms: float) -> int:
        retention, total = self.settings.retention, 0
        hours_ms = now - round(retention.hours_d * _DAY_MS)
        horizons = Horizons(round(windows_ms), hours_ms, now - round(retention.days_d * _DAY_MS))
        # Piece by piece: a batch of new lines may come in between.
        while moved := await self.in_store(lambda: self.tiers.roll_up(horizons)):
            total += moved
        return total
