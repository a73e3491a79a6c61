"""Progress of long reads: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from daemon.logs import tell

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from handlers.telemetry.sequence import ParsedTelemetry

WORTH_BYTES: Final = 64 * 1024 * 1024
"""Less than this is read before anyone wonders."""
LINE_EVERY_S: Final = 10.0


class ReadProgress:
    """Follows one catch-up; call `done` at its end."""

    def __init__(self, worth_bytes: int = WORTH_BYTES) -> None:
        """`worth_bytes`: nothing is said of a catch-up that is smaller."""
        self._worth_bytes = worth_bytes
        self._read_bytes = 0
        self._began = self._said = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def batch(self, parsed: ParsedTelemetry) -> None:
        """Takes note of one batch."""
        self.advance(parsed.bytes, parsed.lag_bytes)

    def advance(self, read_bytes: int, lag_bytes: int) -> None:
        """Takes note of so many bytes more, and of how many are still to be read."""
        self._read_bytes += read_bytes
        total = self._read_bytes + lag_bytes
        if self._bar is None and total < self._worth_bytes:
            return
        if sys.stderr.isatty():
            self._draw(total)
        elif time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            tell("INFO", "catching-up", self._sentence(total))

    def done(self) -> None:
        """Ends the bar, and says what was read if it was much."""
        if self._bar is not None:
            self._bar.stop()
        if self._read_bytes >= self._worth_bytes:
            tell("INFO", "caught-up", f"read to the end: {self._sentence(self._read_bytes)}")

    def _sentence(self, total: int) -> str:
        seconds = max(time.monotonic() - self._began, 1e-3)
        share = self._read_bytes / max(total, 1)
        rate = self._read_bytes / 1e6 / seconds
        return f"{share:.0%} of {total / 1e6:,.0f} MB in {seconds:.0f} s, {rate:,.0f} MB/s"

    def _draw(self, total: int) -> None:
        try:
            from rich.console import Console
            from rich.progress import DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn
        except ModuleNotFoundError:
            return  # installed without the command line's extra
        if self._bar is None:
            columns = ("reading {task.percentage:>3.0f}%", DownloadColumn(), TransferSpeedColumn())
            self._bar = Progress(
                *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
            )
            self._task = self._bar.add_task("reading")
            self._bar.start()
        if self._task is not None:
            self._bar.update(self._task, completed=self._read_bytes, total=total)
