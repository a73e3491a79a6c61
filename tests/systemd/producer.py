"""A program that logs: 200 JSON lines a second to /srv/live/app.log, until SIGTERM.

SIGUSR1 renames its log and begins a new one, SIGUSR2 copies and truncates it. At its end it leaves in
/srv/written how many lines it wrote. Run by any Python, so it uses nothing but the standard library.
"""

import json
import shutil
import signal
import time
from pathlib import Path

LOG = Path("/srv/live/app.log")
LINES = 20
PIECE_S = 0.1

asked: list[int] = []
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
    signal.signal(number, lambda each, _frame: asked.append(each))
written = rotations = 0
while signal.SIGTERM not in asked:
    with LOG.open("a") as log:
        for _ in range(LINES):
            written += 1
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            log.write(
                json.dumps({"timestamp": at, "event": "order:check", "duration": 5 + written % 3}) + "\n"
            )
    if asked:
        rotations += 1
        rotated = LOG.with_name(f"app.log.{rotations}")
        if asked.pop(0) == signal.SIGUSR1:
            LOG.rename(rotated)
        else:
            shutil.copyfile(LOG, rotated)
            with LOG.open("r+b") as log:
                log.truncate()
    time.sleep(PIECE_S)
Path("/srv/written").write_text(str(written))
