"""What is said of a group of errors, in figures and in one sentence."""

from __future__ import annotations

from typing import Any, Final

from config.settings import Detect
from handlers.anomaly.baseline import Judgement, Learned
from handlers.anomaly.error_rate import ErrorRate
from handlers.anomaly.error_trend import Growth, Step
from handlers.anomaly.error_verdict import ErrorVerdict
from handlers.anomaly.identity import anomaly_id, severity_of
from handlers.anomaly.statistics import poisson_interval, wilson_interval, z_of
from handlers.diagnosis.wording import count as counted
from handlers.diagnosis.wording import span
from handlers.metrics import first_of
from handlers.model import ErrorAnomaly, ErrorKey, ErrorStats

_MINUTE_MS: Final = 60_000


def error_anomaly(
    key: ErrorKey,
    template: str,
    kind: str,
    judgement: Judgement[ErrorVerdict],
    window_ms: int,
    limits: Detect,
) -> ErrorAnomaly:
    """`template`: what people are shown in place of the name of the group."""
    verdict = judgement.verdict
    errors = verdict.current.errors
    actual = _rate(verdict.count, verdict.of, by_time=verdict.by_time)
    expected = _rate(verdict.before, verdict.base_of, by_time=verdict.by_time)
    least = _rate(limits.error_min_count, verdict.of, by_time=verdict.by_time)
    was = f"{_often(expected, by_time=verdict.by_time)} before" if expected else "none in the baseline"
    if kind == "came-back":
        was = f"again: it was gone for {span(verdict.told.gone_ms)}"
    lasted_ms = judgement.last_ms - judgement.first_ms + window_ms
    within = f" within {span(lasted_ms)}" if kind == "burst" and not verdict.by_time else ""
    fails = _fails(key, errors, verdict.count, verdict.of, by_time=verdict.by_time)
    return ErrorAnomaly(
        kind=kind,
        description=f"{fails}{within} ({was}) with {key[2]}: {template}",
        actual=actual,
        expected=expected,
        limit=expected * (1 + limits.error_over_baseline) if expected else least,
        baseline_samples=verdict.before if verdict.by_time else verdict.base_of,
        first_seen_ms=judgement.first_ms,
        last_seen_ms=judgement.last_ms + window_ms,
        origins=errors.examples,
        **_common(key, template, errors, verdict.count, verdict.of, verdict.by_time, limits),
    )


def growth_anomaly(
    key: ErrorKey, template: str, growth: Growth, learned: Learned[ErrorRate], window_ms: int, limits: Detect
) -> ErrorAnomaly:
    """`template`: what people are shown in place of the name of the group."""
    errors = learned.recent[-1].stats.errors if learned.recent else ErrorStats()
    examples = first_of(origin for each in learned.recent for origin in each.stats.errors.examples)
    newest, oldest = growth.newest, growth.oldest
    of, old_of = _of(newest, growth), _of(oldest, growth)
    reference = learned.reference.errors
    known = ErrorStats(
        errors.plugin or reference.plugin,
        errors.handler or reference.handler,
        errors.frame or reference.frame,
        newest.count,
    )
    expected = _rate(oldest.count, old_of, by_time=growth.by_time)
    fails = _fails(key, known, newest.count, of, by_time=growth.by_time)
    return ErrorAnomaly(
        kind="growing",
        description=(
            f"{fails} ({_often(expected, by_time=growth.by_time)} at first, and more and more since) "
            f"with {key[2]}: {template}"
        ),
        actual=_rate(newest.count, of, by_time=growth.by_time),
        expected=expected,
        limit=expected * (1 + limits.error_over_baseline),
        baseline_samples=oldest.count if growth.by_time else old_of,
        first_seen_ms=oldest.start_ms,
        last_seen_ms=growth.until_ms + window_ms,
        origins=examples or reference.examples,
        **_common(key, template, known, newest.count, of, growth.by_time, limits),
    )


def _common(
    key: ErrorKey, template: str, errors: ErrorStats, count: int, of: int, by_time: bool, limits: Detect
) -> dict[str, Any]:
    severity, reason = severity_of(count / max(1, of), "of the executions fail")
    z = z_of(limits.confidence)
    interval = wilson_interval(count, of, z)
    if by_time:
        severity, reason = "medium", "the log does not tell how many executions succeed (medium)"
        low, high = poisson_interval(count, z)
        interval = low * _MINUTE_MS / max(1, of), high * _MINUTE_MS / max(1, of)
    return {
        "id": anomaly_id("error", *key),
        "severity": severity,
        "severity_reason": reason,
        "sequence": key[0],
        "event": key[1],
        "plugin": errors.plugin,
        "handler": errors.handler,
        "unit": "errors/minute" if by_time else "errors/execution",
        "interval": interval,
        "confidence": limits.confidence,
        "samples": count if by_time else of,
        "affected": (key[0],) if key[0] else (),
        "error_type": key[2],
        "template": template,
        "frame": errors.frame,
        "count": count,
        "executions": 0 if by_time else of,
    }


def _of(step: Step, growth: Growth) -> int:
    return step.span_ms if growth.by_time else max(step.executions, step.count)


def _rate(count: int, of: int, *, by_time: bool) -> float:
    """Errors per execution, or per minute."""
    return count / max(1, of) * (_MINUTE_MS if by_time else 1)


def _often(rate: float, *, by_time: bool) -> str:
    return f"{rate:.3g} a minute" if by_time else f"{rate:.1%}"


def _fails(key: ErrorKey, errors: ErrorStats, count: int, of: int, *, by_time: bool) -> str:
    name = errors.handler or key[1] or key[0] or "the log"
    if by_time:
        return f"{name} has {counted(count, 'error')} in {span(of)}"
    if not key[1]:
        return f"{name} has {counted(count, 'error')} in {counted(of, 'execution')} of all handlers"
    return f"{name} fails in {count} of {of} executions"
