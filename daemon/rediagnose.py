"""The diagnosis of what is stored, made anew from the checkout as it is now, and kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from config.settings import Settings
from daemon.anomaly_records import AnomalyRecords
from daemon.codebase.reader import codebase_reader
from daemon.pasts import PastReader
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from daemon.tiers import Tiers
from handlers.anomaly.baseline import Baseline
from handlers.diagnosis.added_time import usual_times_ms
from handlers.diagnosis.latest_windows import latest
from handlers.diagnosis.sequence import DIAGNOSIS, diagnose
from handlers.model import AnyAnomaly, FixRecommendation, Past, TelemetryMetrics
from handlers.stage import BeatReport, Performance, perform

WINDOWS: Final = 360
"""The last ones that were judged; a diagnosis looks at no more of them."""


class Stored(msgspec.Struct, frozen=True):
    """All that a diagnosis needs of the store."""

    anomalies: tuple[AnyAnomaly, ...]
    pasts: Mapping[str, Past]
    metrics: TelemetryMetrics
    baseline: Baseline


class Rediagnosed(msgspec.Struct, frozen=True):
    recommendations: tuple[FixRecommendation, ...]
    problems: tuple[str, ...]
    """What could not be read of the watched project."""


def read_stored(
    settings: Settings,
    store: Store,
    telemetry: TelemetryRecords,
    records: AnomalyRecords,
    wanted: frozenset[str],
) -> Stored:
    """Everything that is open, and `wanted`: causes that several have in common need all of them.

    Call inside of a snapshot.
    """
    window_ms = settings.ingest.window_s * 1000
    anomalies = tuple(
        each.anomaly for each in records.incidents() if each.is_open or each.anomaly.id in wanted
    )
    judged_until_ms = telemetry.totals().judged_until_ms
    return Stored(
        anomalies=anomalies,
        pasts=PastReader(telemetry, Tiers(store, telemetry, window_ms), window_ms, settings.objectives).load(
            anomalies
        ),
        metrics=_latest_windows(telemetry, judged_until_ms, window_ms),
        baseline=records.baselines.load(),
    )


def _latest_windows(telemetry: TelemetryRecords, until_ms: int, window_ms: int) -> TelemetryMetrics:
    """The windows judged last, which come piece by piece, the oldest first."""
    windows = TelemetryMetrics(window_ms, {})
    first_ms = until_ms - WINDOWS * window_ms
    while (piece := telemetry.windows(first_ms, until_ms, WINDOWS)).windows:
        windows = latest(windows, piece)
        first_ms = max(piece.windows) + window_ms
    return windows


async def rediagnose(settings: Settings, stored: Stored) -> Rediagnosed:
    """Plays the diagnosis; raises what made a beat fail."""
    codebase = codebase_reader(settings.project)
    ports = _Ports(stored)

    async def play(run: Performance) -> object:
        return await diagnose(
            run,
            "diagnose",
            "diagnose",
            anomaly_port=ports,
            codebase_port=codebase,
            diagnosis_port=ports,
            metrics=stored.metrics,
            usual_ms=usual_times_ms(stored.baseline),
        )

    outcome = await perform(DIAGNOSIS, "diagnose", _ignore, play)
    if outcome.error is not None:
        raise outcome.error
    return Rediagnosed(ports.recommendations, (await codebase.load_codebase()).problems)


def _ignore(_report: BeatReport) -> None:
    """It is over before anyone could follow its beats."""


class _Ports:
    """Of anomalies and results, in memory."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self.recommendations: tuple[FixRecommendation, ...] = ()

    async def load_anomalies(self, _record_id: str) -> tuple[AnyAnomaly, ...]:
        return self._stored.anomalies

    async def load_pasts(self, _anomalies: tuple[AnyAnomaly, ...]) -> Mapping[str, Past]:
        return self._stored.pasts

    async def store_diagnosis(self, recommendations: tuple[FixRecommendation, ...]) -> str:
        self.recommendations = recommendations
        return "diagnose"
