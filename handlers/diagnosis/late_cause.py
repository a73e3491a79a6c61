"""Why a beat comes late: it waits its turn, or its own work grew as well."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from handlers.diagnosis.performance_causes import Cause, more_load
from handlers.diagnosis.wording import span
from handlers.metrics import SHORT_WAIT_MS
from handlers.model import BehavioralAnomaly, Verdict


class LateCause(msgspec.Struct, frozen=True):
    sentence: str
    verdict: Verdict
    evidence: tuple[str, ...]
    ruled_out: tuple[str, ...]


def late_cause(
    anomaly: BehavioralAnomaly, beat: str, load: float | None, added_ms: Mapping[str, float]
) -> LateCause | None:
    """Queueing, where the wait grew by more than the beat's own work; None where it did not or is not known.

    `beat`: for people. `load`: how many times as often it ran after the beginning. `added_ms`: see
    `added_work_ms`.
    """
    waited_ms, worked_ms = anomaly.actual - anomaly.expected, added_ms.get(anomaly.event)
    if worked_ms is None or worked_ms >= waited_ms:
        return None
    checked = more_load(load)
    evidence = (f"a run waits {span(waited_ms)} longer for it (median)", *_grown_before(anomaly, added_ms))
    own = f"its own work: {_more(worked_ms)}, against {span(waited_ms)} more of waiting"
    if isinstance(checked, Cause):
        return LateCause(
            f"{beat} queues: more work came in than what plays it takes at once",
            "likely",
            evidence + checked.evidence,
            (own,),
        )
    return LateCause(
        f"{beat} queues: something holds what plays it, as a lock, a pool, a timer or a busy loop",
        "inconclusive",
        evidence,
        (own, checked) if checked else (own,),
    )


def _grown_before(anomaly: BehavioralAnomaly, added_ms: Mapping[str, float]) -> tuple[str, ...]:
    """The beat before it that grew most, if it grew by more than the late one did."""
    at = anomaly.declared.index(anomaly.event) if anomaly.event in anomaly.declared else 0
    before = [event for event in anomaly.declared[:at] if event in added_ms]
    most = max(before, key=lambda event: added_ms[event], default="")
    if not most or added_ms[most] < max(added_ms[anomaly.event], SHORT_WAIT_MS):
        return ()
    return (f"{most}, which is played before it, takes {span(added_ms[most])} longer too and may hold it up",)


def _more(added_ms: float) -> str:
    return f"{span(added_ms)} more an execution" if added_ms > 0 else "no more than usual"
