"""What a detection makes of the incidents: they open, go on, get graver, end and come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from config.limits import Subjects, matches, subject_names
from daemon.incident import Incident, begun, come_back, is_silenced, moved, seen_again
from daemon.lossy_windows import overlap_ms
from handlers.model import SEVERITIES, AnyAnomaly


class Moment(msgspec.Struct, frozen=True):
    """When a detection was made, and what it has to know about time."""

    judged_until_ms: int
    """End of the windows that were judged."""
    now_ms: int
    """The clock, for silences, which operators give in hours from now, and for what is no longer seen."""
    hold_ms: int
    """An anomaly must be gone for so long; 0: that it is gone is enough."""
    forget_ms: int
    """One whose subject did not run for so long is closed: in event time or, as old logs and a program that
    was turned off write nothing more, by the clock."""
    lossy: tuple[tuple[int, int], ...] = ()
    """Spans of time that prove nothing."""
    is_current: bool = False
    """Whether all that was read is judged. Before that the clock says nothing."""
    hold_ms_of: Mapping[Subjects, int] | Mapping[str, int] = {}
    """As `hold_ms`, of single subjects by glob."""


class Changes(msgspec.Struct, frozen=True):
    """What one detection changed."""

    opened: tuple[Incident, ...] = ()
    reopened: tuple[Incident, ...] = ()
    graver: tuple[Incident, ...] = ()
    """Graver than they ever were since they began."""
    unsilenced: tuple[Incident, ...] = ()
    """Their silence is over, and they still stand."""
    resolved: tuple[Incident, ...] = ()
    quiet: tuple[Incident, ...] = ()
    """Changed in a way that nobody needs to hear of."""

    @property
    def told(self) -> tuple[Incident, ...]:
        return (*self.opened, *self.reopened, *self.graver, *self.unsilenced, *self.resolved)


def follow(known: Mapping[str, Incident], anomalies: Iterable[AnyAnomaly], at: Moment) -> Changes:
    """The incidents after a detection that found `anomalies`, as far as it changed them.

    `known`: all incidents, by id.
    """
    steps: dict[str, list[Incident]] = {name: [] for name in Changes.__struct_fields__}
    standing = {anomaly.id: anomaly for anomaly in anomalies}
    part_of = {member.id: anomaly.id for anomaly in standing.values() for member in anomaly.members}
    for anomaly in standing.values():
        before = known.get(anomaly.id)
        if before is None:
            steps["opened"].append(begun(anomaly, at.judged_until_ms, at.now_ms))
        elif before.is_open:
            step, after = _goes_on(before, anomaly, at)
            steps[step].append(after)
        elif anomaly.last_seen_ms > before.settled_ms:
            after = come_back(before, anomaly, at.judged_until_ms, at.now_ms)
            steps["reopened" if after.state == "open" else "quiet"].append(after)
    for before in known.values():
        if not before.is_open or before.anomaly.id in standing:
            continue
        ids = (before.anomaly.id, *(member.id for member in before.anomaly.members))
        if (parent := next((part_of[each] for each in ids if each in part_of), None)) is not None:
            steps["quiet"].append(_ended(before, at, f"is part of {parent} now"))
        elif not (hold_ms := _hold_ms(before.anomaly, at)) or _gone_ms(before, at) >= hold_ms:
            steps["resolved"].append(_ended(before, at, "is over"))
        elif _is_forgotten(before, at):
            steps["resolved"].append(_forgotten(before, at))
        elif before.state == "silenced" and _is_expired(before, at):
            steps["quiet"].append(_unsilenced(before, at, "its silence is over"))
    return Changes(**{name: tuple(incidents) for name, incidents in steps.items()})


def _goes_on(before: Incident, anomaly: AnyAnomaly, at: Moment) -> tuple[str, Incident]:
    after = seen_again(before, anomaly, at.now_ms)
    if _is_forgotten(after, at):
        return "resolved", _forgotten(after, at)
    graver = SEVERITIES.index(anomaly.severity) > SEVERITIES.index(before.worst)
    if before.state == "silenced":
        if is_silenced(before, anomaly.severity, at.now_ms):
            return "quiet", after
        graver_why = f"became {anomaly.severity}, which ends its silence"
        why = "its silence is over" if _is_expired(before, at) else graver_why
        return "unsilenced", _unsilenced(after, at, why)
    return ("graver" if graver else "quiet"), after


def _is_expired(silenced: Incident, at: Moment) -> bool:
    return silenced.until_ms is not None and at.now_ms >= silenced.until_ms


def _unsilenced(incident: Incident, at: Moment, why: str) -> Incident:
    return moved(replace(incident, until_ms=None), "open", at.judged_until_ms, why=why)


def _is_forgotten(incident: Incident, at: Moment) -> bool:
    by_clock_ms = at.now_ms - incident.confirmed_ms if at.is_current and incident.confirmed_ms else 0
    return max(at.judged_until_ms - incident.last_seen_ms, by_clock_ms) > at.forget_ms


def _forgotten(incident: Incident, at: Moment) -> Incident:
    ended = _ended(incident, at, "is no longer seen: what it is about did not run again")
    return replace(ended, settled_ms=incident.last_seen_ms)


def _ended(incident: Incident, at: Moment, why: str) -> Incident:
    return replace(moved(incident, "resolved", at.judged_until_ms, why=why), resolved_ms=at.judged_until_ms)


def _hold_ms(anomaly: AnyAnomaly, at: Moment) -> int:
    names = subject_names(anomaly.sequence, anomaly.event, anomaly.plugin, anomaly.handler)
    return next((hold_ms for glob, hold_ms in at.hold_ms_of.items() if matches(names, glob)), at.hold_ms)


def _gone_ms(incident: Incident, at: Moment) -> int:
    """For how long it is gone. Time in which lines were lost does not count."""
    gone_ms = at.judged_until_ms - incident.last_seen_ms
    return gone_ms - overlap_ms(at.lossy, incident.last_seen_ms, at.judged_until_ms)
