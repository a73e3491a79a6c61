"""Log files that a running daemon follows, and what it must have counted: every numbered line once."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from pathlib import Path

from tests.daemon.process import BOUND_S, DaemonProcess
from tests.daemon.stored_windows import stored_windows

LINES_START_S = 1_795_363_000
FAST = """\
detect: {interval_s: 3600}
ingest: {commit_interval_ms: 20}
logs: {hot_poll_ms: 10, rescan_s: 0.2, max_line_bytes: 65536}
retention: {windows_h: 87600}
"""
"""Settings under which a test waits as little as possible, and its windows, however old, stay windows."""


class World:
    """Writes lines that occur once, whose durations are their numbers, and compares them with the store."""

    def __init__(self, service: DaemonProcess, settings: str = FAST) -> None:
        self.service = service
        self.logs = service.logs
        self.log = service.logs / "app.log"
        self.number = 99
        """Of the last line; all lines up to 999 are of the same length."""
        self._written: Counter[str] = Counter()
        service.config.write_text(settings)

    def lines(self, count: int = 3, event: str = "e", end: str = "\n") -> bytes:
        """The next numbered lines: each is expected to be counted from now on."""
        text = ""
        for _ in range(count):
            self.number += 1
            line = {
                "timestamp": LINES_START_S + self.number % 3600,
                "event": event,
                "handler": "H.h",
                "duration": self.number,
            }
            text += json.dumps(line) + end
            self._written[event] += 1
            self._written[event + " ms"] += self.number
        return text.encode()

    def append(self, path: Path | None = None, count: int = 3, event: str = "e") -> None:
        with (path or self.log).open("ab") as file:
            file.write(self.lines(count, event))

    def counted(self) -> Counter[str]:
        """Executions and the sum of the line numbers, by event, as any reader sees them in the store."""
        found: Counter[str] = Counter()
        if not self.service.store_path.exists():
            return found
        with self.service.reading() as (telemetry, _):
            for window in stored_windows(telemetry).windows.values():
                for (_, event), beat in window.beats.items():
                    found[event] += beat.completed
                    found[event + " ms"] += beat.total_us // 1000
        return found

    def start(self, **variables: str) -> None:
        """`variables`: settings."""
        before = self.service.said().count(" watches ")
        self.service.start(prelude="", log_to=None, **variables)
        self.service.until("it watches", lambda: self.service.said().count(" watches ") > before)

    def until_read(self) -> None:
        self.service.until(
            f"{self._written} is counted, not {self.counted()}",
            lambda: self.counted() == self._written,
        )

    def end(self) -> None:
        """Waits until all is read, and once more, so that what is counted twice is seen; ends the daemon."""
        self.until_read()
        for _ in range(2):
            # A look reads all that there is before it reads this file, whose name comes last.
            self.append(self.logs / "~last.log", 1, event="last")
            self.until_read()
        self.service.kill()
        assert self.counted() == self._written

    def until_not_hot(self) -> None:
        """Until the daemon, some seconds after the last write, waits for events and looks at nothing."""
        before = -100
        deadline = time.monotonic() + BOUND_S
        while (now := self.status("voluntary_ctxt_switches")) - before > 10:
            before = now
            assert time.monotonic() < deadline, "it never gets quiet"
            time.sleep(0.5)  # the time in which it is measured: 50 looks while it is hot

    def rotate(self) -> None:
        """As logrotate does: app.log.1 to app.log.2, app.log to app.log.1."""
        for number in (2, 1):
            if (older := self.numbered(number)).exists():
                older.rename(self.numbered(number + 1))
        self.log.rename(self.numbered(1))

    def copytruncate(self) -> None:
        for number in (2, 1):
            if (older := self.numbered(number)).exists():
                older.rename(self.numbered(number + 1))
        shutil.copy(self.log, self.numbered(1))
        os.truncate(self.log, 0)

    def numbered(self, number: int) -> Path:
        return self.log.with_name(f"app.log.{number}")

    def status(self, name: str) -> int:
        """A figure of /proc/pid/status, such as VmHWM (in KiB)."""
        status = Path(f"/proc/{self.service.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name + ":"))

    def open_files(self) -> list[str]:
        """What the daemon holds open."""
        folder = Path(f"/proc/{self.service.pid}/fd")
        targets = []
        for link in folder.iterdir():
            try:
                targets.append(str(link.readlink()))
            except OSError:
                continue  # closed meanwhile
        return targets
