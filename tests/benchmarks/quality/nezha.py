"""Ranks the services and code regions of the Nezha faults with the product's comparison of runs.

    python -m tests.benchmarks.quality.nezha DATA OUT

DATA holds reference.json.xz (a healthy minute a day), cases_*.json.xz (three minutes from each fault on),
tables.json.xz (names and messages by number) and metrics.json.xz (resources by day, service and minute).
OUT gets a JSON object: case id -> {"services": [service, ...], "regions": [[service, region], ...]}, most
likely root cause first. One set of parameters; labels are not read.

Yu et al.: "Nezha: Interpretable Fine-Grained Root Causes Analysis for Microservices on Multi-modal
Observability Data", ESEC/FSE 2023.
"""

from __future__ import annotations

import json
import lzma
import math
import sys
from itertools import pairwise
from pathlib import Path

import msgspec

from handlers.diagnosis.differing_runs import Difference, Resource, Run, Step, differing_runs

MINUTE_S = 60


class Span(msgspec.Struct, array_like=True):
    trace: int
    id: int
    parent: int
    service: int
    operation: int
    start_us: int
    duration_us: int


class Log(msgspec.Struct, array_like=True):
    trace: int
    span: int
    at_us: int
    service: int
    level: int
    message: int


class Minute(msgspec.Struct):
    unix: int
    spans: list[Span]
    logs: list[Log]


class Case(msgspec.Struct):
    case: str
    day: str
    minutes: list[Minute]


class Tables(msgspec.Struct):
    service: list[str]
    operation: list[str]
    message: list[str]


class Metrics(msgspec.Struct):
    columns: list[str]
    days: dict[str, dict[str, list[list[float]]]]


def main(data: Path, out: Path) -> None:
    """Reads the cases of `data` and writes the rankings to `out`."""
    tables = msgspec.json.decode(_unpacked(data / "tables.json.xz"), type=Tables)
    reference = msgspec.json.decode(_unpacked(data / "reference.json.xz"), type=dict[str, Minute])
    # The standard library reads the NaN in it.
    metrics = msgspec.convert(json.loads(_unpacked(data / "metrics.json.xz")), type=Metrics)
    healthy = [run for minute in reference.values() for run in _runs(minute, tables)]
    ranked = {}
    for path in sorted(data.glob("cases_*.json.xz")):
        for case in msgspec.json.decode(_unpacked(path), type=list[Case]):
            failing = [run for minute in case.minutes for run in _runs(minute, tables)]
            differences = differing_runs(failing, healthy, _resources(case, metrics))
            ranked[case.case] = {
                "services": list(dict.fromkeys(each.component for each in differences)),
                "regions": list(dict.fromkeys((each.component, _region(each)) for each in differences)),
            }
    out.write_bytes(msgspec.json.format(msgspec.json.encode(ranked)))


def _runs(minute: Minute, tables: Tables) -> list[Run]:
    """The traces of a minute. What a call takes beyond the work of the service that answers it is a
    step of that service: the way to it and back."""
    traces: dict[int, list[Span]] = {}
    for span in minute.spans:
        traces.setdefault(span.trace, []).append(span)
    statements: dict[tuple[int, int], list[Log]] = {}
    for log in minute.logs:
        statements.setdefault((log.trace, log.span), []).append(log)
    return [_run(spans, statements, tables) for spans in traces.values()]


def _run(spans: list[Span], logs: dict[tuple[int, int], list[Log]], tables: Tables) -> Run:
    index = {span.id: number for number, span in enumerate(spans)}
    own_us = own_times(spans)
    answered = {span.parent: span for span in spans}
    run = []
    for span in spans:
        callee = answered.get(span.id)
        remote = callee if callee and callee.service != span.service else span
        operation = tables.operation[remote.operation]
        written = sorted(logs.get((span.trace, span.id), ()), key=lambda log: log.at_us)
        run.append(
            Step(
                component=tables.service[remote.service],
                operation=operation if remote is span else f"{tables.service[span.service]} -> {operation}",
                caller=index.get(span.parent, -1),
                own_us=own_us[span.id],
                statements=tuple(tables.message[log.message].split(" ", 1)[0] for log in written),
            )
        )
    return run


def own_times(spans: list[Span]) -> dict[int, int]:
    """By span: each moment belongs to the span that began last of those that are open."""
    own_us = dict.fromkeys((span.id for span in spans), 0)
    by_start = sorted(spans, key=lambda span: (span.start_us, span.id))
    moments = sorted({at for span in spans for at in (span.start_us, span.start_us + span.duration_us)})
    open_spans: list[Span] = []
    began = 0
    for at, until in pairwise(moments):
        while began < len(by_start) and by_start[began].start_us <= at:
            open_spans.append(by_start[began])
            began += 1
        open_spans = [span for span in open_spans if span.start_us + span.duration_us > at]
        if open_spans:
            own_us[open_spans[-1].id] += until - at
    return own_us


def _resources(case: Case, metrics: Metrics) -> list[Resource]:
    column = metrics.columns.index("CpuUsageRate(%)")
    first = case.minutes[0].unix
    last = case.minutes[-1].unix + MINUTE_S
    found = []
    for service, rows in metrics.days[case.day].items():
        known = [(row[0], row[column] / 100) for row in rows if math.isfinite(row[column])]
        used = [value for at, value in known if first <= at < last]
        usual = tuple(value for at, value in known if at < first)
        if used:
            found.append(Resource(service, "CpuUsageRate(%)", max(used), usual))
    return found


def _region(each: Difference) -> str:
    match each.kind:
        case "path":
            return f"{each.place}_{each.expected}"
        case "resource":
            return each.place
        case "time":
            return "NetworkP90(ms)"


def _unpacked(path: Path) -> bytes:
    with lzma.open(path) as file:
        return file.read()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m tests.benchmarks.quality.nezha DATA OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
