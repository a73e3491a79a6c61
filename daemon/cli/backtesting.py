"""Judges the stored history under the settings of a file, for `check-config --backtest`."""

from __future__ import annotations

import anyio
import msgspec
from pydantic import ValidationError

from config.limits import takes_part
from config.load import Change, differences
from config.settings import Project, Settings
from daemon.backtest import Backtest, BacktestError, backtest
from daemon.cli.failure import CannotRunError, store_failures_told
from daemon.codebase.reader import codebase_reader
from daemon.settings_record import load_in_force, with_values
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.model import Codebase

BUDGET_S = 60.0


class FileBacktest(msgspec.Struct, frozen=True):
    changes: tuple[Change, ...]
    """What differs from the settings in force and takes part in verdicts."""
    found: Backtest | None
    """None where nothing does: then no history can tell a difference."""


def backtest_file(settings: Settings, newest_ms: int | None) -> FileBacktest:
    """`newest_ms`: only so much of the history; None: all of it. Raises CannotRunError."""
    with store_failures_told():
        old, new = _in_force(settings)
        changes = tuple(each for each in differences(old, new) if takes_part(each.key))
        if not changes:
            return FileBacktest((), None)
        try:
            found = anyio.run(_backtest, old, new, newest_ms)
        except BacktestError as error:
            raise CannotRunError(f"the stored history cannot be judged: {error}") from error
    return FileBacktest(changes, found)


def _in_force(settings: Settings) -> tuple[Settings, Settings]:
    """The settings in force, and those given, both for the windows that the store holds."""
    path = settings.store.path
    with Store.open_reader(path) as store, store.snapshot():
        record = load_in_force(store)
        window_ms = TelemetryRecords(store, settings.ingest.window_s * 1000).totals().window_ms
    if record is None:
        raise CannotRunError(f"{path}: no daemon has used it, so no settings are in force to compare with.")
    window_s = window_ms // 1000 or settings.ingest.window_s
    ingest = settings.ingest.model_copy(update={"window_s": window_s})
    new = settings.model_copy(update={"ingest": ingest})
    try:
        return with_values(new, record.values), new
    except ValidationError as error:
        raise CannotRunError(
            f"{path}: the settings in force are those of another version of selfheald; restart the daemon."
        ) from error


async def _backtest(old: Settings, new: Settings, newest_ms: int | None) -> Backtest:
    return await backtest(old, new, _codebase_of, budget_s=BUDGET_S, newest_ms=newest_ms)


async def _codebase_of(project: Project) -> Codebase:
    return await codebase_reader(project).load_codebase()
