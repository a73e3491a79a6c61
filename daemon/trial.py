"""What would be understood of a log, and what would not: a reading that stores nothing."""

from __future__ import annotations

import itertools
import os
import time
from typing import BinaryIO, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from config.globs import matching
from config.settings import Settings
from daemon.bounded_format import TooSlowError, bounded
from daemon.line_blocks import line_blocks
from daemon.log_port import HEAD_BYTES
from daemon.trial_cost import PatternCost, slowest_pattern
from daemon.trial_times import TimeReader, TrialTimes
from daemon.trial_unmatched import UnmatchedGroups, UnmatchedLines, extract
from handlers.formats.base import Extraction, Format
from handlers.formats.encoding import UTF16_ADVICE, is_utf16, without_mark
from handlers.formats.registry import detect_format, log_formats
from handlers.formats.timed_patterns import timed_patterns
from handlers.model import Block, ParserState, Subject, TelemetryEvents
from handlers.redaction import redacted

FIRST_BYTES: Final = 64 << 20
BLOCK_BYTES: Final = 1 << 20
_MAX_EXAMPLES: Final = 3
_MAX_EXAMPLE_CHARS: Final = 80
_NAMES: Final = [name for name in Subject.__struct_fields__ if name not in {"kind", "beats"}]

Reason = Literal["option", "settings", "recognised", "not recognised"]


class NotReadableError(Exception):
    """The log cannot be read at all; the message says why and what to do."""


class FieldExamples(msgspec.Struct):
    """A field of the events."""

    events: int = 0
    """Events that have it."""
    examples: list[str] = []


class Trial(msgspec.Struct, kw_only=True):
    """What a reading gave. The counts are of what was read: all of it only if `complete`."""

    path: str
    format: str
    """Name of the format, or "" where none recognises the log."""
    reason: Reason
    """Why this format."""
    tried: dict[str, bool]
    """Each format that there is, in the order of trial, and whether it recognises the first lines."""
    bytes_read: int = 0
    complete: bool = True
    lines: int = 0
    matched: int = 0
    unmatched: int = 0
    unreadable: int = 0
    undecodable: int = 0
    cut: int = 0
    events: dict[str, int] = {}
    """By kind."""
    fields: dict[str, FieldExamples] = {}
    unmatched_lines: list[UnmatchedLines] = []
    """Most frequent first."""
    ungrouped: int = 0
    """Unmatched lines that are in no group: there are `MAX_GROUPS` already."""
    times: TrialTimes
    slowest: PatternCost | None = None
    matching_ms: float = 0.0
    """Processor time that the format took, as it would in the daemon."""
    share_of_time: float = 0.0
    """Part of the processor time of the trial that this was, 0..1."""


def try_log(path: str, stream: BinaryIO, settings: Settings, wanted: str, max_bytes: int | None) -> Trial:
    """Reads a log, at most about `max_bytes` of it.

    `wanted`: name of a format, or "" for that of the settings. Raises NotReadableError, OSError.
    """
    try:
        return _try_log(path, stream, settings, wanted, max_bytes)
    except TooSlowError as error:
        text = redacted(error.text) if settings.log.redact else error.text
        raise NotReadableError(
            f"{path}: {error} at byte {error.offset:,}: {text}\n"
            "Patterns that can match one text in many ways, such as (a+)+ or (.*,)*, take exponential time "
            "in Python's re, and would stop the daemon. Rewrite it, or install google-re2 (extra re2), "
            "which takes linear time"
        ) from error


