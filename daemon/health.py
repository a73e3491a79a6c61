"""How the daemon is: told to the service manager, to Prometheus and to its own log."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from typing import Final

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from daemon.beat_times import OwnBeats
from daemon.database import StoreError, StoreMovedError
from daemon.engine import Engine
from daemon.hang import end_if_it_hangs
from daemon.logs import tell, tell_repeats
from daemon.loops import Loops
from daemon.reload import LiveSettings
from daemon.sdnotify import notify, watchdog_interval_s
from daemon.self_metrics import Figures
from daemon.self_report import SelfReport
from daemon.self_watch import SelfWatch
from daemon.status_line import StatusLine

STATUS_EVERY_S: Final = 10.0


class Health:
    """Loops: signs of life, the watchdog's with the status line, that of the metrics, and self-diagnosis."""

    def __init__(
        self, engine: Engine, loops: Loops, live: LiveSettings, beats: OwnBeats, environ: Mapping[str, str]
    ) -> None:
        self._engine = engine
        self._loops = loops
        self._live = live
        self._beats = beats
        self._environ = environ
        self._report = SelfReport()
        self._started_s = time.time()
        self._self_watch = SelfWatch(engine, loops, beats, lambda: live.rejected)

    def start(self, tasks: TaskGroup) -> None:
        tasks.start_soon(end_if_it_hangs)
        tasks.start_soon(self._ping)
        tasks.start_soon(self._publish)
        tasks.start_soon(self._self_watch.run)

    def close(self) -> None:
        self._report.close()

    async def _ping(self) -> None:
        """Feeds the service manager's watchdog while all is alive, and tells it the state in a line."""
        interval_s = watchdog_interval_s(self._environ)
        told: list[str] = []
        status, line = "starting", StatusLine()
        while True:
            tell_repeats()
            troubles = [each for part in self._loops.troubles().values() for each in part]
            if troubles != told:
                for trouble in troubles:
                    tell("ERROR", "not-alive", f"{trouble}; the watchdog is not fed until it is")
                told = troubles
            try:
                await self._engine.check_store()
                status = line.text(await self._engine.status(), caught_up=self._loops.caught_up)
                if self._live.rejected:
                    status += f", settings from before: {self._live.rejected[0]}"
            except StoreMovedError as error:  # of a quiet log nobody else would notice it
                self._loops.stop(error)
                return
            except StoreError:
                pass  # the reader and the detection tell it, and stop if they must
            notify(("" if troubles else "WATCHDOG=1\n") + f"STATUS={status}", self._environ)
            await anyio.sleep(min(interval_s / 2 if interval_s else STATUS_EVERY_S, STATUS_EVERY_S))

    async def _publish(self) -> None:
        """Renews the metrics, where the settings want any."""
        while True:
            metrics = self._live.settings.metrics
            self._report.follow(metrics)
            if metrics.file is not None or metrics.port is not None:
                with suppress(StoreError):  # the reader and the detection tell it; the figures grow old
                    figures = Figures(
                        version=version("selfheald"),
                        started_s=self._started_s,
                        stored=await self._engine.stored_figures(),
                        store_max_bytes=self._live.settings.store.max_bytes,
                        beats=self._beats.by_handler,
                        alive={name: not troubles for name, troubles in self._loops.troubles().items()},
                        settings_valid=not self._live.rejected,
                    )
                    await anyio.to_thread.run_sync(self._report.publish, metrics, figures)
            await anyio.sleep(metrics.interval_s)
