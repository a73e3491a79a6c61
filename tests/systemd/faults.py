"""Loaded by each Python of the installed environment, by a .pth file: a clock that steps, a loop that hangs.

/srv/step_s holds by how many seconds the clock is wrong: that of the machine cannot be set for one service.
SIGUSR2 makes the main thread stand still.
"""

import contextlib
import signal
import time

_time_ns = time.time_ns


def stepped_ns() -> int:
    with contextlib.suppress(OSError, ValueError), open("/srv/step_s") as file:  # noqa: PTH123
        return _time_ns() + int(file.read()) * 10**9
    return _time_ns()


time.time_ns = stepped_ns
time.time = lambda: stepped_ns() / 1e9
signal.signal(signal.SIGUSR2, lambda *_: time.sleep(3600))
