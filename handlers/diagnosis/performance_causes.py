"""What can make a beat slow, each cause with the data that speak for it or rule it out."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.diagnosis.added_time import AddedTime
from handlers.diagnosis.changes import LOAD_FACTOR
from handlers.diagnosis.growth import Growth
from handlers.diagnosis.hazards import Found
from handlers.diagnosis.subject import subject
from handlers.diagnosis.wording import count, percent, span
from handlers.model import (
    AnyAnomaly,
    BehavioralAnomaly,
    ErrorAnomaly,
    Handler,
    PerformanceAnomaly,
    TelemetryMetrics,
    Verdict,
)

_MEDIAN_SHARE: Final = 0.5
"""What happens in fewer executions than this can hardly move their median."""
_SIMILAR_FACTOR: Final = 1.25


class Cause(msgspec.Struct, frozen=True):
    """A cause that the data allow; what they exclude is told by a plain string instead."""

    kind: str
    sentence: str
    verdict: Verdict
    evidence: tuple[str, ...]


def common_cause(
    anomaly: PerformanceAnomaly,
    slow: tuple[PerformanceAnomaly, ...],
    metrics: TelemetryMetrics | None,
    min_common: int,
) -> Cause | str:
    alike = {subject(anomaly): anomaly.plugin} | {
        subject(each): each.plugin
        for each in slow
        if each.ratio <= anomaly.ratio * _SIMILAR_FACTOR
        and anomaly.ratio <= each.ratio * _SIMILAR_FACTOR
        and each.first_seen_ms <= anomaly.last_seen_ms
        and anomaly.first_seen_ms <= each.last_seen_ms
    }
    alike |= {member.name: member.name.rpartition(".")[0] for member in anomaly.members}
    others = len(alike) - 1
    if len(alike) < min_common:
        return f"a common cause: {count(others, 'other handler')} slow by a similar factor at the same time"
    measured = 0 if metrics is None else _measured_handlers(metrics)
    most = bool(measured) and 2 * len(alike) >= measured
    of_all = f" of {measured} measured" if measured else ""
    evidence = (
        (
            f"{count(len(alike), 'handler')}{of_all} in {count(len(set(alike.values())), 'plug-in')} "
            f"slow at the same time, their factors within {_SIMILAR_FACTOR} times of this one"
        ),
    )
    if most:
        cause = (
            f"most handlers slowed by about {anomaly.ratio:.2f} times: the machine, or what all of them use"
        )
        return Cause("common-cause", cause, "likely", evidence)
    cause = (
        f"{count(others, 'other handler')} slowed by about {anomaly.ratio:.2f} times too: "
        "something that they share, or the machine"
    )
    return Cause("common-cause", cause, "inconclusive", evidence)


def errors_or_retries(anomaly: PerformanceAnomaly, everything: tuple[AnyAnomaly, ...]) -> Cause | str:
    errors = [each for each in everything if isinstance(each, ErrorAnomaly) and _same_beat(each, anomaly)]
    if not errors:
        return "errors and retries: no error anomaly on this beat"
    failed = sum(each.count for each in errors)
    executions = max(failed, *(each.executions for each in errors))
    share = failed / executions if executions else 0.0
    figures = f"{failed:,} errors in {count(executions, 'execution')} of this beat ({percent(share)})"
    if share < _MEDIAN_SHARE:
        return f"errors and retries: {figures}, too few to move the median this far"
    return Cause(
        "error-or-retry",
        f"the beat fails with {errors[0].error_type or 'an error'} in most executions; "
        "handling or repeating that may take the added time",
        "inconclusive",
        (figures,),
    )


def changed_sequence(anomaly: PerformanceAnomaly, everything: tuple[AnyAnomaly, ...]) -> Cause | str:
    changes = [
        each
        for each in everything
        if isinstance(each, BehavioralAnomaly) and each.sequence == anomaly.sequence and anomaly.sequence
    ]
    if not changes:
        return "a changed sequence: no behavioral anomaly in this sequence"
    change = max(changes, key=lambda each: each.actual)
    figures = f"{percent(change.actual)} of {count(change.samples, 'run')} take another path"
    if change.actual < _MEDIAN_SHARE:
        return f"a changed sequence: {figures}, too few to move the median this far"
    if anomaly.event in change.beats:
        cause = "the sequence changed at this beat: it runs in another place or another number of times"
        return Cause("sequence-change", cause, "likely", (figures,))
    at = change.declared.index(anomaly.event) if anomaly.event in change.declared else 0
    before = [event for event in change.beats if event in change.declared[:at]]
    if not before:
        return f"a changed sequence: {figures}, but only after this beat"
    cause = f"the sequence changed before this beat ({', '.join(before)}), so that it gets another input"
    return Cause("sequence-change", cause, "inconclusive", (figures,))


def queueing(anomaly: PerformanceAnomaly, added: AddedTime, factor: float | None) -> Cause | str:
    """More load, where the runs lost more between their beats than in this one. `factor`: see `more_load`."""
    if added.worked_ms is None or added.waited_ms is None or factor is None:
        return ""
    waited = f"{span(added.waited_ms)} more" if added.waited_ms > 0 else "nothing more"
    figures = f"a run waits {waited} between its beats, and works {span(added.worked_ms)} more in this one"
    if added.waited_ms <= added.worked_ms:
        return f"queueing: {figures}"
    if factor < LOAD_FACTOR:
        return ""  # The wait is told against its own work; without more load it can have another cause.
    return Cause(
        "queueing",
        f"the runs of {anomaly.sequence} queue: more work came in than they take at once, and this beat "
        "and the time between the beats got longer together",
        "likely",
        (figures, f"it ran {factor:.2f} times as often as before it began"),
    )


def more_load(factor: float | None) -> Cause | str:
    """`factor`: how many times as often it ran after the beginning; None where that is not known."""
    if factor is None:
        return ""
    figures = f"it ran {factor:.2f} times as often as before it began"
    if factor < LOAD_FACTOR:
        return f"more load: {figures}"
    return Cause(
        "load",
        "more work came in when it got slow: it waits for a processor, a lock, a pool or a queue",
        "likely",
        (figures,),
    )


def own_work(
    anomaly: PerformanceAnomaly,
    handler: Handler | None,
    hazard: Found | None = None,
    growth: Growth | None = None,
) -> Cause:
    """`growth`: that it gets slower under the same load, where it does."""
    measured = growth.evidence if growth else ()
    code = f"{hazard.says}{', which is new' if hazard.is_new else ''}" if hazard else ""
    if anomaly.kind == "slow-tail":
        return Cause(
            "own-work",
            f"some executions of {subject(anomaly)} wait, or get a rare input: a lock, a cold cache, "
            "a retry or a pause of the runtime",
            "inconclusive",
            ("the median is as expected",),
        )
    if growth or anomaly.kind == "drift":
        little = ("it got slower little by little, not at once",) if anomaly.kind == "drift" else ()
        if hazard and not hazard.is_new and hazard.hazard.kind != "growth":
            code = ""  # It was there before it grew.
        kept = "what the process keeps and nobody trims" if growth and growth.is_of_process else ""
        why = code or kept or "data, a list or a cache that nobody trims"
        return Cause(
            "own-work",
            f"the work of {subject(anomaly)} grows with time: {why}",
            "likely",
            little + measured,
        )
    what = "what it computes" if handler and handler.kind == "pure" else "what it computes or waits for"
    declared = (f"declared as {handler.kind}",) if handler and handler.kind else ()
    reference = () if anomaly.expected_from == "baseline" else ("expected by the settings, not by its past",)
    return Cause(
        "own-work",
        f"the added time is spent in {subject(anomaly)} itself: {code or what}",
        "likely",
        declared + reference,
    )


def _same_beat(one: AnyAnomaly, other: AnyAnomaly) -> bool:
    return (one.sequence, one.event) == (other.sequence, other.event)


def _measured_handlers(metrics: TelemetryMetrics) -> int:
    return len(
        {
            (beat.plugin, beat.handler or event)
            for window in metrics.windows.values()
            for (_, event), beat in window.beats.items()
            if beat.bins
        }
    )
