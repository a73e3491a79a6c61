"""Every sample log gives what its expected.json says, however it is cut into blocks."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from config.globs import matching
from config.load import load_settings
from config.settings import Settings
from daemon.limits import telemetry_limits
from handlers.formats.base import Format
from handlers.formats.registry import detect_format, log_formats
from handlers.formats.scan import extract_block
from handlers.metrics import merged
from handlers.model import (
    ROW,
    Block,
    NormalizedEvents,
    PackedNormalizedEvents,
    PackedTelemetryEvents,
    ParserState,
    TelemetryEvents,
)
from handlers.telemetry.aggregate_telemetry_metrics import (
    AggregatedTelemetry,
    aggregate_telemetry_metrics,
)
from handlers.telemetry.normalize_telemetry_data import NormalizedTelemetry, normalize_telemetry_data
from tests.handlers.rows import kinds

SAMPLES: Final = Path(__file__).parent / "samples"
CASES: Final = sorted(path for path in SAMPLES.iterdir() if path.is_dir())
FILES: Final = {"input.log", "settings.yaml", "expected.json"}
ARRIVAL: Final = datetime(2026, 11, 30, tzinfo=UTC)
SOURCE: Final = 1


def settings_of(case: Path) -> Settings:
    return load_settings(case / "settings.yaml", {}).settings


def format_of(case: Path) -> Format:
    settings = settings_of(case)
    head = (case / "input.log").read_bytes()
    log_format = detect_format(head, log_formats(settings), settings.logs.format)
    assert log_format is not None, f"no format recognises {case.name}"
    return log_format


def blocks(data: bytes, *, by_line: bool) -> Iterable[Block]:
    offset = 0
    for part in data.splitlines(keepends=True) if by_line else [data]:
        yield Block(SOURCE, offset, offset + len(part), part)
        offset += len(part)


def aggregate(normalized: NormalizedTelemetry, settings: Settings) -> AggregatedTelemetry:
    limits = telemetry_limits(settings)
    return aggregate_telemetry_metrics(
        normalized.normalized_events,
        runs={},
        watermarks_ms={},
        window_ms=limits.window_ms,
        run_timeout_ms=limits.run_timeout_ms,
        at_end=True,
    )


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(case: Path, *, by_line: bool) -> dict[str, Any]:
    """Plays extract, normalize and aggregate over the log; the result has the form of expected.json."""
    settings, log_format = settings_of(case), format_of(case)
    data = (case / "input.log").read_bytes()
    events: list[TelemetryEvents | PackedTelemetryEvents] = []
    lines = unreadable = 0
    state = ParserState()
    for block in blocks(data, by_line=by_line):
        extraction = extract_block(log_format, block, state, block.end == len(data))
        events += extraction.events.parts()
        lines += extraction.lines
        unreadable += extraction.unreadable
        state = extraction.state
    limits = telemetry_limits(settings)
    normalized = normalize_telemetry_data(
        events,
        stream_of={SOURCE: "log"},
        names={},
        arrival_ms=round(ARRIVAL.timestamp() * 1000),
        zone=limits.zone,
        max_skew_ms=limits.max_skew_ms,
        zones={"log": matching("log", limits.zone_of, limits.zone)},
    )
    aggregated = aggregate(normalized, settings)
    total = merged(aggregated.metrics.windows.values(), 0)
    times = [
        at_ms + after_ms
        for each in normalized.normalized_events
        if isinstance(each, NormalizedEvents)
        for index, at_ms in enumerate(each.at_ms)
        for after_ms in (0, *(each.whole[index].after_ms if index in each.whole else ()))
    ]
    for each in normalized.normalized_events:
        if isinstance(each, PackedNormalizedEvents):
            times += [at_ms for _, at_ms, _, _ in ROW.iter_unpack(each.beats.rows)]
    beats: dict[str, dict[str, Any]] = {}
    for (sequence, event), beat in total.beats.items():
        beats.setdefault(sequence, {})[event] = {
            "started": beat.started,
            "completed": beat.completed,
            "failed": beat.failed,
            "total_us": beat.total_us,
            "plugin": beat.plugin,
            "handler": beat.handler,
        }
    return {
        "format": log_format.name,
        "lines": lines,
        "unreadable": unreadable,
        "untimed": normalized.untimed,
        "from": iso(min(times)),
        "to": iso(max(times)),
        "events": dict(kinds(events)),
        "beats": beats,
        "runs": {
            sequence: {
                "completed": run.completed,
                "failed": run.failed,
                "unfinished": run.unfinished,
                "total_us": run.total_us,
                "variants": {
                    " > ".join(path.split("\t")): variant.runs for path, variant in run.variants.items()
                },
            }
            for sequence, run in total.runs.items()
        },
        "open_runs": sum(len(runs) for runs in aggregated.runs.values()),
        "errors": [
            {
                "sequence": sequence,
                "event": event,
                "type": error_type,
                "template": template,
                "site": site,
                "frame": error.frame,
                "plugin": error.plugin,
                "handler": error.handler,
                "count": error.count,
            }
            for (sequence, event, error_type, template, site), error in sorted(total.errors.items())
        ],
    }


@pytest.mark.parametrize("by_line", [False, True], ids=["in one block", "line by line"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_sample_gives_what_is_expected(case: Path, by_line: bool) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    assert read(case, by_line=by_line) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_sample_has_all_its_files_and_no_other(case: Path) -> None:
    assert {path.name for path in case.iterdir()} == FILES


@pytest.mark.parametrize("name", log_formats(Settings()))
def test_every_format_has_a_sample_that_it_recognises(name: str) -> None:
    detected = [case.name for case in CASES if settings_of(case).logs.format == "auto"]
    assert [case for case in detected if format_of(SAMPLES / case).name == name]
