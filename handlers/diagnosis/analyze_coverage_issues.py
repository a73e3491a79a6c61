"""Beat 6 of the diagnosis: self-healing:diagnosis:analyze:coverage."""

from __future__ import annotations

from typing import Final

import msgspec

from handlers.diagnosis.meant_tests import meant_tests, place_of
from handlers.diagnosis.production_use import ProductionUse, production_use
from handlers.diagnosis.subject import find_handler, place, subject
from handlers.diagnosis.wording import count
from handlers.model import (
    CoverageAnomaly,
    CoverageDiagnosis,
    CoveredFunction,
    Handler,
    TelemetryMetrics,
    Test,
    Verdict,
)

_SHOWN: Final = 3


class CoverageDiagnoses(msgspec.Struct, frozen=True):
    diagnosis: tuple[CoverageDiagnosis, ...]


def analyze_coverage_issues(
    anomalies: tuple[CoverageAnomaly, ...],
    handlers: tuple[Handler, ...],
    tests: tuple[Test, ...],
    *,
    functions: tuple[CoveredFunction, ...] = (),
    metrics: TelemetryMetrics | None = None,
) -> CoverageDiagnoses:
    """Tells a handler that no test names from one whose tests are skipped or do not reach it.

    `functions`: the functions of the coverage reports. They are matched by name, so a name that several
    declared handlers share proves nothing about one of them. `metrics`: the telemetry that was judged; it
    tells how production uses what no test runs.
    """
    return CoverageDiagnoses(
        tuple(_diagnose(each, handlers, tests, functions, metrics) for each in anomalies)
    )


def _diagnose(
    anomaly: CoverageAnomaly,
    handlers: tuple[Handler, ...],
    tests: tuple[Test, ...],
    functions: tuple[CoveredFunction, ...],
    metrics: TelemetryMetrics | None,
) -> CoverageDiagnosis:
    handler = find_handler(handlers, anomaly)
    reported = [each for each in functions if anomaly.handler and each.name.split(".")[-1] == anomaly.handler]
    namesakes = len({(each.plugin, each.sequence) for each in handlers if each.name == anomaly.handler})
    meant = meant_tests(anomaly, handler, tests)
    kind, verdict, cause = _cause(anomaly, meant, reported, namesakes, known=bool(tests or functions))
    use = production_use(anomaly, metrics) if metrics else ProductionUse()
    missed = _missed(reported) if namesakes <= 1 else ()
    unreached = [each for each in reported if not each.executed]
    return CoverageDiagnosis(
        anomaly=anomaly,
        cause=cause,
        cause_kind=kind,
        verdict=verdict,
        evidence=(
            f"{count(anomaly.executions, 'execution')} in the judged span, {anomaly.failures:,} failed",
            anomaly.evidence,
            *(f"{each.source}: {each.name} ({each.file}:{each.line}) is not executed" for each in unreached),
            *(f"{place_of(each)} is skipped by {each.skip.marker}" for each in meant[:_SHOWN] if each.skip),
            *((f"no test runs {', '.join(missed)}",) if missed else ()),
            *(f"production plays it as {path}" for path in use.paths),
            *(f"it fails in production with {failure}" for failure in use.failures),
        ),
        evidence_against=(
            (f"{namesakes} declared handlers have this name; the reports do not tell them apart",)
            if reported and namesakes > 1
            else ()
        ),
        location=f"{unreached[0].file}:{unreached[0].line}"
        if unreached and namesakes <= 1
        else place(handler),
        nearest_test=meant[0].file if meant else _nearest_test(anomaly, handler, handlers),
        tests=meant[:_SHOWN],
        missed=missed,
        paths=use.paths,
        failures=use.failures,
    )


def _cause(
    anomaly: CoverageAnomaly,
    meant: tuple[Test, ...],
    reported: list[CoveredFunction],
    namesakes: int,
    *,
    known: bool,
) -> tuple[str, Verdict, str]:
    name = subject(anomaly)
    if any(each.executed for each in reported):
        return "namesake-tested", "inconclusive", f"tests execute a {anomaly.handler}, perhaps not {name}"
    proved: Verdict = "confirmed" if reported and namesakes <= 1 else "inconclusive"
    if meant:
        return _with_tests(name, meant, is_measured=bool(reported), is_unique=namesakes <= 1)
    if not known:
        return "no-test-data", "inconclusive", f"no test and no coverage report is known, so none for {name}"
    if proved == "confirmed":
        return "never-tested", proved, f"no test executes {name}"
    return "never-tested", "likely", f"no declared test and no coverage report names {name}"


def _with_tests(
    name: str, meant: tuple[Test, ...], *, is_measured: bool, is_unique: bool
) -> tuple[str, Verdict, str]:
    """That a test is meant for it is at most likely where nothing but the name says so."""
    first, more = meant[0], len(meant) - 1
    is_declared = first.known_by == "declared"
    test = f"{'the declared test' if is_declared else 'the test'} {place_of(first)}"
    tests = f"{test} and {count(more, 'other')}" if more else test
    skips = [each.skip for each in meant if each.skip]
    if len(skips) == len(meant):
        always = not any(each.is_conditional for each in skips)
        sure = is_declared and always and is_measured and is_unique
        known = (is_declared or is_unique) and (always or is_measured)
        cause = f"{tests} {'are' if more else 'is'} skipped, so {name} is not tested"
        return "tests-skipped", "confirmed" if sure else "likely" if known else "inconclusive", cause
    if not is_measured:
        return "test-unproved", "inconclusive", f"no coverage report shows that {test} executes {name}"
    verdict: Verdict = "inconclusive" if not is_unique else "confirmed" if is_declared else "likely"
    return "not-reached", verdict, f"{tests} {'do' if more else 'does'} not execute {name}"


def _missed(reported: list[CoveredFunction]) -> tuple[str, ...]:
    """The first few parts, as reports of all kinds together have them."""
    parts = dict.fromkeys((each.file, *part) for each in reported for part in each.missed)
    return tuple(
        f"{file}:{first}" + (f"-{last}" if last > first else "") for file, first, last in [*parts][:_SHOWN]
    )


def _nearest_test(anomaly: CoverageAnomaly, handler: Handler | None, handlers: tuple[Handler, ...]) -> str:
    """The test file of its neighbour in the sequence, else of the plug-in."""
    plugin = handler.plugin if handler else anomaly.plugin
    beat = handler.beat if handler else 0
    candidates = [each for each in handlers if each.test_file and each.plugin == plugin and plugin]
    nearest = min(
        candidates,
        key=lambda each: (each.sequence != anomaly.sequence, abs(each.beat - beat), each.test_file),
        default=None,
    )
    return nearest.test_file if nearest else ""
