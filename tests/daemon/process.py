"""A real daemon process over a temporary directory, and how tests wait for what it does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from daemon.anomaly_records import AnomalyRecords
from daemon.database import StoreError
from daemon.incident import Incident
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords, Totals

BOUND_S: Final = 300.0
"""For whatever a test waits: a hang is seen too late by it, a busy machine is taken for one without it."""
PYTHONPATH: Final = str(Path(__file__).parents[2])
FAULTY: Final = f"{Path(__file__).with_name('faults')}:{PYTHONPATH}"
"""PYTHONPATH of a process with the faults that its FAULT_ variables name."""
WINDOW_MS: Final = 10_000
_MAIN: Final = "from daemon.cli import main; sys.argv = ['selfheald', 'run']; sys.exit(main())"


class DaemonProcess:
    """`selfheald run` in a folder of its own; what it logs goes to `daemon.log` there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / ".logs"
        self.store_path = folder / ".selfheald" / "store.db"
        self.config = folder / "selfheald.yaml"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, prelude: str = "", log_to: Path | None = None, **variables: str) -> None:
        """`prelude`: Python that runs in the process before the daemon does."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("SELFHEALD_")}
        with (log_to or self.folder / "daemon.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"import sys\n{prelude}\n{_MAIN}"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stderr=log,
                stdout=log,
                env={**environ, "PYTHONPATH": PYTHONPATH, **variables},
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit code."""
        assert self._process is not None
        code = self._process.wait(BOUND_S)
        self._process = None
        return code

    def has_ended(self) -> bool:
        assert self._process is not None
        return self._process.poll() is not None

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def said(self) -> str:
        path = self.folder / "daemon.log"
        return path.read_text() if path.exists() else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()

    @contextmanager
    def reading(self) -> Iterator[tuple[TelemetryRecords, AnomalyRecords]]:
        """The records as any reader sees them."""
        with Store.open_reader(self.store_path) as store, store.snapshot():
            telemetry = TelemetryRecords(store, WINDOW_MS)
            yield telemetry, AnomalyRecords(store, telemetry)

    def totals(self) -> Totals:
        """Zeros while there is no store yet."""
        try:
            with self.reading() as (telemetry, _):
                return telemetry.totals()
        except StoreError:
            return Totals()

    def anomalies(self) -> list[Incident]:
        try:
            with self.reading() as (_, anomalies):
                return anomalies.incidents()
        except StoreError:
            return []

    def until(self, what: str, condition: Callable[[], bool], bound_s: float = BOUND_S) -> None:
        """Polls until the condition holds; fails with the daemon's log when it does not in time."""
        deadline = time.monotonic() + bound_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {bound_s:g} s: {what}\n{self.said()}"
            time.sleep(0.02)
