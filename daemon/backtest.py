"""What other settings would have said of the stored history, before they are adopted.

The windows that the store holds are judged once more, in order, under the settings in force and under the new
ones: by the very detectors, with memory in place of the store, from a baseline that knows only what operators
pinned. What differs is due to the settings alone. What was wrong before the history begins is taken as normal
under both, and that everything stopped is not seen: old windows do not tell how long was waited for more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from time import monotonic
from typing import Final

import anyio.to_thread
import msgspec
from msgspec.structs import replace

from config.settings import Project, Settings
from daemon.incident import Incident
from daemon.incident_life import follow
from daemon.limits import moment_of
from daemon.stored_history import HistoryPiece, StoredHistory
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.case_inputs import Given
from handlers.anomaly.ports import TelemetryHistory
from handlers.anomaly.sequence import ANOMALY, DetectedAnomalies, detect_anomalies
from handlers.model import SEVERITIES, AnyAnomaly, Codebase, TelemetryMetrics
from handlers.stage import BeatReport, Performance, perform

STEP_MS: Final = 60_000
"""Event time that is judged at once: what came and went within it is seen under neither of the two."""
FIRST_SHARE: Final = 1 / 64
"""The newest part of the history, by which is measured how much of it fits into the time."""
CAUTION: Final = 0.7
"""Share of the time left that the longer history may take by this measure."""

CodebaseOf = Callable[[Project], Awaitable[Codebase]]


class BacktestError(Exception):
    """The stored history could not be judged; the message says why."""


class Backtest(msgspec.Struct, frozen=True):
    """The incidents of one history under two settings. Lists have the gravest first."""

    from_ms: int
    """Event time; 0 to 0 without any history."""
    until_ms: int
    wanted_from_ms: int
    """Earlier than `from_ms` where the time was too short for all that was wanted."""
    stored_until_ms: int
    """Later than `until_ms` where it was too short even for the newest part."""
    before: Mapping[str, Incident]
    """By id, under the settings in force."""
    after: Mapping[str, Incident]

    @property
    def differs(self) -> bool:
        return bool(self.appear or self.vanish or self.regraded)

    @property
    def appear(self) -> list[Incident]:
        return _gravest_first(self.after[each] for each in self.after.keys() - self.before.keys())

    @property
    def vanish(self) -> list[Incident]:
        return _gravest_first(self.before[each] for each in self.before.keys() - self.after.keys())

    @property
    def regraded(self) -> list[tuple[Incident, Incident]]:
        """Those with another severity, as they are before and after."""
        both = _gravest_first(self.before[each] for each in self.before.keys() & self.after.keys())
        pairs = [(each, self.after[each.anomaly.id]) for each in both]
        return [(old, new) for old, new in pairs if old.worst != new.worst]

    @property
    def lost(self) -> list[Incident]:
        """Those of severity high or critical that would not be seen, or as less than that."""
        milder = [old for old, new in self.regraded if not _is_grave(new)]
        return [each for each in _gravest_first([*self.vanish, *milder]) if _is_grave(each)]


def _is_grave(incident: Incident) -> bool:
    return SEVERITIES.index(incident.worst) >= SEVERITIES.index("high")


def _gravest_first(incidents: Iterable[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda each: (-SEVERITIES.index(each.worst), each.anomaly.id))


async def backtest(
    old: Settings,
    new: Settings,
    codebase_of: CodebaseOf,
    *,
    budget_s: float,
    newest_ms: int | None = None,
) -> Backtest:
    """Judges the stored history under both settings: all of it, or only the newest `newest_ms` of event time.

    What does not fit into `budget_s` seconds is left out, the oldest first. The store of `old` is read, also
    while a daemon writes it. Raises StoreError, BacktestError.
    """
    deadline = monotonic() + budget_s
    codebases = (await codebase_of(old.project), await codebase_of(new.project))
    run = anyio.to_thread.run_sync
    with await run(StoredHistory, old.store.path, old.ingest.window_s * 1000) as history:
        stored_ms, until_ms = await run(history.span_ms)
        wanted_ms = stored_ms if newest_ms is None else max(stored_ms, until_ms - newest_ms)
        pinned = await run(history.pinned)

        async def judged(from_ms: int) -> Backtest:
            trials = [_Trial(*each, pinned) for each in zip((old, new), codebases, strict=True)]
            reached_ms = await _replay(history, trials, from_ms, until_ms, deadline)
            before, after = (trial.incidents for trial in trials)
            return Backtest(from_ms, reached_ms, wanted_ms, until_ms, before, after)

        began = monotonic()
        found = await judged(until_ms - round((until_ms - wanted_ms) * FIRST_SHARE))
        left, took = deadline - monotonic(), monotonic() - began
        share = min(1.0, FIRST_SHARE * CAUTION * left / took)
        if share > FIRST_SHARE:
            longer = await judged(until_ms - round((until_ms - wanted_ms) * share))
            found = max(found, longer, key=lambda each: each.until_ms - each.from_ms)
        if found.until_ms == found.from_ms and until_ms:
            raise BacktestError(f"there is no time for any of it within {budget_s:g} s")
        return found


async def _replay(
    history: StoredHistory, trials: list[_Trial], from_ms: int, until_ms: int, deadline: float
) -> int:
    """Judges the windows in [from_ms, until_ms) in all trials; up to when it came before the deadline."""
    while monotonic() < deadline:
        piece = await anyio.to_thread.run_sync(history.piece, from_ms, until_ms)
        if not piece.metrics.windows:
            return until_ms
        for step in _steps(piece.metrics):
            if monotonic() >= deadline:
                return from_ms
            for trial in trials:
                await trial.judge(step, piece)
            from_ms = max(step.windows) + step.window_ms
    return from_ms


def _steps(metrics: TelemetryMetrics) -> Iterator[TelemetryMetrics]:
    step = TelemetryMetrics(metrics.window_ms, {})
    for start_ms, window in sorted(metrics.windows.items()):
        if step.windows and start_ms // STEP_MS != min(step.windows) // STEP_MS:
            yield step
            step = TelemetryMetrics(metrics.window_ms, {})
        step.windows[start_ms] = window
    if step.windows:
        yield step


class _Trial:
    """The ports of detection in memory: what is learned and what stands under one set of settings."""

    def __init__(self, settings: Settings, codebase: Codebase, baseline: Baseline) -> None:
        self._settings = settings
        self._codebase = codebase
        self._baseline = baseline
        self._step = TelemetryMetrics(0, {})
        self._piece = HistoryPiece(self._step, {}, ())
        self.incidents: dict[str, Incident] = {}

    async def judge(self, step: TelemetryMetrics, piece: HistoryPiece) -> None:
        """Judges some windows of a piece. Raises BacktestError."""
        self._step, self._piece = step, piece

        async def play(run: Performance) -> DetectedAnomalies:
            return await detect_anomalies(
                run,
                "backtest",
                record_id="backtest",
                history=self,
                store=self,
                codebase=self._codebase,
                limits=self._settings.detect,
                expected_ms=self._settings.expected_ms,
                detect_of=self._settings.detect_of,
                detect_of_source=self._settings.detect_of_source,
            )

        outcome = await perform(ANOMALY, "backtest", _ignore, play)
        if outcome.error is not None:
            raise BacktestError(f"{type(outcome.error).__name__}: {outcome.error}") from outcome.error

    async def load_telemetry(self, _record_id: str) -> TelemetryHistory:
        open_ids = frozenset(name for name, each in self.incidents.items() if each.is_open)
        piece = self._piece
        return TelemetryHistory(
            self._step, self._baseline, open_ids, shown=piece.shown, told_by=piece.told_by
        )

    async def store_anomalies(
        self, anomalies: tuple[AnyAnomaly, ...], baseline: Baseline, _given: Given
    ) -> str:
        at_ms, piece = baseline.judged_until_ms, self._piece
        moment = replace(moment_of(self._settings, piece.told_by, at_ms, at_ms), lossy=piece.lossy)
        changes = follow(self.incidents, anomalies, moment)
        self.incidents |= {each.anomaly.id: each for each in (*changes.told, *changes.quiet)}
        self._baseline = baseline
        return "backtest"


def _ignore(_report: BeatReport) -> None:
    """The beats of a replay are not those of the daemon."""
