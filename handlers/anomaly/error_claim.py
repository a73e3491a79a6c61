"""What is said of a group of errors, in figures and in one sentence."""

from __future__ import annotations

from typing import Final

from config.settings import Detect
from handlers.anomaly.baseline import Judgement
from handlers.anomaly.error_rate import exposures
from handlers.anomaly.error_verdict import ErrorVerdict
from handlers.anomaly.identity import anomaly_id, severity_of
from handlers.anomaly.statistics import poisson_interval, wilson_interval, z_of
from handlers.diagnosis.wording import count as counted
from handlers.diagnosis.wording import span
from handlers.model import ErrorAnomaly, ErrorKey

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
    errors, known = verdict.current.errors, verdict.reference.errors
    of, base_of, by_time = exposures(verdict.current, verdict.reference)
    count, before = errors.count, known.count
    expected = _rate(before, base_of, by_time=by_time)
    severity, reason = severity_of(count / max(1, of), "of the executions fail")
    interval = wilson_interval(count, of, z_of(limits.confidence))
    if by_time:
        severity, reason = "medium", "the log does not tell how many executions succeed (medium)"
        low, high = poisson_interval(count, limits.confidence)
        interval = low * _MINUTE_MS / max(1, of), high * _MINUTE_MS / max(1, of)
    return ErrorAnomaly(
        id=anomaly_id("error", *key),
        kind=kind,
        severity=severity,
        severity_reason=reason,
        sequence=key[0],
        event=key[1],
        plugin=errors.plugin or known.plugin,
        handler=errors.handler or known.handler,
        description=_described(key, template, kind, judgement, window_ms),
        actual=_rate(count, of, by_time=by_time),
        expected=expected,
        limit=(1 + limits.error_over_baseline) * expected
        if before
        else _rate(limits.error_min_count, of, by_time=by_time),
        unit="errors/minute" if by_time else "errors/execution",
        interval=interval,
        confidence=limits.confidence,
        samples=count if by_time else of,
        baseline_samples=before if by_time else base_of,
        first_seen_ms=judgement.first_ms,
        last_seen_ms=judgement.last_ms + window_ms,
        origins=errors.examples or known.examples,
        affected=(key[0],) if key[0] else (),
        error_type=key[2],
        template=template,
        frame=errors.frame or known.frame,
        count=count,
        executions=0 if by_time else of,
    )


def _described(
    key: ErrorKey, template: str, kind: str, judgement: Judgement[ErrorVerdict], window_ms: int
) -> str:
    """How often, against what, with which error."""
    verdict = judgement.verdict
    of, base_of, by_time = exposures(verdict.current, verdict.reference)
    errors, before = verdict.current.errors, verdict.reference.errors.count
    name = errors.handler or verdict.reference.errors.handler or key[1] or key[0] or "the log"
    fails = f"{name} fails in {errors.count} of {of} executions"
    if by_time:
        fails = f"{name} has {counted(errors.count, 'error')} in {span(of)}"
    elif not key[1]:
        fails = f"{name} has {counted(errors.count, 'error')} in {counted(of, 'execution')} of all handlers"
    if kind == "burst" and not by_time:
        fails += f" within {span(judgement.last_ms - judgement.first_ms + window_ms)}"
    rate = _rate(before, base_of, by_time=by_time)
    often = f"{rate:.3g} a minute" if by_time else f"{rate:.1%}"
    was = f"{often} before" if before else "none in the baseline"
    if kind == "growing":
        was += ", and more and more since"
    elif kind == "came-back":
        was = f"again, after {span(verdict.told.gone_ms)} without"
    return f"{fails} ({was}) with {key[2]}: {template}"


def _rate(count: int, of: int, *, by_time: bool) -> float:
    """Errors per execution, or per minute."""
    return count / max(1, of) * (_MINUTE_MS if by_time else 1)
