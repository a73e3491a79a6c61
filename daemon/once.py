"""`run --once`: read all there is, judge it, diagnose it, end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import anyio
import msgspec

from config.load import LoadedSettings
from config.settings import Settings
from daemon import keep_what_is_there
from daemon.checked import slow_patterns
from daemon.cycle import judge, open_store, read_to_end
from daemon.engine import Engine
from daemon.hang import end_if_it_hangs
from daemon.incident import Incident
from daemon.logs import configure_logging
from daemon.narrate import tell_beat
from daemon.telemetry_records import Source, Totals
from handlers.model import FixRecommendation

END_OF_TIME_MS: Final = 1 << 46
"""All windows end before it."""


class OnceReport(msgspec.Struct, frozen=True):
    """What was read, and what is open after it."""

    summary: Totals
    anomalies: list[Incident]
    recommendations: tuple[FixRecommendation, ...]
    problems: tuple[str, ...]
    sources: list[Source]
    watermarks_ms: dict[str, int]
    """Latest event time, by stream."""
    lossy_windows: int


def run_once(loaded: LoadedSettings, environ: Mapping[str, str]) -> OnceReport:
    """Reads all there is, judges and diagnoses it. Raises StoreError when the store cannot be used."""
    keep_what_is_there()
    configure_logging(loaded.settings.log, environ)
    return anyio.run(_once, loaded.settings)


async def _once(settings: Settings) -> OnceReport:
    with open_store(settings) as store:
        engine = Engine(settings, store, tell_beat)
        await engine.note_settings(())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end_if_it_hangs)
            problems = dict.fromkeys(await read_to_end(engine, at_end=True))
            tasks.cancel_scope.cancel()
        await judge(engine, END_OF_TIME_MS, tells=False)
        return OnceReport(
            summary=engine.telemetry.totals(),
            anomalies=[each for each in engine.anomalies.incidents() if each.is_open],
            recommendations=tuple(engine.anomalies.recommendations()),
            problems=(*problems, *slow_patterns(settings), *engine.codebase_problems),
            sources=engine.telemetry.sources(),
            watermarks_ms=engine.telemetry.watermarks_ms(),
            lossy_windows=engine.telemetry.lossy.count(),
        )
