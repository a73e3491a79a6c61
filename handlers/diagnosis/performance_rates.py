"""Why something runs no more, or far less often, and what to look at. The logs alone prove no cause."""

from __future__ import annotations

from typing import Final

from handlers.diagnosis.fix import Fix, beat_name, where
from handlers.diagnosis.subject import subject
from handlers.diagnosis.wording import count, utc
from handlers.model import PerformanceAnomaly, PerformanceDiagnosis

RATE_UNIT: Final = "executions/min"


def diagnose_rate(anomaly: PerformanceAnomaly, location: str) -> PerformanceDiagnosis:
    """What calls it, or what runs before it, is suspected before the thing itself: it wrote no error."""
    if len(anomaly.affected) > 1:
        cause = "they stopped together: the process that runs them, or what they all wait for"
    elif not subject(anomaly):
        cause = "nothing is written any more: the program, its log or its machine is down"
    else:
        cause = f"{subject(anomaly)} is not called as usual, or hangs before it ends"
    figures = f"{anomaly.actual:.3g} a minute instead of {anomaly.expected:.3g}"
    return PerformanceDiagnosis(
        anomaly=anomaly,
        cause=cause,
        cause_kind="not-run",
        verdict="inconclusive",
        evidence=(
            f"{count(anomaly.samples, 'execution')}: {figures}, since {utc(anomaly.first_seen_ms)}",
            f"usual rate from {count(anomaly.baseline_samples, 'execution')}",
        ),
        location=location,
        share_of_run=None,
    )


def rate_fixes(diagnosis: PerformanceDiagnosis, anomaly: PerformanceAnomaly) -> tuple[Fix, ...]:
    """Look first at what should have called it."""
    name = beat_name(diagnosis) or "the watched program"
    since = utc(anomaly.first_seen_ms)
    return (
        Fix(
            slug="not-run",
            type="config",
            title=f"Find out why {name} does not run as usual",
            action=f"Look at what starts {name}, and whether it still did so after {since}.",
            location=where(diagnosis) or "the watched program",
            steps=(
                f"Look whether the process was stopped, restarted or deployed about {since}.",
                "Look at what calls it: its schedule, queue, switch or client.",
                f"If it was taken out of use on purpose: selfheald accept {anomaly.id}",
            ),
            effort="hours",
            benefit=f"{anomaly.expected:.3g} executions a minute again, in place of {anomaly.actual:.3g}",
        ),
    )
