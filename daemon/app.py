"""The life of the daemon: from opening the store to closing it, through signals and new settings."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version

import anyio

from config.load import Change, LoadedSettings
from config.settings import Settings
from daemon import keep_what_is_there
from daemon.beat_times import OwnBeats
from daemon.cycle import open_store
from daemon.database import StoreError
from daemon.engine import Engine
from daemon.health import Health
from daemon.logs import configure_logging, tell, tell_crash
from daemon.loops import Loops
from daemon.narrate import tell_beat, tell_standing
from daemon.reload import LiveSettings
from daemon.reload_gate import pass_gate
from daemon.sdnotify import notify
from daemon.signals import SIGNALS, release_signals
from handlers.stage import BeatReport


def run_daemon(loaded: LoadedSettings, environ: Mapping[str, str]) -> int:
    """Runs until SIGINT or SIGTERM; returns the exit code. Raises StoreError if the store is unusable."""
    keep_what_is_there()
    configure_logging(loaded.settings.log, environ)
    sys.excepthook = tell_crash
    return anyio.run(_Daemon(loaded, environ).run)


class _Daemon:
    def __init__(self, loaded: LoadedSettings, environ: Mapping[str, str]) -> None:
        self._live = LiveSettings(loaded, environ, self._gate)
        self._environ = environ
        self._path = loaded.path
        self._beats = OwnBeats()

    async def run(self) -> int:
        with open_store(self._live.settings) as store:
            self._engine = Engine(self._live.settings, store, self._hear_beat)
            self._loops = Loops(self._engine, lambda: self._live.settings)
            health = Health(self._engine, self._loops, self._live, self._beats, self._environ)
            await self._loops.open()
            self._tell_start()
            notify("READY=1", self._environ)
            try:
                async with anyio.create_task_group() as tasks:
                    self._loops.start(tasks)
                    health.start(tasks)
                    tasks.start_soon(self._follow_settings)
                    await self._signals()
                    tasks.cancel_scope.cancel()
            finally:
                notify("STOPPING=1", self._environ)
                with anyio.CancelScope(shield=True):
                    await self._loops.close()
                    self._engine.tail.close()
                    health.close()
            if self._loops.failure is not None:
                tell("CRITICAL", "stopped", f"stopped: {self._loops.failure}")
                return 1
            events = self._engine.telemetry.totals().events
            tell("INFO", "stopped", "stopped; everything read is stored", events=events)
            return 0

    def _tell_start(self) -> None:
        settings = self._live.settings
        directories = ", ".join(str(path) for path in settings.logs.directories)
        tell(
            "INFO",
            "started",
            f"selfheald {version('selfheald')} watches {directories}",
            settings=self._path or "defaults",
            store=settings.store.path,
        )
        tell_standing(self._engine.anomalies.incidents())

    def _hear_beat(self, report: BeatReport) -> None:
        is_steady = self._loops.caught_up and not self._engine.more_windows
        self._beats.hear(report, is_steady=is_steady)
        tell_beat(report)

    async def _signals(self) -> None:
        with anyio.open_signal_receiver(*SIGNALS) as received:
            release_signals()
            async for number in received:
                if number != signal.SIGHUP:
                    if self._loops.failure is None:  # else the signal is its own, and why follows
                        tell("INFO", "stopping", f"{signal.Signals(number).name}: stopping")
                    return
                tell("INFO", "reload-asked", "SIGHUP: reading the settings")
                self._live.ask()

    async def _follow_settings(self) -> None:
        await self._note_settings()
        async for settings in self._live.changes():
            if settings is not None:
                await self._adopt(settings)
            await self._note_settings()

    async def _note_settings(self) -> None:
        with suppress(StoreError):  # the reader tells it; commands say what was noted last
            await self._engine.note_settings(self._live.rejected)

    async def _gate(self, old: Settings, new: Settings, changes: Sequence[Change]) -> tuple[str, ...]:
        return await pass_gate(old, new, changes, self._engine.judge.codebase_of)

    async def _adopt(self, settings: Settings) -> None:
        before = self._engine.settings
        if settings.log != before.log:
            self._reopen_log(settings)
        await self._loops.adopt(before)

    def _reopen_log(self, settings: Settings) -> None:
        try:
            configure_logging(settings.log, self._environ)
        except OSError as error:
            tell("ERROR", "log-unusable", f"{settings.log.file}: {error.strerror}; logging goes on as before")