def _try_log(path: str, stream: BinaryIO, settings: Settings, wanted: str, max_bytes: int | None) -> Trial:
    began = time.process_time()
    blocks = line_blocks(stream, block_bytes=BLOCK_BYTES, max_line_bytes=settings.logs.max_line_bytes)
    first = [*itertools.islice(blocks, 1)]
    head = first[0].block.data if first else b""
    reader = TimeReader(
        ZoneInfo(matching(_absolute(path), settings.ingest.timezone_of, settings.ingest.timezone)),
        time.time_ns() // 1_000_000,
        round(settings.ingest.max_clock_skew_s * 1000),
    )
    trial, log_format = _begin(path, head, settings, wanted, reader.times)
    state = ParserState()
    groups = UnmatchedGroups()
    for piece in itertools.chain(first, blocks):
        if max_bytes is not None and trial.bytes_read >= max_bytes:
            trial.complete = False
            break
        before = time.process_time()
        extraction = extract(log_format, piece.block, state)
        trial.matching_ms += (time.process_time() - before) * 1000
        if extraction.matched < extraction.lines:
            groups.add(log_format, piece.block, state, trial.lines)
        state = extraction.state
        trial.cut += piece.cut
        _add(trial, piece.block, extraction, reader)
    if log_format is not None:
        rest = log_format.reader(0, state)
        rest.close()
        _add_events(trial, rest.events, reader)
    trial.unmatched = trial.lines - trial.matched
    trial.unmatched_lines = groups.told(trial.format, settings, nothing_matched=not trial.matched)
    trial.ungrouped = groups.others
    if settings.log.redact:
        for field in trial.fields.values():
            field.examples = [*dict.fromkeys(map(redacted, field.examples))]
        trial.times.unread = redacted(trial.times.unread)
    spent = time.process_time() - began
    trial.share_of_time = min(1.0, trial.matching_ms / 1000 / spent) if spent else 0.0
    if log_format is not None:
        trial.slowest = slowest_pattern(timed_patterns(log_format), head)
    return trial


def _absolute(path: str) -> str:
    """The path as the daemon knows it, to which the operator's globs apply."""
    return os.path.abspath(path)  # noqa: PTH100 (no link)


def _begin(
    path: str, data: bytes, settings: Settings, option: str, times: TrialTimes
) -> tuple[Trial, Format | None]:
    head = data[:HEAD_BYTES]
    if is_utf16(head):
        raise NotReadableError(f"{path}: {UTF16_ADVICE}")
    formats = bounded(log_formats(settings, whole_runs=False), settings)
    wanted = option or matching(_absolute(path), settings.logs.format_of, settings.logs.format)
    log_format = detect_format(head, formats, wanted)
    reason: Reason = "recognised" if log_format else "not recognised"
    if wanted != "auto":
        reason = "option" if option else "settings"
    tried = {name: _recognizes(each, head) for name, each in formats.items()}
    name = log_format.name if log_format else ""
    return Trial(path=path, format=name, reason=reason, tried=tried, times=times), log_format


def _recognizes(log_format: Format, head: bytes) -> bool:
    try:
        return log_format.recognizes(without_mark(head))
    except TooSlowError:
        return False  # another format is wanted, or came first


def _add(trial: Trial, block: Block, extraction: Extraction, reader: TimeReader) -> None:
    trial.bytes_read = block.end
    trial.lines += extraction.lines
    trial.matched += extraction.matched
    trial.unreadable += extraction.unreadable
    trial.undecodable += extraction.undecodable
    _add_events(trial, extraction.events, reader)


def _add_events(trial: Trial, events: TelemetryEvents, reader: TimeReader) -> None:
    for index, subject in enumerate(events.subjects):
        trial.events[subject.kind] = trial.events.get(subject.kind, 0) + 1
        if subject.kind != "registered":
            reader.add(events.times[index])
        error = events.errors.get(index)
        values = {
            "time": events.times[index],
            **{name: getattr(subject, name) for name in _NAMES},
            "request_id": events.runs[index],
            "duration_ms": events.durations_ms[index],
            **({f"error_{name}": getattr(error, name) for name in error.__struct_fields__} if error else {}),
        }
        for name, value in values.items():
            if value is None or value is False or value == "" or (name == "beat" and value == 0):
                continue
            field = trial.fields.setdefault(name, FieldExamples())
            field.events += 1
            if len(field.examples) < _MAX_EXAMPLES:
                example = str(value)[:_MAX_EXAMPLE_CHARS]
                if example not in field.examples:
                    field.examples.append(example)
