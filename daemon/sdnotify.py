"""Tells the service manager how the daemon is, by the protocol of sd_notify(3); no library needed."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from daemon.logs import tell

_SEND_TIMEOUT_S = 1.0


def notify(state: str, environ: Mapping[str, str]) -> bool:
    """Sends `state` ("READY=1", "WATCHDOG=1", ...) to the socket named in NOTIFY_SOCKET.

    Returns True when it was sent. False when there is no service manager, or when it cannot be reached:
    that is logged, and the manager's own time limits deal with it.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.settimeout(_SEND_TIMEOUT_S)  # a full queue must not hold up the event loop
        try:
            channel.connect(address)
            channel.sendall(state.encode())
        except OSError as error:
            sentence = f"The service manager was not told {state}: {error}"
            tell("WARNING", "service-manager-unreachable", sentence, socket=address)
            return False
    return True


def watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    """Seconds within which "WATCHDOG=1" must arrive, again and again; None when nobody waits for it.

    Source: sd_watchdog_enabled(3), which advises to send it every half of this time.
    """
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # meant for the process that started this one
    interval_us = environ.get("WATCHDOG_USEC", "")
    return int(interval_us) / 1e6 if interval_us.isdecimal() and int(interval_us) > 0 else None
