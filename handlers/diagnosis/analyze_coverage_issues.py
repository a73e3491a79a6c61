"""Beat 6 of the diagnosis: self-healing:diagnosis:analyze:coverage."""

from __future__ import annotations

import msgspec

from handlers.diagnosis.subject import find_handler, place, subject
from handlers.diagnosis.wording import count
from handlers.model import CoverageAnomaly, CoverageDiagnosis, CoveredFunction, Handler, Test, Verdict


class CoverageDiagnoses(msgspec.Struct, frozen=True):
    diagnosis: tuple[CoverageDiagnosis, ...]


def analyze_coverage_issues(
    anomalies: tuple[CoverageAnomaly, ...],
    handlers: tuple[Handler, ...],
    tests: tuple[Test, ...],
    *,
    functions: tuple[CoveredFunction, ...] = (),
) -> CoverageDiagnoses:
    """Tells a handler that no test names from one whose declared test does not reach it.

    `functions`: the functions of the coverage reports. They are matched by name, so a name that several
    declared handlers share proves nothing about one of them.
    """
    return CoverageDiagnoses(tuple(_diagnose(each, handlers, tests, functions) for each in anomalies))


def _diagnose(
    anomaly: CoverageAnomaly,
    handlers: tuple[Handler, ...],
    tests: tuple[Test, ...],
    functions: tuple[CoveredFunction, ...],
) -> CoverageDiagnosis:
    handler = find_handler(handlers, anomaly)
    reported = [each for each in functions if anomaly.handler and each.name.split(".")[-1] == anomaly.handler]
    namesakes = len({(each.plugin, each.sequence) for each in handlers if each.name == anomaly.handler})
    kind, verdict, cause = _cause(anomaly, handler, reported, namesakes, known=bool(tests or functions))
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
        ),
        evidence_against=(
            (f"{namesakes} declared handlers have this name; the reports do not tell them apart",)
            if reported and namesakes > 1
            else ()
        ),
        location=f"{unreached[0].file}:{unreached[0].line}"
        if unreached and namesakes <= 1
        else place(handler),
        nearest_test=_nearest_test(anomaly, handler, handlers),
    )


def _cause(
    anomaly: CoverageAnomaly,
    handler: Handler | None,
    reported: list[CoveredFunction],
    namesakes: int,
    *,
    known: bool,
) -> tuple[str, Verdict, str]:
    name = subject(anomaly)
    if any(each.executed for each in reported):
        return "namesake-tested", "inconclusive", f"tests execute a {anomaly.handler}, perhaps not {name}"
    proved: Verdict = "confirmed" if reported and namesakes <= 1 else "inconclusive"
    if handler and handler.test_file:
        case = f" ({handler.test_case})" if handler.test_case else ""
        test = f"the declared test {handler.test_file}{case}"
        if reported:
            return "declared-test-misses-it", proved, f"{test} does not execute {name}"
        return "declared-test-unproved", proved, f"no coverage report shows that {test} executes {name}"
    if not known:
        return "no-test-data", "inconclusive", f"no test and no coverage report is known, so none for {name}"
    if proved == "confirmed":
        return "never-tested", proved, f"no test executes {name}"
    return "never-tested", "likely", f"no declared test and no coverage report names {name}"


def _nearest_test(anomaly: CoverageAnomaly, handler: Handler | None, handlers: tuple[Handler, ...]) -> str:
    """The test file of the handler itself, else of its neighbour in the sequence, else of the plug-in."""
    if handler and handler.test_file:
        return handler.test_file
    plugin = handler.plugin if handler else anomaly.plugin
    beat = handler.beat if handler else 0
    candidates = [each for each in handlers if each.test_file and each.plugin == plugin and plugin]
    nearest = min(
        candidates,
        key=lambda each: (each.sequence != anomaly.sequence, abs(each.beat - beat), each.test_file),
        default=None,
    )
    return nearest.test_file if nearest else ""
