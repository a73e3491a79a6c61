"""The store: whether it can be read and is whole, and what it says of the daemon's work."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Final

from config.settings import Settings
from daemon.cli.doctor.check import Check
from daemon.cli.reading import reading
from daemon.cli.state import State, state_of
from daemon.database import StoreError, StoreMissingError
from daemon.store import Store
from handlers.diagnosis.wording import count, size

_NEARLY_FULL: Final = 0.9
_LATE_S: Final = 300.0


def check_store(settings: Settings) -> Iterable[Check]:
    """Integrity, room, and how far the daemon is behind; the first alone where there is no store."""
    path = settings.store.path
    try:
        with Store.open_reader(path) as store:
            found = store.check_integrity()
    except StoreMissingError:
        if not os.access(next(each for each in path.absolute().parents if each.exists()), os.W_OK):
            yield Check("store", "failed", f"{path} cannot be made by this user", "set store.path")
        else:
            yield Check("store", "ok", f"{path} does not exist yet; the daemon makes it")
        return
    except StoreError as error:
        yield Check("store", "failed", str(error), "selfheald run says what it does about it")
        return
    if found != "ok":
        advice = "restart the daemon: it sets the file aside and builds a new one from the logs"
        yield Check("store", "failed", f"{path} is damaged: {found}", advice)
        return
    with reading(settings) as records:
        state = state_of(settings, records, time.time_ns() // 1_000_000)
    yield _room(state)
    yield from _work(state)


def _room(state: State) -> Check:
    used, most = state.store.size_bytes, state.store.max_bytes
    finding = f"{state.store.path} is whole, {size(used)} of at most {size(most)}"
    if used > most * _NEARLY_FULL:
        advice = "raise store.max_bytes or lower retention.windows_h: when it is full, reading pauses"
        return Check("store", "warning", finding, advice)
    return Check("store", "ok", finding)


def _work(state: State) -> Iterable[Check]:
    if state.daemon.state == "running":
        yield Check("daemon", "ok", f"runs as process {state.daemon.pid}")
    else:
        yield Check("daemon", "warning", "does not run on this store", "selfheald run, or start the service")
    read = state.read
    lag_s = read.lag_s or 0.0
    if state.daemon.state == "running" and lag_s > _LATE_S:
        finding = f"{size(read.unread_bytes or 0)} stand unread, the oldest for {lag_s:.0f} s"
        yield Check("lag", "warning", finding, "selfheald sources shows which file; journalctl says why")
    if read.ahead:
        finding = f"{count(read.ahead, 'event')} dated later than this machine's clock allows, and left out"
        yield Check("clock skew", "warning", finding, "set the clock of the machine that writes them")
    if read.bytes_lost:
        finding = f"{size(read.bytes_lost)} were gone before they could be read"
        yield Check(
            "loss", "warning", finding, "selfheald sources names the files; rotate by renaming, not copying"
        )
