"""The machine: clock, disk and service manager."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Final

from daemon.cli.doctor.check import Check
from handlers.diagnosis.wording import count
from handlers.speedups import are_built

UNIT: Final = "selfheald.service"
_TIME_ERROR: Final = 5
_ADJTIMEX_BYTES: Final = 512
"""More than struct timex has on any architecture."""
_LOW_SHARE: Final = 0.05


def check_speedups() -> Check:
    """Whether the loops in C were built when selfheald was installed."""
    if are_built():
        return Check("speed", "ok", "the loops over the bytes of logs run in C")
    advice = (
        "install gcc and the headers of Python (python3-dev), then selfheald again: pip install "
        "--force-reinstall --no-deps in its checkout; it works without them too"
    )
    finding = "the loops over the bytes of logs run in Python: reading is slower"
    return Check("speed", "warning", finding, advice)


def check_clock() -> Check:
    """Whether the kernel says that its clock is synchronised: adjtimex(2) without a change."""
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_ADJTIMEX_BYTES))
    except (OSError, AttributeError):
        state = -1
    if state < 0:
        return Check("clock", "unknown", "the kernel does not say whether it is synchronised")
    if state == _TIME_ERROR:
        advice = "timedatectl set-ntp true; events of other machines may be dated ahead and left out"
        return Check("clock", "warning", "is not synchronised", advice)
    return Check("clock", "ok", "is synchronised")


def check_disk(store: Path) -> Check:
    """Room on the file system of the store, or of the folder where it will be made."""
    place = next((each for each in (store, *store.absolute().parents) if each.exists()), Path("/"))
    usage = shutil.disk_usage(place)
    finding = f"{usage.free / 2**30:.1f} of {usage.total / 2**30:.1f} GiB free at {place}"
    if usage.free < usage.total * _LOW_SHARE:
        return Check("disk", "warning", finding, "make room: on a full disk reading pauses, nothing is lost")
    return Check("disk", "ok", finding)


def check_unit() -> Check:
    """How the service manager sees the service."""
    try:
        shown = subprocess.run(  # noqa: S603 (a fixed command)
            ["systemctl", "show", UNIT, "--property=LoadState,ActiveState,SubState,Result,NRestarts"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return Check("unit", "unknown", "systemctl cannot be asked")
    state = dict(line.partition("=")[::2] for line in shown.stdout.splitlines())
    if shown.returncode or "LoadState" not in state:
        return Check("unit", "unknown", "no systemd answers here")
    if state["LoadState"] != "loaded":
        return Check("unit", "ok", f"{UNIT} is not installed")
    restarts = int(state.get("NRestarts") or 0)
    finding = f"{state['ActiveState']} ({state['SubState']}), {count(restarts, 'restart')}"
    if state["ActiveState"] == "failed":
        advice = f"journalctl -u {UNIT} -n 50, then systemctl reset-failed {UNIT} and systemctl start {UNIT}"
        return Check("unit", "failed", f"{finding}, because of: {state['Result']}", advice)
    if restarts:
        return Check("unit", "warning", finding, f"journalctl -u {UNIT} -p err says why it was restarted")
    return Check("unit", "ok", finding)
