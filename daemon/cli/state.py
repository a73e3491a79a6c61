"""The state of the daemon and its store, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from config.settings import Settings
from daemon.baseline_list import list_baselines
from daemon.cli.ledger import LedgerLine, ledger_of
from daemon.cli.reading import Records
from daemon.cli.writer import Writer, writer_of
from daemon.incident import IncidentState
from daemon.lag import Lag, lag_of_all
from daemon.settings_record import load_in_force
from handlers.model import SEVERITIES, Severity


class StoreSize(msgspec.Struct, frozen=True):
    path: str
    size_bytes: int
    max_bytes: int


class ReadSoFar(msgspec.Struct, frozen=True):
    """What was read since the store was begun."""

    files: int
    """Files that are there now."""
    gone: int
    """Files that were read and are gone."""
    lines: int
    matched: int
    """Lines that are understood, whether they make an event or not."""
    unmatched: int
    """All other lines; nothing is wrong with them."""
    events: int
    unreadable: int
    undecodable: int
    late: int
    ahead: int
    untimed: int
    bytes_lost: int
    unread_bytes: int | None
    """What stands in the known files and is not read yet; None if one cannot be looked at."""
    lag_s: float | None
    """At most so old is the oldest byte of it (see `daemon.lag`); 0 if all is read, None if not known."""
    lossy_windows: int
    """Windows in which lines were lost: they count for no verdict."""


class Learned(msgspec.Struct, frozen=True):
    """Of one kind of subject: how many were seen, and of how many enough is known to judge them."""

    seen: int
    learned: int


class Learning(msgspec.Struct, frozen=True):
    """How far the baselines are. Nothing is said about what is still learned."""

    handlers: Learned
    sequences: Learned
    min_samples: int
    """Healthy executions or runs that are enough."""
    pinned: int
    """Baselines that an operator froze."""
    set: int
    """Handlers whose expected figure stands in the settings."""


class State(msgspec.Struct, frozen=True):
    daemon: Writer
    store: StoreSize
    read: ReadSoFar
    watermark_ms: int
    """Latest event time; 0 if there was no event yet."""
    judged_until_ms: int
    """End of the windows that were judged; 0 if there was none yet."""
    open: dict[Severity, int]
    """Open anomalies, those included that somebody acknowledged or silenced."""
    known: dict[IncidentState, int]
    """How many of them are acknowledged, and how many silenced."""
    learning: Learning
    rejected: tuple[str, ...]
    """Why the settings files are not in force, if they are not: those from before are."""


def state_of(settings: Settings, records: Records, now_ms: int) -> State:
    totals = records.telemetry.totals()
    ledger = ledger_of(records.telemetry.sources(), records.telemetry.watermarks_ms(), now_ms)
    anomalies = records.anomalies.incidents()
    opened = Counter(stored.anomaly.severity for stored in anomalies if stored.is_open)
    states = Counter(stored.state for stored in anomalies)
    present = [line for line in ledger if line.state != "gone"]
    return State(
        daemon=writer_of(records.store.path),
        store=StoreSize(
            str(records.store.path.absolute()), records.store.size_bytes, settings.store.max_bytes
        ),
        read=ReadSoFar(
            files=len(present),
            gone=len(ledger) - len(present),
            lines=totals.lines,
            matched=totals.matched,
            unmatched=totals.lines - totals.matched,
            events=totals.events,
            unreadable=totals.unreadable,
            undecodable=totals.undecodable,
            late=totals.late,
            ahead=totals.ahead,
            untimed=totals.untimed,
            bytes_lost=sum(line.bytes_lost for line in ledger),
            unread_bytes=_unread_bytes(present),
            lag_s=lag_of_all(Lag(line.unread_bytes or 0, line.lag_s) for line in present).seconds,
            lossy_windows=records.telemetry.lossy.count(),
        ),
        watermark_ms=totals.watermark_ms,
        judged_until_ms=totals.judged_until_ms,
        open={severity: opened[severity] for severity in reversed(SEVERITIES)},
        known={state: states[state] for state in ("acknowledged", "silenced")},
        learning=_learning(settings, records),
        rejected=in_force.rejected if (in_force := load_in_force(records.store)) else (),
    )


def _learning(settings: Settings, records: Records) -> Learning:
    min_samples = settings.detect.min_samples
    known = list_baselines(records.anomalies.baselines.load(), min_samples, settings.expected_ms)
    seen = Counter(each.kind for each in known)
    learned = Counter(each.kind for each in known if each.samples >= min_samples)
    return Learning(
        handlers=Learned(seen["handler"], learned["handler"]),
        sequences=Learned(seen["sequence"], learned["sequence"]),
        min_samples=min_samples,
        pinned=sum(bool(each.pinned) for each in known),
        set=sum(each.expected_from == "settings" for each in known),
    )


def _unread_bytes(ledger: Sequence[LedgerLine]) -> int | None:
    total = 0
    for line in ledger:
        if line.unread_bytes is None:
            return None
        total += line.unread_bytes
    return total
