"""Anomalies and declarations as the tests need them: a usual one, with what matters replaced."""

from __future__ import annotations

from handlers.model import (
    BehavioralAnomaly,
    CoverageAnomaly,
    ErrorAnomaly,
    Handler,
    Origin,
    PerformanceAnomaly,
)

START_MS = 1_795_363_880_000
"""2026-11-22 16:11:20 UTC."""
EXPORT = "canvas-component-export-symphony"
PATH = ("query-all", "discover", "collect-css", "collect-layout", "build", "download")


def slow(
    event: str = "render-react",
    handler: str = "renderReact",
    sequence: str = "create-symphony",
    plugin: str = "CreatePlugin",
    ratio: float = 2.25,
    samples: int = 66,
    first_seen_ms: int = START_MS,
) -> PerformanceAnomaly:
    """Expected 29.2 ms; 65.7 ms at the usual ratio."""
    actual = 29.2 * ratio
    return PerformanceAnomaly(
        id=f"perf-{plugin}-{handler}-{event}",
        kind="slow",
        severity="medium",
        severity_reason=f"{ratio:.2f} times the expected median, limit 1.50 (medium from 2.00)",
        sequence=sequence,
        event=event,
        plugin=plugin,
        handler=handler,
        description="slow",
        actual=actual,
        expected=29.2,
        limit=43.8,
        unit="ms",
        interval=(actual * 0.9, actual * 1.1),
        confidence=0.99,
        samples=samples,
        baseline_samples=400,
        first_seen_ms=first_seen_ms,
        last_seen_ms=first_seen_ms + 60_000,
        origins=(Origin(first_seen_ms, 1, 0),),
        affected=(sequence,),
        ratio=ratio,
        p95=120.0,
        added_us_per_execution=round((actual - 29.2) * 1000),
        expected_from="baseline",
    )


def deviating(
    observed: tuple[str, ...] = (
        "query-all",
        "discover",
        "collect-layout",
        "collect-css",
        "build",
        "download",
    ),
    declared: tuple[str, ...] = PATH,
    beats: tuple[str, ...] = ("collect-css", "collect-layout"),
    sequence: str = EXPORT,
    share: float = 1.0,
    expected: float = 0.0,
    baseline_samples: int = 400,
    expected_from: str = "definition",
    kind: str = "out-of-order",
) -> BehavioralAnomaly:
    return BehavioralAnomaly(
        id=f"behav-{sequence}-{kind}",
        kind=kind,
        severity="critical",
        severity_reason="100% of the runs deviate (critical from 50%)",
        sequence=sequence,
        event=beats[0] if beats else "",
        plugin="ExportPlugin",
        handler="",
        description="deviates",
        actual=share,
        expected=expected,
        limit=0.005,
        unit="runs/run",
        interval=(share * 0.9, 1.0),
        confidence=0.99,
        samples=400,
        baseline_samples=baseline_samples,
        first_seen_ms=START_MS,
        last_seen_ms=START_MS + 60_000,
        origins=(Origin(START_MS, 1, 0),),
        affected=(sequence,),
        declared=declared,
        observed=observed,
        beats=beats,
        expected_from=expected_from,
    )


def untested(
    event: str = "theme:get",
    handler: str = "getCurrentTheme",
    sequence: str = "theme-get-symphony",
    plugin: str = "ThemePlugin",
) -> CoverageAnomaly:
    return CoverageAnomaly(
        id=f"cover-{sequence}-{event}",
        kind="untested",
        severity="low",
        severity_reason="0 of 402 executions failed (medium from 1)",
        sequence=sequence,
        event=event,
        plugin=plugin,
        handler=handler,
        description="untested",
        actual=0.0,
        expected=1.0,
        limit=1.0,
        unit="tests",
        interval=(0.0, 0.0),
        confidence=0.8,
        samples=402,
        baseline_samples=0,
        first_seen_ms=START_MS,
        last_seen_ms=START_MS + 60_000,
        origins=(Origin(START_MS, 1, 0),),
        affected=(sequence,),
        executions=402,
        failures=0,
        evidence="theme-get.json declares getCurrentTheme without a test",
    )


def failing(
    event: str = "panel:render",
    handler: str = "renderView",
    sequence: str = "panel-render-symphony",
    plugin: str = "ControlPanelPlugin",
    count: int = 138,
    executions: int = 400,
    error_type: str = "TypeError",
    template: str = "Cannot read properties of undefined (reading 'fields') in panel <*>",
    frame: str = "renderView (file:///app/panel.mjs:119:17)",
    baseline_samples: int = 400,
    expected: float = 0.0,
) -> ErrorAnomaly:
    return ErrorAnomaly(
        id=f"error-{sequence}-{event}-{error_type}",
        kind="new",
        severity="high",
        severity_reason="34% of the executions fail (high from 20%)",
        sequence=sequence,
        event=event,
        plugin=plugin,
        handler=handler,
        description="fails",
        actual=count / max(executions, count),
        expected=expected,
        limit=0.0025,
        unit="errors/execution",
        interval=(0.3, 0.4),
        confidence=0.99,
        samples=executions,
        baseline_samples=baseline_samples,
        first_seen_ms=START_MS,
        last_seen_ms=START_MS + 60_000,
        origins=(Origin(START_MS, 1, 0),),
        affected=(sequence,),
        error_type=error_type,
        template=template,
        frame=frame,
        count=count,
        executions=executions,
    )


def declared(
    event: str,
    name: str,
    sequence: str,
    plugin: str,
    beat: int = 1,
    line: int = 12,
    kind: str = "stage-crew",
    test_file: str = "",
    test_case: str = "",
) -> Handler:
    return Handler(
        sequence=sequence,
        event=event,
        plugin=plugin,
        name=name,
        beat=beat,
        kind=kind,
        test_file=test_file,
        test_case=test_case,
        definition_file=f"sequences/{sequence}.json",
        definition_line=line,
    )
