"""Events and plays of the telemetry sequence for its tests."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from config.settings import Settings
from handlers.formats.registry import log_formats
from handlers.metrics import add_window
from handlers.model import Block, FileIdentity, LogFile, OpenRun, StreamState, Window
from handlers.stage import BeatReport, perform
from handlers.telemetry.aggregate_telemetry_metrics import (
    AggregatedTelemetry,
    aggregate_telemetry_metrics,
)
from handlers.telemetry.ports import TelemetryCommit
from handlers.telemetry.sequence import TELEMETRY, ParsedTelemetry, TelemetryLimits, parse_telemetry
from tests.handlers.rows import NormalizedEvent, TelemetryEvent, normalized_columns

SOURCE: Final = 1
WINDOW_MS: Final = 10_000
TIMEOUT_MS: Final = 60_000
ARRIVAL_MS: Final = 1_795_400_000_000
"""2026-11-23T02:13:20Z."""
BLOCK_BYTES: Final = 300
NO_ERROR: Final[dict[str, Any]] = {"error_type": "", "error_template": "", "error_frame": ""}


def raw(kind: str = "beat-completed", **fields: Any) -> TelemetryEvent:
    return msgspec.convert({"kind": kind, "source": SOURCE, "offset": 0, **fields}, TelemetryEvent)


def event(kind: str, at_ms: int, name: str = "", run: str = "", **fields: Any) -> NormalizedEvent:
    base = {
        "kind": kind,
        "at_ms": at_ms,
        "source": SOURCE,
        "offset": at_ms,
        "sequence": "s",
        "run": run,
        "event": name,
        "plugin": "",
        "handler": "",
        "beat": 0,
        "duration_us": None,
        "failed": False,
    }
    return msgspec.convert({**base, **NO_ERROR, **fields}, NormalizedEvent)


def aggregate(
    events: Iterable[NormalizedEvent],
    *,
    runs: Mapping[str, Mapping[str, OpenRun]] | None = None,
    watermarks_ms: Mapping[str, int] | None = None,
    stream_of: dict[int, str] | None = None,
    at_end: bool = False,
) -> AggregatedTelemetry:
    return aggregate_telemetry_metrics(
        normalized_columns(events, stream_of),
        runs=runs or {},
        watermarks_ms=watermarks_ms or {},
        window_ms=WINDOW_MS,
        run_timeout_ms=TIMEOUT_MS,
        at_end=at_end,
    )


def add_all(into: dict[int, Window], windows: Mapping[int, Window]) -> None:
    """What the store does with the windows of a commit."""
    for start_ms, window in windows.items():
        add_window(into.setdefault(start_ms, Window(start_ms)), window)


class Logs:
    """Log files in memory, by path; a read moves nothing, a commit does (`Store`)."""

    def __init__(self, files: Mapping[str, bytes], streams: Mapping[str, str] | None = None) -> None:
        self.files = dict(files)
        self.streams = dict(streams or {})
        self.offsets = dict.fromkeys(files, 0)
        self.formats = dict.fromkeys(files, "")
        self.heads = 0

    async def list_files(self, logs_directory: Sequence[str]) -> tuple[LogFile, ...]:
        return tuple(
            LogFile(
                source=number,
                path=path,
                stream=self.streams.get(path, path),
                identity=FileIdentity(1, number, "", 0),
                offset=self.offsets[path],
                size_bytes=len(data),
                format=self.formats[path],
            )
            for number, (path, data) in enumerate(self.files.items(), 1)
            if self.offsets[path] < len(data)
        )

    async def lossy_streams(self) -> tuple[str, ...]:
        return ()

    async def head(self, file: LogFile) -> bytes:
        self.heads += 1
        return self.files[file.path][:2000]

    async def read(
        self, file: LogFile, max_bytes: int, *, flush: bool, opening: bytes, take: Callable[[Block], bool]
    ) -> None:
        data, start = self.files[file.path], file.offset
        while start < min(len(data), file.offset + max_bytes):
            end = data.rfind(b"\n", start, start + BLOCK_BYTES) + 1 or data.find(b"\n", start) + 1
            if not end:
                if not flush:
                    return
                end = len(data)
            if not take(Block(file.source, start, end, data[start:end])):
                return
            start = end


class Store:
    """Keeps what is committed; `fails` makes the next commit fail."""

    def __init__(self, logs: Logs) -> None:
        self.logs = logs
        self.commits: list[TelemetryCommit] = []
        self.windows: dict[int, Window] = {}
        self.fails = False

    async def commit_telemetry(self, commit: TelemetryCommit) -> str:
        if self.fails:
            self.fails = False
            raise OSError("disk full")
        self.commits.append(commit)
        add_all(self.windows, commit.metrics.windows)
        paths = list(self.logs.files)
        for piece in commit.consumed:
            self.logs.offsets[paths[piece.source - 1]] = piece.end_offset
            self.logs.formats[paths[piece.source - 1]] = piece.format
        return f"record-{len(self.commits)}"


class Play:
    """Plays the telemetry sequence over `logs` again and again, as the daemon does."""

    def __init__(self, logs: Logs, *, batch_bytes: int = 1 << 20, wanted_format: str = "auto") -> None:
        self.logs = logs
        self.store = Store(logs)
        self.streams: dict[str, StreamState] = {}
        self.reports: list[BeatReport] = []
        self.limits = TelemetryLimits(
            WINDOW_MS, TIMEOUT_MS, 60_000, batch_bytes, wanted_format, ZoneInfo("UTC")
        )

    async def once(self, *, at_end: bool = False) -> ParsedTelemetry:
        outcome = await perform(
            TELEMETRY,
            "request-1",
            self.reports.append,
            lambda run: parse_telemetry(
                run,
                "request-1",
                logs_directory=[".logs"],
                logs=self.logs,
                store=self.store,
                formats=log_formats(Settings()),
                streams=self.streams,
                limits=self.limits,
                arrival_ms=ARRIVAL_MS,
                at_end=at_end,
            ),
        )
        if outcome.error is not None:
            raise outcome.error
        parsed: ParsedTelemetry = outcome.result
        # The store holds the state as JSON: what does not survive that is lost by a restart.
        self.streams = msgspec.json.decode(
            msgspec.json.encode(dict(parsed.streams)), type=dict[str, StreamState]
        )
        return parsed

    async def to_end(self, *, at_end: bool = True) -> ParsedTelemetry:
        for _ in range(10_000):
            parsed = await self.once(at_end=at_end)
            if not parsed.more:
                return parsed
        raise AssertionError("the sequence never came to an end")
