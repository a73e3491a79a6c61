"""Facts about the daemon that need no learning: each one that holds is a trouble, with cause and advice."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from handlers.diagnosis.wording import count, span, utc
from handlers.model import SelfAnomaly
from handlers.self_check.trouble import trouble
from handlers.self_check.vitals import Vitals

CLOCK_STEP_MS: Final = 2_000
"""What sets a clock right without a step (adjtime(3)) moves it by less than 0.1 s between two looks."""
SLOW_COMMIT_MS: Final = 1_000
"""A commit is one write and one fsync, which take milliseconds; every line waits for it."""
COMMITS: Final = 10
LAG_GROWS_S: Final = 300.0
"""The lag must have grown for so long: a burst is over by then, or is being caught up with."""
LAG_STEPS: Final = 5
LAG_AGE_S: Final = 60.0
RHYTHM_MS: Final = 24 * 3_600_000
"""A log is known for as long before its silence says something."""
SILENT_GAPS: Final = 5
"""A log is silent when it rests so many times as long as ever before: the night of a log that rests at night,
and the weekend of one that was known for a weekday, are no silence."""
SILENT_MS: Final = 600_000
STORE_FULL_SHARE: Final = 0.05


def judge_vitals(vitals: Vitals) -> tuple[SelfAnomaly, ...]:
    """All troubles that hold now, in a stable order."""
    return (
        *_died(vitals),
        *_dead(vitals),
        *_clock(vitals),
        *_disk(vitals),
        *_lag(vitals),
        *_silent(vitals),
        *_store(vitals),
        *_settings(vitals),
    )


def _died(vitals: Vitals) -> Iterator[SelfAnomaly]:
    if vitals.died:
        yield trouble(
            "died",
            "daemon",
            "high",
            vitals.now_ms,
            description="selfheald died and was started again",
            cause="it was killed (by the watchdog, by hand, for want of memory), or it crashed",
            harm="nothing was watched until the start; what was written meanwhile is read now",
            advice="see how it ended (journalctl -u selfheald -p warning, journalctl -k); if it dies again, "
            "please report what the log says",
        )


def _dead(vitals: Vitals) -> Iterator[SelfAnomaly]:
    for component, reasons in sorted(vitals.dead.items()):
        if reasons:
            yield trouble(
                "not-alive",
                component,
                "critical",
                vitals.now_ms,
                description=f"the {component} of selfheald does not work: {reasons[0]}",
                cause="; ".join(reasons),
                harm="what depends on it waits, or is noticed late",
                advice="restart it (systemctl restart selfheald); systemd's watchdog does that by itself",
            )


def _clock(vitals: Vitals) -> Iterator[SelfAnomaly]:
    step_ms = vitals.clock_step_ms
    if abs(step_ms) >= CLOCK_STEP_MS:
        way = "forwards" if step_ms > 0 else "backwards"
        yield trouble(
            "clock-step",
            "clock",
            "medium",
            vitals.now_ms,
            description=f"the clock of this machine was set {way} by {span(abs(step_ms))}",
            cause="somebody, or a time service, set the clock while the daemon ran",
            harm="events around it may be dated wrongly, taken for late ones or left out as of the future",
            advice="have the time kept without steps (chrony, systemd-timesyncd), and do not rely on what "
            "was dated about then",
            actual=abs(step_ms) / 1000,
            limit=CLOCK_STEP_MS / 1000,
            unit="s",
        )


def _disk(vitals: Vitals) -> Iterator[SelfAnomaly]:
    if len(vitals.commits_ms) < COMMITS:
        return
    median_ms = statistics.median(vitals.commits_ms)
    if median_ms >= SLOW_COMMIT_MS:
        yield trouble(
            "slow-disk",
            "store",
            "high",
            vitals.now_ms,
            description=f"a commit to the store takes {span(median_ms)} (median of {len(vitals.commits_ms)})",
            cause="the disk under store.path is slow or busy: a commit waits for it",
            harm="every line is known later by as much, and a burst makes the lag grow",
            advice="see what keeps the disk busy (iostat -x, journalctl -k), or move store.path elsewhere",
            actual=median_ms / 1000,
            limit=SLOW_COMMIT_MS / 1000,
            unit="s",
        )


def _lag(vitals: Vitals) -> Iterator[SelfAnomaly]:
    """The lag was larger at each of several looks than at the one before."""
    points = vitals.lag
    if not points or points[-1].at_s - points[0].at_s < LAG_GROWS_S:
        return
    last = points[-1]
    looks = [points[(len(points) - 1) * step // LAG_STEPS] for step in range(LAG_STEPS + 1)]
    grows = all(one.bytes < next_.bytes for one, next_ in pairwise(looks))
    if grows and (last.age_s is None or last.age_s >= LAG_AGE_S):
        old = "" if last.age_s is None else f", at most {span(last.age_s * 1000)} old"
        yield trouble(
            "lag-grows",
            "reader",
            "high",
            vitals.now_ms,
            description=f"{last.bytes:,} bytes stand unread{old}, and they get more",
            cause="more is written than is read",
            harm="verdicts come late, and what is deleted before it is read is lost",
            advice="leave out what is no telemetry (logs.include, logs.exclude), or give the daemon more of "
            "the processor; selfheald sources shows which files are behind",
            actual=float(last.bytes),
            limit=float(points[0].bytes),
            unit="bytes",
        )


def _silent(vitals: Vitals) -> Iterator[SelfAnomaly]:
    for name, rhythm in sorted(vitals.rhythms.items()):
        quiet_ms = vitals.now_ms - rhythm.last_ms
        limit_ms = max(SILENT_MS, SILENT_GAPS * rhythm.longest_gap_ms)
        if rhythm.last_ms - rhythm.first_ms >= RHYTHM_MS and quiet_ms > limit_ms:
            yield trouble(
                "source-silent",
                name,
                "medium",
                rhythm.last_ms + limit_ms,  # who resolves it has seen it: it does not come back by itself
                description=f"{name} has been silent for {span(quiet_ms)}, since {utc(rhythm.last_ms)}; it "
                f"never rested for more than {span(rhythm.longest_gap_ms)} before",
                cause="what writes it has stopped, or writes elsewhere, or its lines can no longer be read",
                harm="nothing is known of what it tells about",
                advice="see whether its writer runs and where it writes to; selfheald sources says whether "
                "the file can be read",
                actual=quiet_ms / 1000,
                limit=limit_ms / 1000,
                unit="s",
            )


def _store(vitals: Vitals) -> Iterator[SelfAnomaly]:
    room_bytes, limit_bytes = vitals.store_room_bytes, vitals.store_max_bytes * STORE_FULL_SHARE
    if room_bytes is not None and room_bytes < limit_bytes:
        yield trouble(
            "store-full",
            "store.path",
            "medium",
            vitals.now_ms,
            description=f"the store has room for {room_bytes:,} bytes more",
            cause="store.max_bytes is nearly reached, or the disk is nearly full",
            harm="history is rolled up before its time; without any room reading pauses",
            advice="free disk space, raise store.max_bytes, or keep less (retention.windows_h)",
            actual=float(room_bytes),
            limit=limit_bytes,
            unit="bytes",
        )


def _settings(vitals: Vitals) -> Iterator[SelfAnomaly]:
    if vitals.rejected:
        yield trouble(
            "settings-rejected",
            "settings",
            "medium",
            vitals.now_ms,
            description=f"the saved settings are not in force: {vitals.rejected[0]}",
            cause=f"{count(len(vitals.rejected), 'value')} of them cannot be: {'; '.join(vitals.rejected)}",
            harm="the settings from before stay in force, and the next start will fail",
            advice="mend the file; selfheald check-config says whether it is right",
        )
