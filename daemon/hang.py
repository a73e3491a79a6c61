"""Ends a process that hangs in a way that nothing in it can end: in a search of `re`, no other thread runs.

Under systemd the watchdog does that. Elsewhere the kernel has to: when processor time passes without a sign
of life, so that a process which is stopped or starved is let alone.
"""

from __future__ import annotations

import faulthandler
import signal
from typing import Final

import anyio

HANG_CPU_S: Final = 60.0
SIGN_EVERY_S: Final = 5.0


async def end_if_it_hangs() -> None:
    """Gives signs of life for as long as it runs. Without one the process dies of SIGVTALRM, and standard
    error has what each of its threads was doing."""
    faulthandler.register(signal.SIGVTALRM, file=2, chain=True)
    try:
        while True:
            signal.setitimer(signal.ITIMER_VIRTUAL, HANG_CPU_S)
            await anyio.sleep(SIGN_EVERY_S)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        faulthandler.unregister(signal.SIGVTALRM)
