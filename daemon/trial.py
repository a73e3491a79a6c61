"""What would be understood of a log, and what would not: a reading that stores nothing."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import BinaryIO, Final, Literal

import msgspec

from config.settings import Settings
from daemon.line_blocks import line_blocks
from daemon.log_port import HEAD_BYTES
from handlers.formats.base import Extraction, Format
from handlers.formats.encoding import UTF16_ADVICE, is_utf16, without_mark
from handlers.formats.error_text import error_template
from handlers.formats.near_miss import near_miss
from handlers.formats.registry import detect_format, log_formats
from handlers.formats.scan import extract_block
from handlers.model import Block, ParserState, TelemetryEvent

FIRST_BYTES: Final = 64 << 20
BLOCK_BYTES: Final = 1 << 20
MAX_GROUPS: Final = 1000
"""Templates that are told apart: it bounds the memory."""
_MAX_EXAMPLES: Final = 3
_MAX_EXAMPLE_CHARS: Final = 80
_MAX_TEXT_BYTES: Final = 1000

Reason = Literal["option", "settings", "recognised", "not recognised"]


class NotReadableError(Exception):
    """The log cannot be read at all; the message says why and what to do."""


class FieldExamples(msgspec.Struct):
    """A field of the events."""

    events: int = 0
    """Events that have it."""
    examples: list[str] = []


class UnmatchedLines(msgspec.Struct):
    """Lines that are not understood and differ in numbers, ids and times only."""

    template: str
    lines: int
    first_line: int
    """Number of the first of them, from 1."""
    text: str
    """The beginning of that line."""
    near_miss: str
    """What it comes close to and where it stops, or ""."""


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
    matching_ms: float = 0.0
    """Processor time that the format took, as it would in the daemon."""
    share_of_time: float = 0.0
    """Part of the processor time of the trial that this was, 0..1."""


def try_log(path: str, stream: BinaryIO, settings: Settings, wanted: str, max_bytes: int | None) -> Trial:
    """Reads a log, at most about `max_bytes` of it.

    `wanted`: name of a format, or "" for that of the settings. Raises NotReadableError, OSError.
    """
    began = time.process_time()
    blocks = line_blocks(stream, block_bytes=BLOCK_BYTES, max_line_bytes=settings.logs.max_line_bytes)
    formats = log_formats(settings)
    trial: Trial | None = None
    log_format: Format | None = None
    state = ParserState()
    groups = _Groups()
    for piece in blocks:
        if trial is None:
            trial, log_format = _begin(path, piece.block.data[:HEAD_BYTES], formats, settings, wanted)
        if max_bytes is not None and trial.bytes_read >= max_bytes:
            trial.complete = False
            break
        before = time.process_time()
        extraction = _extract(log_format, piece.block, state)
        trial.matching_ms += (time.process_time() - before) * 1000
        if extraction.matched < extraction.lines:
            groups.add(log_format, piece.block, state, trial.lines)
        state = extraction.state
        trial.cut += piece.cut
        _add(trial, piece.block, extraction)
    if trial is None:
        trial, log_format = _begin(path, b"", formats, settings, wanted)
    if log_format is not None:
        end = Block(0, trial.bytes_read, trial.bytes_read, b"")
        _add_events(trial, log_format.extract(end, state, at_end=True).events)
    trial.unmatched = trial.lines - trial.matched
    trial.unmatched_lines = groups.told(trial.format, settings)
    trial.ungrouped = groups.others
    spent = time.process_time() - began
    trial.share_of_time = min(1.0, trial.matching_ms / 1000 / spent) if spent else 0.0
    return trial


def _begin(
    path: str, head: bytes, formats: Mapping[str, Format], settings: Settings, option: str
) -> tuple[Trial, Format | None]:
    if is_utf16(head):
        raise NotReadableError(f"{path}: {UTF16_ADVICE}")
    wanted = option or settings.logs.format
    log_format = detect_format(head, formats, wanted)
    reason: Reason = "recognised" if log_format else "not recognised"
    if wanted != "auto":
        reason = "option" if option else "settings"
    tried = {name: each.recognizes(without_mark(head)) for name, each in formats.items()}
    name = log_format.name if log_format else ""
    return Trial(path=path, format=name, reason=reason, tried=tried), log_format


def _extract(log_format: Format | None, block: Block, state: ParserState) -> Extraction:
    if log_format is None:
        return Extraction(events=[], state=state, matched=0, unreadable=0, lines=block.lines)
    return extract_block(log_format, block, state, at_end=False)


def _add(trial: Trial, block: Block, extraction: Extraction) -> None:
    trial.bytes_read = block.end
    trial.lines += extraction.lines
    trial.matched += extraction.matched
    trial.unreadable += extraction.unreadable
    trial.undecodable += extraction.undecodable
    _add_events(trial, extraction.events)


_FIELDS: Final = {
    field.name: field.default
    for field in msgspec.structs.fields(TelemetryEvent)
    if field.name not in {"kind", "source", "offset"}
}


def _add_events(trial: Trial, events: Iterable[TelemetryEvent]) -> None:
    for event in events:
        trial.events[event.kind] = trial.events.get(event.kind, 0) + 1
        for name, default in _FIELDS.items():
            value = getattr(event, name)
            if value == default:
                continue
            field = trial.fields.setdefault(name, FieldExamples())
            field.events += 1
            if len(field.examples) < _MAX_EXAMPLES:
                example = str(value)[:_MAX_EXAMPLE_CHARS]
                if example not in field.examples:
                    field.examples.append(example)


class _Groups:
    """The unmatched lines by template."""

    def __init__(self) -> None:
        self._lines: Counter[str] = Counter()
        self._first: dict[str, tuple[int, bytes]] = {}
        self.others = 0

    def add(self, log_format: Format | None, block: Block, state: ParserState, lines_before: int) -> None:
        """Reads a block line by line, to know which of them the format does not match."""
        offset = block.offset
        for number, line in enumerate(io.BytesIO(block.data), lines_before + 1):
            end = offset + len(line)
            extraction = _extract(log_format, Block(block.source, offset, end, line, 1), state)
            state, offset = extraction.state, end
            if not extraction.matched:
                self._add_line(number, line)

    def _add_line(self, number: int, line: bytes) -> None:
        template = error_template(line[:_MAX_TEXT_BYTES].decode("utf-8", "replace").strip())
        if template not in self._first:
            if len(self._first) == MAX_GROUPS:
                self.others += 1
                return
            self._first[template] = number, line[:_MAX_TEXT_BYTES]
        self._lines[template] += 1

    def told(self, format_name: str, settings: Settings) -> list[UnmatchedLines]:
        return [
            UnmatchedLines(
                template=template,
                lines=lines,
                first_line=self._first[template][0],
                text=self._first[template][1].decode("utf-8", "replace").rstrip("\r\n"),
                near_miss=near_miss(format_name, self._first[template][1], settings),
            )
            for template, lines in self._lines.most_common()
        ]
