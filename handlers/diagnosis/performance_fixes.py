"""What to do about a slow beat."""

from __future__ import annotations

from handlers.diagnosis.fix import Fix, beat_name, first_step, undo_steps, undone, where
from handlers.diagnosis.performance_rates import RATE_UNIT, rate_fixes
from handlers.diagnosis.wording import count, quantile_name, span, utc
from handlers.model import AssessedDiagnosis, PerformanceAnomaly, PerformanceDiagnosis


def performance_fixes(
    assessed: AssessedDiagnosis, diagnosis: PerformanceDiagnosis, anomaly: PerformanceAnomaly
) -> tuple[Fix, ...]:
    """One fix at the cause, and for slow own work the choice to accept the new time."""
    if anomaly.unit == RATE_UNIT:
        return rate_fixes(diagnosis, anomaly)
    benefit = (
        f"{quantile_name(anomaly)} back from {span(anomaly.actual)} to {span(anomaly.expected)}: "
        f"{span(anomaly.added_us_per_execution / 1000)} less per execution, "
        f"{span(assessed.impact.added_ms)} in the judged span ({count(anomaly.samples, 'execution')})"
    )
    match diagnosis.cause_kind:
        case "common-cause":
            return (_look_at_the_machine(diagnosis, anomaly, benefit),)
        case "error-or-retry":
            return (_stop_the_errors(diagnosis, benefit),)
        case "sequence-change":
            return (_restore_the_sequence(diagnosis, anomaly, benefit),)
        case "load" | "queueing":
            carry = _carry_the_load if diagnosis.cause_kind == "load" else _shorten_the_queue
            return (carry(diagnosis, anomaly, benefit),)
        case _:
            return _speed_up(diagnosis, anomaly, benefit), _accept(diagnosis, anomaly)


def _speed_up(diagnosis: PerformanceDiagnosis, anomaly: PerformanceAnomaly, benefit: str) -> Fix:
    name = beat_name(diagnosis)
    since = utc(diagnosis.began_ms[0] if diagnosis.began_ms else anomaly.first_seen_ms)
    undo = f"Find what made {name} {anomaly.ratio:.2f} times as slow since {since}, and undo or speed it up."
    return Fix(
        slug="own-work",
        type="code",
        title=f"Make {name} fast again",
        action=(_remedy(diagnosis) or undo) + undone(diagnosis),
        location=where(diagnosis),
        steps=(
            first_step(diagnosis, f"List what changed in it, and in what it calls, before {since}."),
            f"Profile it with an input of an execution slower than {span(anomaly.limit)}.",
            "Undo the change, or move the costly part out of the beat.",
            *undo_steps(diagnosis),
            f"Check that the {quantile_name(anomaly)} is below {span(anomaly.limit)} again.",
        ),
        effort="hours",
        benefit=benefit,
    )


def _remedy(diagnosis: PerformanceDiagnosis) -> str:
    """What to do about the call at fault, or ""."""
    hazard = diagnosis.hazard
    if hazard is None:
        return ""
    at = f"{hazard.call} ({diagnosis.hazard_file}:{hazard.line})"
    if hazard.kind == "growth":
        return (
            f"Go through {hazard.call} once, before the loop ({diagnosis.hazard_file}:{hazard.line}): put it "
            "into a map or a set, and look up in that."
        )
    if hazard.kind == "sleep":
        return f"Remove {at}, or wait for what it waits for."
    if hazard.in_loop:
        return f"Take {at} out of the loop: one call for all items, or several at the same time."
    if hazard.blocks:
        return f"Replace {at} by its asynchronous form, or do it once and keep the result."
    return f"Do {at} less often, at the same time as others, or keep its result."


def _carry_the_load(diagnosis: PerformanceDiagnosis, anomaly: PerformanceAnomaly, benefit: str) -> Fix:
    return Fix(
        slug="load",
        type="config",
        title=f"Make room for the load of {beat_name(diagnosis)}",
        action="More work comes in than before: find what it queues for, and give it more or admit less.",
        location=where(diagnosis),
        steps=(
            "Look at processors, locks, connection pools and queues at its busiest time.",
            "Give what is exhausted more room, or limit how much is let in at once.",
            f"Check that the {quantile_name(anomaly)} is below {span(anomaly.limit)} at the same load.",
        ),
        effort="hours",
        benefit=benefit,
    )


