"""The daemon's own beats, judged by the detectors that judge the logs, against a baseline of their own."""

from __future__ import annotations

from typing import Final

import msgspec

from config.settings import Detect
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.diagnosis.wording import span
from handlers.model import ErrorAnomaly, PerformanceAnomaly, SelfAnomaly, TelemetryMetrics
from handlers.self_check.trouble import trouble

LIMITS: Final = Detect(over_expected=1.0, min_added_ms=1000.0)
"""How long a beat takes depends on how much there was to do: only what costs a line a second more is told."""


class JudgedBeats(msgspec.Struct, frozen=True):
    troubles: tuple[SelfAnomaly, ...]
    baseline: Baseline
    """What was learned."""


def judge_own_beats(metrics: TelemetryMetrics, *, baseline: Baseline, now_ms: int) -> JudgedBeats:
    """The verdicts on the median and on failures: how often a beat is played follows from the logs."""
    performance = detect_performance_anomalies(metrics, baseline=baseline, limits=LIMITS, expected_ms={})
    errors = detect_error_patterns(metrics, baseline=baseline, limits=LIMITS)
    slow = [_slow(each, now_ms) for each in performance.anomalies if each.kind == "slow"]
    failing = [_failing(each, now_ms) for each in errors.anomalies]
    until_ms = max((start + metrics.window_ms for start in metrics.windows), default=baseline.judged_until_ms)
    return JudgedBeats((*slow, *failing), Baseline(until_ms, beats=performance.beats, errors=errors.errors))


def _slow(found: PerformanceAnomaly, now_ms: int) -> SelfAnomaly:
    return trouble(
        "slow-beat",
        found.handler,
        "medium",
        now_ms,
        description=f"{found.handler} of selfheald itself takes {span(found.actual)} (median), usually "
        f"{span(found.expected)}",
        cause="the machine is short of processor time, memory or disk, or there is more to do than usual",
        harm="verdicts come later by as much",
        advice="see what else the machine does (top, vmstat, iostat -x); if nothing, please report this as a "
        "defect of selfheald",
        actual=found.actual / 1000,
        limit=found.limit / 1000,
        unit="s",
    )


def _failing(found: ErrorAnomaly, now_ms: int) -> SelfAnomaly:
    is_of_the_store = found.error_type.startswith("Store")
    return trouble(
        "failing-beat",
        found.handler,
        "high",
        now_ms,
        description=f"{found.handler} of selfheald itself failed {found.count} of {found.executions} times "
        f"with {found.error_type}",
        cause="the store could not be used" if is_of_the_store else "a defect of selfheald",
        harm="what it was about is tried again; until that succeeds it waits",
        advice="see what the log says of it at the same time (journalctl -u selfheald -p err)"
        + ("" if is_of_the_store else ", and please report it"),
    )
