"""Judging: windows in the store become anomalies, their diagnoses and what is recommended."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import anyio
from msgspec.structs import replace

from config.settings import Project, Settings
from daemon.anomaly_records import AnomalyRecords
from daemon.clock import now_ms
from daemon.codebase.reader import codebase_reader
from daemon.database import StoreError
from daemon.definition_records import DefinitionRecords
from daemon.incident_life import Changes
from daemon.limits import moment_of
from daemon.log_reader import LogReader
from daemon.narrate import tell_definition, tell_verified
from daemon.pasts import PastReader
from daemon.settings_record import verdict_values
from daemon.store_thread import StoreThread
from daemon.telemetry_records import TelemetryRecords
from handlers.anomaly.activity import is_idle
from handlers.anomaly.baseline import Baseline, changed
from handlers.anomaly.case_inputs import Given
from handlers.anomaly.ports import TelemetryHistory
from handlers.anomaly.sequence import ANOMALY, DetectedAnomalies, detect_anomalies
from handlers.anomaly.united_errors import united_errors
from handlers.diagnosis.added_time import usual_times_ms
from handlers.diagnosis.latest_windows import latest
from handlers.diagnosis.sequence import DIAGNOSIS, diagnose
from handlers.model import AnyAnomaly, Codebase, FixRecommendation, Past, SelfAnomaly, TelemetryMetrics
from handlers.stage import Performance, Reporter, perform

WINDOWS_A_DETECTION: Final = 360
"""Windows judged in one play: a backlog of months is judged in pieces of bounded memory."""
CHECKOUT_REST_S: Final = 60.0
"""To look through a checkout of 10,000 files takes 0.1 s of a core, and they seldom change."""
HOUR_MS: Final = 3_600_000


class HandlerError(Exception):
    """A defect: a handler raised what is no matter of the store. It can be tried again."""


class Judge:
    """Implements the ports of the anomaly and the diagnosis sequence over the store, and plays them."""

    def __init__(
        self,
        settings: Settings,
        telemetry: TelemetryRecords,
        anomalies: AnomalyRecords,
        reader: LogReader,
        pasts: PastReader,
        definitions: DefinitionRecords,
        thread: StoreThread,
        report: Reporter,
    ) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._anomalies = anomalies
        self._reader = reader
        self._pasts = pasts
        self._definitions = definitions
        self._thread = thread
        self._report = report
        self._judging = anyio.Lock()
        """Held from the loading of the baseline to its storing: an order in between would be overwritten."""
        self._codebase = codebase_reader(settings.project, rest_s=CHECKOUT_REST_S)
        self._baseline: Baseline | None = None
        """As the store holds it; None when that is not certain, and it is to be loaded."""
        self._codebase_noted: Codebase | None = None
        """That of which the definitions are stored."""
        self._codebase_judged: Codebase | None = None
        """That of the last detection that was stored and diagnosed."""
        self._until_ms = 0
        self._late_until_id = 0
        self._due_ms: int | None = None
        """When an incident changes although nothing new comes, by the clock."""
        self._limits = self._limits_used = self._limits_judged = verdict_values(settings)
        """What takes part in verdicts: now, in the detection that runs, in the last one that was stored."""
        self.codebase_problems: tuple[str, ...] = ()
        """What could not be read of the watched project."""
        self._judged = TelemetryMetrics(0, {})
        """The windows judged last, which a diagnosis looks at."""
        self.more_windows = False
        """Whether the last detection left windows to another one."""
        self.changes = Changes()
        """What the last detection changed."""

    def adopt(self, settings: Settings) -> None:
        """Goes on with other settings from the next play on."""
        if settings.project != self._settings.project:
            self._codebase = codebase_reader(settings.project, rest_s=CHECKOUT_REST_S)
        self._pasts.adopt(settings.objectives)
        self._settings, self._limits = settings, verdict_values(settings)

    @asynccontextmanager
    async def baseline_changes(self) -> AsyncIterator[None]:
        """For as long as somebody else may change the baseline."""
        async with self._judging:
            self._baseline = None
            yield

    async def codebase_of(self, project: Project) -> Codebase:
        """What is known of a watched project, which need not be the one of the settings."""
        known = project == self._settings.project
        return await (self._codebase if known else codebase_reader(project)).load_codebase()

    async def has_news(self, until_ms: int) -> bool:
        """Whether detection could come to another result than the last time."""
        codebase = await self._codebase.load_codebase()
        if codebase != self._codebase_judged or self._limits != self._limits_judged:
            return True
        if self._due_ms is not None and now_ms() >= self._due_ms:
            return True
        return await self._thread.run(lambda: self._has_unjudged(until_ms))

    def _has_unjudged(self, until_ms: int) -> bool:
        if self._baseline is None or self._telemetry.has_late():
            return True
        return self._telemetry.has_windows(self._baseline.judged_until_ms, until_ms) or (
            self._reader.is_live and is_idle(self._baseline.performance.activity, until_ms)
        )

    async def detect(self, until_ms: int) -> DetectedAnomalies:
        """Judges the next windows that end before `until_ms`; raises StoreError and HandlerError."""
        settings, self._limits_used = self._settings, self._limits
        request_id = f"anomaly-{uuid.uuid4()}"
        codebase = await self._codebase.load_codebase()
        self.codebase_problems = codebase.problems
        await self._note_definitions(codebase)
        self._until_ms = until_ms
        limits, detect_of = settings.detect, settings.detect_of
        detect_of_source = settings.detect_of_source
        if self._limits_used != self._limits_judged:
            # What is open is no longer wrong if it is below the new limits, not only if it is far below.
            at_once = {"close_share": 1.0}
            limits = limits.model_copy(update=at_once)
            detect_of, detect_of_source = (
                {glob: given.model_copy(update=at_once) for glob, given in each.items()}
                for each in (detect_of, detect_of_source)
            )

        async def play(run: Performance) -> DetectedAnomalies:
            return await detect_anomalies(
                run,
                request_id,
                record_id=self._reader.record_id,
                history=self,
                store=self,
                codebase=codebase,
                limits=limits,
                expected_ms=settings.expected_ms,
                detect_of=detect_of,
                detect_of_source=detect_of_source,
            )

        async with self._judging:
            outcome = await perform(ANOMALY, request_id, self._report, play)
        if outcome.error is not None:
            raise _as_told(outcome.error)
        detected: DetectedAnomalies = outcome.result
        self._codebase_judged = codebase
        return detected

    async def _note_definitions(self, codebase: Codebase) -> None:
        """Tells and remembers where the definitions are others than those of the last detection."""
        if codebase is self._codebase_noted:
            return
        for mark in await self._thread.run(lambda: self._definitions.note(codebase.sequences, now_ms())):
            tell_definition(mark)
        self._codebase_noted = codebase

    async def diagnose(self, record_id: str) -> tuple[FixRecommendation, ...]:
        """Diagnoses the anomalies that are open; raises StoreError and HandlerError."""
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
            raise _as_told(outcome.error)
        return tuple(await self._thread.run(self._anomalies.recommendations))

    async def load_telemetry(self, record_id: str) -> TelemetryHistory:
        return await self._thread.run(self._history)

    async def store_anomalies(
        self, anomalies: tuple[AnyAnomaly, ...], baseline: Baseline, given: Given
    ) -> str:
        # Under new limits an anomaly is not gone but no longer one: nothing is to be waited for.
        limits = self._limits_used  # others may have been adopted since it began
        moment = moment_of(self._settings, given.told_by, baseline.judged_until_ms, now_ms())
        moment = replace(moment, is_current=not self.more_windows)
        if limits != self._limits_judged:
            moment = replace(moment, hold_ms=0, hold_ms_of={})
        before, self._baseline = self._baseline or Baseline(), None  # what fails leaves it uncertain
        news = changed(before, baseline)
        self.changes, self._due_ms = await self._thread.run(
            lambda: (
                self._anomalies.store(
                    anomalies, news, self._late_until_id, moment, self._settings.alerts, given
                ),
                self._anomalies.due_ms(moment.forget_ms),
            )
        )
        quiet_ms = baseline.judged_until_ms - round(self._settings.detect.hold_s * 1000)
        min_samples = self._settings.detect.min_samples
        for done in await self._thread.run(
            lambda: self._anomalies.verify_done(self._pasts.points_since, min_samples, quiet_ms)
        ):
            tell_verified(done)
        self._limits_judged, self._baseline = limits, baseline
        return f"anomalies-{baseline.judged_until_ms}"

    async def load_anomalies(self, record_id: str) -> tuple[AnyAnomaly, ...]:
        stored = await self._thread.run(self._anomalies.incidents)
        return tuple(
            each.anomaly
            for each in stored
            if each.is_open and not isinstance(each.anomaly, SelfAnomaly)  # has its own diagnosis
        )

    async def load_pasts(self, anomalies: tuple[AnyAnomaly, ...]) -> Mapping[str, Past]:
        return await self._thread.run(lambda: self._pasts.load(anomalies))

    async def store_diagnosis(self, recommendations: tuple[FixRecommendation, ...]) -> str:
        await self._thread.run(lambda: self._anomalies.put_recommendations(recommendations))
        return f"diagnosis-{len(recommendations)}"

    def _history(self) -> TelemetryHistory:
        baseline = self._baseline = self._baseline or self._anomalies.baselines.load()
        baseline.errors = united_errors(baseline.errors, self._telemetry.templates.grouping)
        first_ms = baseline.judged_until_ms
        metrics = self._telemetry.windows(first_ms, self._until_ms, WINDOWS_A_DETECTION)
        # From now on, what comes for these windows is late, although the verdict is not stored yet.
        self._reader.judging_ms = max([first_ms, *(start + metrics.window_ms for start in metrics.windows)])
        self.more_windows = self._telemetry.has_windows(self._reader.judging_ms, self._until_ms)
        late, self._late_until_id = self._telemetry.late_windows(first_ms)
        metrics = TelemetryMetrics(metrics.window_ms, {**late, **metrics.windows})
        self._judged = latest(self._judged, metrics)
        open_ids = frozenset(each.anomaly.id for each in self._anomalies.incidents() if each.is_open)
        # Old logs end; only of those that are followed live it says something that nothing more comes.
        live = self._reader.is_live and not self.more_windows and self._until_ms <= now_ms()
        return TelemetryHistory(
            metrics,
            baseline,
            open_ids,
            observed_until_ms=self._until_ms if live else 0,
            shown=self._telemetry.templates.grouping.shown(),
            told_by=self._telemetry.tellers.told_by(),
        )


def _as_told(error: Exception) -> Exception:
    """What the caller is to raise for an error of a beat."""
    if isinstance(error, StoreError):
        return error
    told = HandlerError(f"{type(error).__name__}: {error}")
    told.__cause__ = error
    return told