def _shorten_the_queue(diagnosis: PerformanceDiagnosis, anomaly: PerformanceAnomaly, benefit: str) -> Fix:
    return Fix(
        slug="queueing",
        type="config",
        title=f"Let more runs of {anomaly.sequence} through at once",
        action=f"Find what the runs of {anomaly.sequence} queue for: give it more room, hold it for less "
        "long, or let in less.",
        location=where(diagnosis),
        steps=(
            "Look at the workers, pools, locks and queues that its beats share, at its busiest time.",
            "Raise what is exhausted (workers, connections, concurrency), or limit what is let in at once.",
            "Make what holds a lock or a connection give it back before it does slow work.",
            f"Check that the {quantile_name(anomaly)} is below {span(anomaly.limit)} at the same load.",
        ),
        effort="hours",
        benefit=benefit,
    )


def _accept(diagnosis: PerformanceDiagnosis, anomaly: PerformanceAnomaly) -> Fix:
    if anomaly.kind == "slow-tail":  # expected_ms is a median
        return Fix(
            slug="accept",
            type="config",
            title=f"Or accept {span(anomaly.actual)} as {quantile_name(anomaly)} of {beat_name(diagnosis)}",
            action=f"Only if it is intended: selfheald accept {anomaly.id}",
            location=where(diagnosis),
            steps=(
                "Have the owner of the handler confirm that the time is intended.",
                f"selfheald accept {anomaly.id}",
            ),
            effort="minutes",
            benefit="no time won: what is current becomes the expected time, and this alarm ends",
        )
    key = f"{anomaly.sequence}/{anomaly.event}" if anomaly.sequence else anomaly.event
    return Fix(
        slug="accept",
        type="config",
        title=f"Or accept {span(anomaly.actual)} for {beat_name(diagnosis)}",
        action=f'Only if the new time is intended: set expected_ms "{key}" to {anomaly.actual:.1f}.',
        location=where(diagnosis),
        steps=(
            "Have the owner of the handler confirm that the time is intended.",
            f'Under expected_ms in the settings, write "{key}": {anomaly.actual:.1f}',
        ),
        effort="minutes",
        benefit=f"no time won: {span(anomaly.actual)} becomes the expected median in place of "
        f"{span(anomaly.expected)}, and this alarm ends",
    )


def _look_at_the_machine(diagnosis: PerformanceDiagnosis, anomaly: PerformanceAnomaly, benefit: str) -> Fix:
    return Fix(
        slug="common-cause",
        type="config",
        title=f"Look for a common cause before touching {beat_name(diagnosis)}",
        action=f"Several handlers slowed by about {anomaly.ratio:.2f} times together: "
        "check the machine and what they share; change no handler yet.",
        location=where(diagnosis),
        steps=(
            f"Look at CPU, memory, disk and neighbours of the machine from {utc(anomaly.first_seen_ms)} on.",
            "Look for a deployment, restart or settings change at that time.",
            "Look at what the slow handlers share: a library, a database, a service.",
        ),
        effort="hours",
        benefit=benefit,
    )


def _stop_the_errors(diagnosis: PerformanceDiagnosis, benefit: str) -> Fix:
    return Fix(
        slug="errors-first",
        type="code",
        title=f"Stop the errors of {beat_name(diagnosis)} first",
        action="Fix the errors of this beat, then measure its time again: most executions fail.",
        location=where(diagnosis),
        steps=(
            "Take the error recommendation of the same beat.",
            "Limit how often and how long the beat retries.",
            "Measure again; if it is still slow, profile it.",
        ),
        effort="hours",
        benefit=f"if the errors cost the time: {benefit}",
    )


def _restore_the_sequence(diagnosis: PerformanceDiagnosis, anomaly: PerformanceAnomaly, benefit: str) -> Fix:
    return Fix(
        slug="sequence-first",
        type="sequence",
        title=f"Restore the order of {anomaly.sequence} first",
        action=f"Settle the changed order of the sequence, then measure {beat_name(diagnosis)} again.",
        location=where(diagnosis),
        steps=(
            "Take the behavioral recommendation of the same sequence.",
            f"Measure again; if the median is still over {span(anomaly.limit)}, profile the handler.",
        ),
        effort="hours",
        benefit=f"if the changed order costs the time: {benefit}",
    )
